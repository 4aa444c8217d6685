//! Who may read what, by which link, in which ranges.

use bytes::Bytes;
use consilium_db::records::RecordKey;
use consilium_kernel::RefusalKind;
use futures_util::{StreamExt as _, stream};

use super::stage::{code, fresh, meta, on_both, picture};
use crate::*;

#[tokio::test]
async fn every_range_is_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let depot = Depot::open(&format!("file://{}", folder.path().display()), &S3Access::default()).unwrap();
    let (id, bytes) = (fresh(), RecordKey::generate().unwrap());
    let key = || RecordKey::new(id.uuid(), &bytes).unwrap();
    // A batch of records, one record, and a bit.
    let content = picture(17 * 65_536 + 77);
    let length = content.len() as u64;
    let pieces: Vec<_> = content.chunks(100_000).map(|piece| Ok(piece.to_vec())).collect();
    assert_eq!(depot.store(id, &key(), stream::iter(pieces)).await.unwrap().0, length);
    let edges = [0, 1, 65_535, 65_536, 16 * 65_536 - 1, 16 * 65_536, 17 * 65_536, length - 1, length];
    for from in edges {
        for to in edges.into_iter().filter(|to| *to >= from) {
            let got: Vec<Bytes> = depot.read(id, key(), length, from..to).map(Result::unwrap).collect().await;
            assert!(got.concat() == content[from as usize..to as usize], "{from}..{to}");
        }
    }
}

#[tokio::test]
async fn a_shared_file_is_seen_by_who_takes_part_and_by_nobody_else() {
    on_both(async |stage| {
        let id = stage.available(&picture(100)).await;
        let (doctor, stranger) = (meta(&stage.doctor), meta(&stage.stranger));
        assert_eq!(code(stage.files.get(&doctor, id).await), "not_found", "not shared yet");
        let shared = stage.share(id).await.unwrap();
        assert_eq!(stage.share(id).await.unwrap(), shared, "again");
        assert_eq!(stage.files.get(&doctor, id).await.unwrap().name, "Wound, left hand.png");
        assert_eq!(stage.content(&stage.doctor, id, 0..100).await.unwrap(), picture(100));
        for refused in [
            code(stage.files.get(&stranger, id).await),
            code(stage.files.link(&stranger, id).await),
            code(stage.content(&stage.stranger, id, 0..1).await),
        ] {
            assert_eq!(refused, "not_found");
        }
        let audited = stage.audited(id).await;
        assert_eq!(audited[audited.len() - 2..], ["read_file", "read_file_content"], "{audited:?}");
        let consultation = stage.consultation;
        let listed = stage.test.db.read(move |session| shared_files(session, consultation)).await.unwrap();
        assert_eq!(listed, [shared]);
    })
    .await;
}

#[tokio::test]
async fn what_came_with_a_message_goes_with_it() {
    on_both(async |stage| {
        let (doctor, me, message) = (meta(&stage.doctor), meta(&stage.patient), fresh());
        let (attached, shown) = (stage.available(&picture(100)).await, stage.available(&picture(90)).await);
        let afterwards = stage.available(&picture(80)).await;
        stage.share(shown).await.unwrap();
        for id in [attached, shown, afterwards] {
            stage.attach(id, Some(message)).await.unwrap();
            assert_eq!(stage.files.get(&doctor, id).await.unwrap().id, id);
        }
        stage.share(afterwards).await.unwrap();
        stage.test.db.write(&me, move |tx| withdraw(tx, message)).await.unwrap();
        assert_eq!(stage.files.get(&doctor, afterwards).await.unwrap().id, afterwards, "it was shown by itself, too");
        assert_eq!(code(stage.files.get(&doctor, attached).await), "not_found");
        assert_eq!(stage.files.get(&doctor, shown).await.unwrap().id, shown, "it was shown before");
        stage.files.delete(&me, attached).await.unwrap();
        assert_eq!(code(stage.files.delete(&me, shown).await), "file_is_shared");
    })
    .await;
}

fn shared_files(
    session: &mut consilium_db::Session<'_>,
    consultation: consilium_kernel::ConsultationId,
) -> consilium_db::Result<Vec<SharedFile>> {
    shared(session, Place::Consultation(consultation), 0, 10)
}

#[tokio::test]
async fn a_record_is_seen_by_who_treats() {
    on_both(async |stage| {
        let new = NewUpload { purpose: Purpose::Record, ..stage.wish(100) };
        let id = stage.files.create(&meta(&stage.patient), new).await.unwrap().id;
        stage.send(&stage.patient, id, 0, &picture(100)).await.unwrap();
        stage.process().await;
        assert_eq!(code(stage.files.get(&meta(&stage.doctor), id).await), "not_found");
        let pair = (stage.doctor.doctor_id.unwrap(), stage.patient.patient_id.unwrap());
        stage.meetings.treated.lock().unwrap().push(pair);
        assert_eq!(stage.content(&stage.doctor, id, 0..100).await.unwrap(), picture(100));
        assert_eq!(code(stage.files.delete(&meta(&stage.doctor), id).await), "not_found", "it is not theirs");
    })
    .await;
}

#[tokio::test]
async fn only_ones_own_about_the_same_patient_is_shared() {
    on_both(async |stage| {
        let id = stage.upload(&picture(100)).await;
        assert_eq!(code(stage.share(id).await), "file_not_ready");
        stage.process().await;
        let (place, other) = (Place::Consultation(stage.consultation), stage.stranger.patient_id);
        for (who, patient) in [(&stage.doctor, stage.patient.patient_id), (&stage.patient, other)] {
            let told = |_: &mut consilium_db::Tx<'_>, _: &SharedFile| -> consilium_db::Result<i64> {
                panic!("nobody is told")
            };
            let refused = stage.test.db.write(&meta(who), move |tx| share(tx, place, patient, id, None, told)).await;
            assert_eq!(code(refused.map_err(Into::into)), "not_found");
        }
    })
    .await;
}

#[tokio::test]
async fn a_link_is_good_for_one_file_and_five_minutes() {
    on_both(async |stage| {
        let (id, other) = (stage.available(&picture(100)).await, stage.available(&picture(90)).await);
        let (link, expires_at) = stage.files.link(&meta(&stage.patient), id).await.unwrap();
        let said = stage.files.check_link(id, &link).unwrap();
        assert_eq!((said.user, said.session), (stage.patient.user_id, stage.patient.session_id));
        assert_eq!(said.expires_at, expires_at);
        assert_eq!(code(stage.files.check_link(other, &link)), "link_invalid");
        for place in [0, 30, 60, link.len() - 1] {
            let mut forged = link.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(code(stage.files.check_link(id, std::str::from_utf8(&forged).unwrap())), "link_invalid");
        }
        for nonsense in ["", ".", "a.b", "🙂.🙂"] {
            let refusal = stage.files.check_link(id, nonsense).unwrap_err();
            assert_eq!((refusal.kind, refusal.code.as_ref()), (RefusalKind::Forbidden, "link_invalid"));
        }
        assert_eq!(stage.audited(id).await.last().unwrap(), "file_linked");
        stage.wait(4);
        assert!(stage.files.check_link(id, &link).is_ok());
        stage.wait(1);
        assert_eq!(code(stage.files.check_link(id, &link)), "link_expired");
    })
    .await;
}
