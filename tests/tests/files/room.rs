//! Files in a consultation: shown to whoever takes part, told on its topic, by HTTP and over the WebSocket.

use consilium_tests::{app::on_both, client::text, socket::Socket};
use serde_json::{Value, json};

use crate::letters;

#[actix_rt::test]
async fn participants_show_each_other_files() {
    on_both(async |app| {
        let (patient, doctor, stranger) = (app.patient("ada").await, app.doctor("bob").await, app.patient("eve").await);
        let slot = patient.slots(&doctor).await.remove(0);
        let agreed = patient.agree(&doctor, &slot).await;
        let consultation = text(&agreed, "consultation_id").to_owned();
        let topic = format!("consultation:{consultation}");
        let mut room = Socket::open(&doctor, &topic).await;
        let list = format!("/consultations/{consultation}/files");

        let begun = stranger
            .begin_upload(1, &[("filename", "a"), ("purpose", "consultation"), ("consultation_id", &consultation)]);
        begun.await.problem(404, "not_found");
        let id = patient.available_file("My blood.txt", &letters(500), Some(&consultation)).await;
        doctor.get(&format!("/files/{id}")).await.problem(404, "not_found");
        doctor.share_file(&consultation, &id).await.problem(404, "not_found");
        stranger.share_file(&consultation, &id).await.problem(404, "not_found");
        patient.share_file(&consultation, "nonsense").await.problem(422, "invalid");

        let shared = patient.share_file(&consultation, &id).await.expect(201);
        assert_eq!(patient.share_file(&consultation, &id).await.expect(201), shared, "again");
        let event = room.until(|frame| frame["event"] == "file_shared").await;
        assert_eq!((&event["data"]["file_id"], &event["data"]["size_bytes"]), (&json!(id), &json!(500)));
        assert_eq!((text(&event["data"], "kind"), &event["seq"]), ("text", &shared["seq"]));
        assert!(!event.to_string().contains("blood"), "{event}");
        assert_eq!(app.client.get(&doctor.link(&id).await).await.status, 200);
        patient.tus("DELETE", &format!("/files/{id}")).await.problem(409, "file_is_shared");

        let answer = doctor.available_file("Advice.txt", b"Drink water.", Some(&consultation)).await;
        let told = room.command("share_file", json!({"file_id": answer})).await;
        assert_eq!(text(&told["file"], "name"), "Advice.txt");
        let items = patient.get(&list).await.expect(200)["items"].clone();
        assert_eq!((text(&items[0]["file"], "name"), text(&items[1]["file"], "name")), ("My blood.txt", "Advice.txt"));
        let page = patient.get(&format!("{list}?limit=1")).await.expect(200);
        let rest = patient.get(&format!("{list}?cursor={}", text(&page, "next_cursor"))).await.expect(200);
        assert_eq!((&page["items"][0], &rest["items"][0]), (&items[0], &items[1]));
        assert_eq!((rest["items"].as_array().unwrap().len(), rest["next_cursor"].is_null()), (1, true));
        stranger.get(&list).await.problem(404, "not_found");

        doctor.post(&format!("/consultations/{consultation}/start"), Value::Null).await.expect(200);
        doctor.post(&format!("/consultations/{consultation}/end"), Value::Null).await.expect(200);
        let late = patient.available_file("Late.txt", b"One more thing.", Some(&consultation)).await;
        app.wait(7 * 24 * 60);
        let patient = patient.again().await;
        patient.share_file(&consultation, &late).await.problem(409, "chat_closed");
        assert_eq!(patient.get(&list).await.expect(200)["items"], items, "what is there stays");
    })
    .await;
}
