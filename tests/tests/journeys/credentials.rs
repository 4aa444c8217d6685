//! A doctor shows documents, is rejected with a reason, shows others, and is approved by them.

use consilium_tests::{
    app::{TestApp, on_both, on_both_with},
    client::{Answer, Person, text},
};
use serde_json::{Value, json};

const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\nThe licence\n";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

fn documents(doctor: &Person) -> String {
    format!("/doctors/{}/credentials", doctor.doctor_id)
}

async fn uploaded(doctor: &Person, name: &str, content: &[u8]) -> String {
    let id = doctor.upload_for(name, content, &[("purpose", "credential")]).await;
    doctor.until_file(&id, "available").await;
    id
}

async fn submit(doctor: &Person, kind: &str, file: &str) -> Answer {
    doctor.post(&documents(doctor), json!({"kind": kind, "file_id": file})).await
}

async fn withdraw(doctor: &Person, file: &str) -> Answer {
    doctor.call("DELETE".parse().unwrap(), &format!("{}/{file}", documents(doctor))).await
}

async fn ask_again(doctor: &Person) -> Answer {
    doctor.post(&format!("/doctors/{}/request-verification", doctor.doctor_id), Value::Null).await
}

async fn decide(app: &TestApp, doctor: &Person, decision: &str, reason: Option<&str>) -> Answer {
    let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
    app.admin.post(&verify, json!({"decision": decision, "reason": reason})).await
}

async fn names(reader: &Person, doctor: &Person) -> Vec<String> {
    let list = reader.get(&documents(doctor)).await.expect(200);
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| format!("{} {}", text(item, "kind"), text(&item["file"], "name"))).collect()
}

/// The doctor as the doctor sees it.
async fn profile(doctor: &Person) -> Value {
    doctor.get(&format!("/doctors/{}", doctor.doctor_id)).await.expect(200)
}

#[actix_rt::test]
async fn documents_are_the_doctors_and_the_administrators_only() {
    on_both(async |app| {
        let doctor = app.client.register("doctor", "sadia").await;
        let (other, patient) = (app.client.register("doctor", "other").await, app.patient("rafi").await);
        assert_eq!(names(&doctor, &doctor).await, [""; 0]);
        let file = uploaded(&doctor, "licence.png", PNG).await;
        submit(&doctor, "passport", &file).await.problem(422, "invalid");
        submit(&other, "licence", &file).await.problem(404, "not_found");
        other.post(&documents(&doctor), json!({"kind": "licence", "file_id": file})).await.problem(404, "not_found");
        app.admin.get(&format!("/files/{file}")).await.problem(404, "not_found");
        let begun = patient.begin_upload(9, &[("filename", "a.pdf"), ("purpose", "credential")]).await;
        begun.problem(403, "forbidden");

        let submitted = submit(&doctor, "licence", &file).await.expect(201);
        assert_eq!(submit(&doctor, "diploma", &file).await.expect(201), submitted, "again changes nothing");
        assert_eq!((text(&submitted, "kind"), text(&submitted["file"], "purpose")), ("licence", "credential"));
        assert_eq!(names(&app.admin, &doctor).await, ["licence licence.png"]);
        other.get(&documents(&doctor)).await.problem(404, "not_found");
        patient.get(&documents(&doctor)).await.problem(403, "forbidden");
        other.get(&format!("/files/{file}")).await.problem(404, "not_found");
        withdraw(&other, &file).await.problem(404, "not_found");

        // The administrator opens it by a link of their own, which is written down.
        let link = app.admin.link(&file).await;
        assert_eq!(app.admin.get(&link).await.status, 200);
        doctor.get(&link).await.problem(403, "link_invalid");
        for action in ["read_credentials", "file_linked", "read_file_content", "credential_submitted"] {
            let looked = app.admin.get(&format!("/admin/audit?action={action}")).await.expect(200);
            assert!(!looked["items"].as_array().unwrap().is_empty(), "{action}");
        }
    })
    .await;
}

