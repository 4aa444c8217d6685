//! Documents by which doctors are verified: who may upload what, and who sees it.

use consilium_db::Tx;
use consilium_kernel::{CommandMeta, FacilityId, Role, Scope};

use super::stage::{Stage, code, fresh, meta, on_both, person};
use crate::*;

const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\nThe licence of Dr. Khatun\n";

fn wish(stage: &Stage, length: usize) -> NewUpload {
    NewUpload { purpose: Purpose::Credential, name: "Licence of Khatun.pdf".to_owned(), ..stage.wish(length) }
}

fn place(stage: &Stage) -> Place {
    Place::Verification(stage.doctor.doctor_id.unwrap())
}

async fn document(stage: &Stage) -> FileId {
    let id = stage.files.create(&meta(&stage.doctor), wish(stage, PDF.len())).await.unwrap().id;
    stage.send(&stage.doctor, id, 0, PDF).await.unwrap();
    stage.process().await;
    id
}

async fn show(stage: &Stage, who: &CommandMeta, id: FileId) -> String {
    let (place, subject) = (place(stage), stage.doctor.user_id.uuid());
    let write = move |tx: &mut Tx<'_>| {
        let told = |tx: &mut Tx<'_>, _: &SharedFile| tx.publish("user:test", "credential_submitted", subject, &id);
        share(tx, place, None, id, None, told)
    };
    code(stage.test.db.write(who, write).await.map_err(Into::into))
}

async fn take(stage: &Stage, who: &CommandMeta, id: FileId) -> String {
    let place = place(stage);
    code(stage.test.db.write(who, move |tx| take_back(tx, place, id)).await.map_err(Into::into))
}

#[tokio::test]
async fn doctors_upload_credentials_that_are_documents_and_nobody_else_does() {
    on_both(async |stage| {
        let doctor = meta(&stage.doctor);
        for other in [&stage.patient, &person(Role::Nurse), &person(Role::Admin)] {
            assert_eq!(code(stage.files.create(&meta(other), wish(stage, 10)).await), "forbidden");
        }
        let long = wish(stage, 20 * 1024 * 1024 + 1);
        assert_eq!(code(stage.files.create(&doctor, long).await), "file_too_large");
        for (content, refused) in [
            (&b"Only words, which anybody can write."[..], "unsupported_credential_type"),
            (b"GIF89a\x01\0\x01\0\x80\0\0", "unsupported_credential_type"),
            (b"<html><script>alert(1)</script></html>", "active_content"),
        ] {
            let id = stage.files.create(&doctor, wish(stage, content.len())).await.unwrap().id;
            assert_eq!(code(stage.send(&stage.doctor, id, 0, content).await), refused);
            assert_eq!(code(stage.files.get(&doctor, id).await), "not_found", "the upload is gone");
        }
        let id = document(stage).await;
        let file = stage.files.get(&doctor, id).await.unwrap();
        assert_eq!((file.status, file.purpose, file.patient_id), (Status::Available, Purpose::Credential, None));
    })
    .await;
}

#[tokio::test]
async fn a_credential_is_seen_by_administrators_of_the_facility_once_it_is_shown_and_by_nobody_else() {
    on_both(async |stage| {
        let (doctor, admin) = (meta(&stage.doctor), meta(&person(Role::Admin)));
        let id = document(stage).await;
        assert_eq!(code(stage.files.get(&admin, id).await), "not_found", "not shown yet");
        assert_eq!(show(stage, &meta(&stage.patient), id).await, "not_found");
        assert_eq!(show(stage, &doctor, id).await, "done");
        assert_eq!(show(stage, &doctor, id).await, "done", "again");
        assert_eq!(code(stage.share(id).await), "not_found", "in a consultation it is nobody's");
        let user = person(Role::Admin);
        assert_eq!(stage.content(&user, id, 0..PDF.len() as u64).await.unwrap(), PDF);
        let audited = stage.audited(id).await;
        assert_eq!(audited.last().unwrap(), "read_file_content", "{audited:?}");
        let elsewhere = FacilityId::new(uuid::Uuid::from_u128(77));
        let foreign = CommandMeta { scope: Scope::of(elsewhere), ..admin.clone() };
        let colleague = meta(&person(Role::Doctor));
        for other in [&meta(&stage.patient), &colleague, &meta(&person(Role::Nurse)), &foreign] {
            assert_eq!(code(stage.files.get(other, id).await), "not_found");
            assert_eq!(code(stage.files.link(other, id).await), "not_found");
        }
        let mine = stage.available(&super::stage::picture(100)).await;
        assert_eq!(show(stage, &meta(&stage.patient), mine).await, "not_found", "a patient's file is no credential");
        assert_eq!(code(stage.files.get(&admin, mine).await), "not_found");
    })
    .await;
}

#[tokio::test]
async fn what_is_taken_back_goes_and_only_its_owner_takes_it_back() {
    on_both(async |stage| {
        let (doctor, admin) = (meta(&stage.doctor), meta(&person(Role::Admin)));
        let id = document(stage).await;
        assert_eq!(take(stage, &doctor, id).await, "not_found", "it is not shown");
        show(stage, &doctor, id).await;
        assert_eq!(code(stage.files.delete(&doctor, id).await), "file_is_shared");
        assert_eq!(take(stage, &admin, id).await, "not_found");
        assert_eq!(take(stage, &doctor, fresh()).await, "not_found");
        assert_eq!(take(stage, &doctor, id).await, "done");
        assert_eq!(code(stage.files.get(&admin, id).await), "not_found");
        assert_eq!(code(stage.files.get(&doctor, id).await), "not_found");
        assert_eq!(take(stage, &doctor, id).await, "not_found", "again");
        assert_eq!(stage.lying(), (0, 1));
        stage.process().await;
        assert_eq!(stage.lying(), (0, 0), "its bytes are gone");
        assert_eq!(stage.told(&stage.doctor).await, ["file_stored", "file_deleted"]);
    })
    .await;
}

#[tokio::test]
async fn erasing_a_doctors_account_erases_the_documents() {
    on_both(async |stage| {
        let id = document(stage).await;
        show(stage, &meta(&stage.doctor), id).await;
        let files = stage.erased(stage.doctor.user_id.uuid()).await;
        let db = files.db.clone();
        assert_eq!(code(files.get(&meta(&person(Role::Admin)), id).await), "file_erased");
        let place = place(stage);
        assert_eq!(db.read(move |session| shared(session, place, 0, 10)).await.unwrap(), []);
    })
    .await;
}
