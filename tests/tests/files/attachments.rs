//! Files that are sent with a message, in a consultation and in a thread.

use consilium_kernel::Role;
use consilium_tests::{app::on_both, client::text, socket::Socket};
use serde_json::{Value, json};

use crate::letters;

fn message(client_id: &str, files: &[&str]) -> Value {
    json!({"client_message_id": client_id, "body": "", "attachments": files})
}

#[actix_rt::test]
async fn what_is_attached_is_shown_as_long_as_the_message_stands() {
    on_both(async |app| {
        let (patient, doctor, stranger) = (app.patient("ada").await, app.doctor("bob").await, app.patient("eve").await);
        let slot = patient.slots(&doctor).await.remove(0);
        let agreed = patient.agree(&doctor, &slot).await;
        let id = text(&agreed, "consultation_id").to_owned();
        let messages = format!("/consultations/{id}/messages");
        let mut room = Socket::open(&doctor, &format!("consultation:{id}")).await;

        let file = patient.available_file("Rash.txt", &letters(300), Some(&id)).await;
        let foreign = stranger.available_file("Mine.txt", &letters(10), None).await;
        for files in [[file.as_str(), foreign.as_str()], [foreign.as_str(), file.as_str()]] {
            patient.post(&messages, message("1", &files)).await.problem(404, "not_found");
        }
        assert_eq!(patient.get(&messages).await.expect(200)["items"], json!([]), "nothing was sent");
        doctor.get(&format!("/files/{file}")).await.problem(404, "not_found");
        let wrong = patient.post(&messages, message("1", &[&file, &file])).await;
        assert_eq!(wrong.problem(422, "invalid"), ["/attachments"]);

        let sent = patient.post(&messages, message("1", &[&file])).await.expect(201);
        assert_eq!((&sent["body"], &sent["attachments"]), (&json!(""), &json!([file])));
        assert_eq!(patient.post(&messages, message("1", &[&file])).await.expect(201), sent, "once");
        let told = room.until(|frame| frame["event"] == "message_sent").await;
        assert_eq!((&told["data"]["attachments"], &told["seq"]), (&json!([file]), &sent["seq"]));
        let shown = room.until(|frame| frame["event"] == "file_shared").await;
        assert_eq!((&shown["data"]["file_id"], &shown["data"]["message_id"]), (&json!(file), &sent["id"]));
        assert_eq!(app.client.get(&doctor.link(&file).await).await.status, 200);
        assert_eq!(doctor.get(&messages).await.expect(200)["items"], json!([sent]));
        patient.tus("DELETE", &format!("/files/{file}")).await.problem(409, "file_is_shared");

        let own = format!("{messages}/{}", text(&sent, "id"));
        let edited = patient.patch(&own, json!({"body": "Since Monday"})).await.expect(200);
        assert_eq!(edited["attachments"], json!([file]), "it is still attached");
        let gone = patient.call(reqwest::Method::DELETE, &own).await.expect(200);
        assert_eq!((&gone["body"], &gone["attachments"]), (&Value::Null, &json!([])));
        let told = room.until(|frame| frame["event"] == "message_deleted").await;
        assert!(!told.to_string().contains(&file), "{told}");
        doctor.get(&format!("/files/{file}")).await.problem(404, "not_found");
        assert_eq!(patient.tus("DELETE", &format!("/files/{file}")).await.status, 204, "nobody else has it");
    })
    .await;
}

#[actix_rt::test]
async fn the_care_team_and_its_patient_send_each_other_files() {
    on_both(async |app| {
        let (doctor, patient, nurse) =
            (app.doctor("ayesha").await, app.patient("rafi").await, app.staff(Role::Nurse).await);
        patient.agree(&doctor, "2026-06-01T09:00:00Z").await;
        let new = json!({"kind": "care", "subject": "A rash", "participants": [{"doctor_id": doctor.doctor_id}]});
        let thread = text(&patient.post("/threads", new).await.expect(201), "id").to_owned();
        let messages = format!("/threads/{thread}/messages");
        for (metadata, pointer) in [
            (vec![("purpose", "thread")], "/thread_id"),
            (vec![("purpose", "thread"), ("thread_id", "x")], "/thread_id"),
        ] {
            let wrong = patient.begin_upload(1, &[vec![("filename", "a")], metadata].concat()).await;
            assert_eq!(wrong.problem(422, "invalid"), [pointer]);
        }
        let purpose = [("purpose", "thread"), ("thread_id", thread.as_str())];
        let outside = nurse.begin_upload(1, &[("filename", "a"), purpose[0], purpose[1]]).await;
        outside.problem(404, "not_found");

        let record = patient.available_file("Rash.txt", &letters(300), None).await;
        let advice = doctor.upload_for("Advice.txt", b"Drink water.", &purpose).await;
        doctor.until_file(&advice, "available").await;
        patient.post(&messages, message("1", &[&record])).await.expect(201);
        patient.get(&format!("/files/{advice}")).await.problem(404, "not_found");
        let mut live = Socket::open(&doctor, &format!("thread:{thread}")).await;
        live.command("send_message", message("1", &[&advice])).await;
        for (reader, file) in [(&doctor, &record), (&patient, &advice)] {
            assert_eq!(app.client.get(&reader.link(file).await).await.status, 200);
        }
        assert_eq!(doctor.get(&format!("/files/{advice}")).await.expect(200)["thread_id"], json!(thread));
        nurse.get(&format!("/files/{advice}")).await.problem(404, "not_found");

        // Files belong to a patient, and clinicians among themselves write about none.
        let new = json!({"kind": "clinicians", "subject": "Rota", "participants": [{"user_id": nurse.id}]});
        let among = text(&doctor.post("/threads", new).await.expect(201), "id").to_owned();
        doctor.post(&format!("/threads/{among}/messages"), message("1", &[&advice])).await.problem(404, "not_found");
        let other = [("filename", "a"), ("purpose", "thread"), ("thread_id", among.as_str())];
        doctor.begin_upload(1, &other).await.problem(404, "not_found");
    })
    .await;
}