#[actix_rt::test]
async fn a_doctor_is_rejected_shows_better_documents_and_is_approved() {
    on_both(async |app| {
        let doctor = app.client.register("doctor", "sadia").await;
        let patient = app.patient("rafi").await;
        ask_again(&doctor).await.problem(409, "verification_not_rejected");
        let blurred = uploaded(&doctor, "blurred.png", PNG).await;
        submit(&doctor, "licence", &blurred).await.expect(201);
        decide(app, &doctor, "rejected", Some("The licence cannot be read.")).await.expect(200);
        let me = profile(&doctor).await;
        assert_eq!(text(&me, "verification"), "rejected");
        assert_eq!(text(&me, "verification_reason"), "The licence cannot be read.");

        withdraw(&doctor, &blurred).await.expect(204);
        withdraw(&doctor, &blurred).await.problem(404, "not_found");
        app.admin.get(&format!("/files/{blurred}")).await.problem(404, "not_found");
        let licence = uploaded(&doctor, "licence.pdf", PDF).await;
        submit(&doctor, "licence", &licence).await.expect(201);
        let pending = ask_again(&doctor).await.expect(200);
        assert_eq!((text(&pending, "verification"), &pending["verification_reason"]), ("pending", &Value::Null));
        ask_again(&doctor).await.problem(409, "verification_not_rejected");
        let waiting = app.admin.get("/admin/doctors").await.expect(200);
        assert_eq!(waiting["items"][0]["id"], doctor.doctor_id.as_str(), "looked at again");

        assert_eq!(names(&app.admin, &doctor).await, ["licence licence.pdf"]);
        decide(app, &doctor, "approved", None).await.expect(200);
        withdraw(&doctor, &licence).await.problem(409, "already_verified");
        let late = uploaded(&doctor, "late.pdf", PDF).await;
        submit(&doctor, "diploma", &late).await.problem(409, "already_verified");
        assert_eq!(names(&app.admin, &doctor).await, ["licence licence.pdf"], "what was looked at stays");
        let seen = patient.get(&format!("/doctors/{}", doctor.doctor_id)).await.expect(200);
        assert_eq!(seen["verified"], true);
        patient.get(&format!("/files/{licence}")).await.problem(404, "not_found");
    })
    .await;
}

#[actix_rt::test]
async fn where_a_document_is_required_nobody_is_approved_without_one() {
    on_both_with(
        |config| config.verification.require_credentials = true,
        async |app| {
            let doctor = app.client.register("doctor", "sadia").await;
            assert_eq!(doctor.get(&documents(&doctor)).await.expect(200)["required"], true);
            decide(app, &doctor, "approved", None).await.problem(409, "credentials_missing");
            decide(app, &doctor, "rejected", Some("There is no document.")).await.expect(200);
            ask_again(&doctor).await.problem(409, "credentials_missing");
            assert_eq!(text(&profile(&doctor).await, "verification"), "rejected", "what was refused was not done");
            let licence = uploaded(&doctor, "licence.pdf", PDF).await;
            submit(&doctor, "licence", &licence).await.expect(201);
            ask_again(&doctor).await.expect(200);
            decide(app, &doctor, "approved", None).await.expect(200);
        },
    )
    .await;
}

#[actix_rt::test]
async fn no_more_documents_are_taken_than_are_looked_at() {
    on_both(async |app| {
        let doctor = app.client.register("doctor", "sadia").await;
        let mut files = Vec::new();
        for n in 0..21 {
            files.push(doctor.upload_for(&format!("{n}.pdf"), PDF, &[("purpose", "credential")]).await);
        }
        for file in &files {
            doctor.until_file(file, "available").await;
        }
        for file in &files[..20] {
            submit(&doctor, "diploma", file).await.expect(201);
        }
        submit(&doctor, "diploma", &files[20]).await.problem(409, "too_many_credentials");
        submit(&doctor, "diploma", &files[3]).await.expect(201);
        withdraw(&doctor, &files[0]).await.expect(204);
        submit(&doctor, "diploma", &files[20]).await.expect(201);
        assert_eq!(names(&app.admin, &doctor).await.len(), 20);
    })
    .await;
}
