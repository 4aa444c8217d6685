//! Writing to each other: what is taken back, threads outside visits, and those who are away.

use std::time::Duration;

use consilium_kernel::Role;
use consilium_tests::{
    app::on_both,
    client::{Person, text},
    socket::Socket,
};
use serde_json::{Value, json};

#[actix_rt::test]
async fn what_is_written_in_a_visit_can_be_changed_found_and_taken_back() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let stranger = app.patient("stranger").await;
        let agreed = patient.agree(&doctor, "2026-06-01T09:00:00Z").await;
        let path = format!("/consultations/{}", text(&agreed, "consultation_id"));
        let messages = format!("{path}/messages");
        let say = async |who: &Person, id: &str, body: &str| {
            who.post(&messages, json!({"client_message_id": id, "body": body})).await.expect(201)
        };
        let first = say(&patient, "m1", "Since Firday, a fever").await;
        let second = say(&doctor, "m1", "How high?").await;
        assert_eq!((&first["edited_at"], &first["deleted_at"]), (&Value::Null, &Value::Null));
        let own = format!("{messages}/{}", text(&first, "id"));

        doctor.patch(&own, json!({"body": "mine"})).await.problem(403, "not_the_sender");
        stranger.patch(&own, json!({"body": "mine"})).await.problem(404, "not_found");
        patient.patch(&own, json!({"body": ""})).await.problem(422, "invalid");
        patient.patch(&own, json!({"body": "x", "seq": 1})).await.problem(422, "invalid");
        patient.patch(&format!("{messages}/nothing"), json!({"body": "x"})).await.problem(404, "not_found");
        let edited = patient.patch(&own, json!({"body": "Since Friday, a fever"})).await.expect(200);
        assert_eq!((&edited["seq"], edited["edited_at"].is_string()), (&first["seq"], true));
        let history = doctor.get(&format!("{own}/history")).await.expect(200);
        assert_eq!(history["earlier"][0]["body"], "Since Firday, a fever");
        stranger.get(&format!("{own}/history")).await.problem(404, "not_found");

        let found = doctor.get(&format!("{messages}?q=FEVER")).await.expect(200);
        assert_eq!((&found["items"], &found["next_cursor"]), (&json!([edited]), &Value::Null));
        assert_eq!(patient.get(&format!("{messages}?q=x")).await.problem(422, "invalid"), ["?q"]);

        patient.post(&format!("{path}/read-marks"), json!({"seq": 99})).await.problem(422, "invalid");
        let mark = json!({"seq": second["seq"]});
        assert_eq!(patient.post(&format!("{path}/read-marks"), mark.clone()).await.expect(200), mark);
        let marks = doctor.get(&format!("{path}/read-marks")).await.expect(200);
        let read = json!({"user_id": patient.id, "role": "patient", "seq": second["seq"]});
        assert!(marks["items"].as_array().unwrap().contains(&read), "{marks}");

        doctor.call(reqwest::Method::DELETE, &own).await.problem(403, "not_the_sender");
        let gone = patient.call(reqwest::Method::DELETE, &own).await.expect(200);
        assert_eq!((&gone["body"], gone["deleted_at"].is_string()), (&Value::Null, true));
        assert_eq!(patient.call(reqwest::Method::DELETE, &own).await.expect(200), gone, "twice is once");
        patient.patch(&own, json!({"body": "again"})).await.problem(409, "message_deleted");
        assert_eq!(doctor.get(&messages).await.expect(200)["items"], json!([gone, second]));
        assert_eq!(doctor.get(&format!("{messages}?q=fever")).await.expect(200)["items"], json!([]));
        let history = patient.get(&format!("{own}/history")).await.expect(200);
        assert_eq!((&history["earlier"][0]["body"], &history["earlier"][1]["body"]), (&Value::Null, &Value::Null));

        app.wait(70);
        let doctor = doctor.again().await;
        let late = format!("{messages}/{}", text(&second, "id"));
        doctor.patch(&late, json!({"body": "How high was it?"})).await.problem(409, "too_late_to_edit");
    })
    .await;
}

#[actix_rt::test]
async fn patient_and_care_team_write_to_each_other_outside_visits() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let (other, nurse) = (app.doctor("omar").await, app.staff(Role::Nurse).await);
        let new =
            |with: &str| json!({"kind": "care", "subject": "The new tablets", "participants": [{"doctor_id": with}]});
        let wrong = patient.post("/threads", new(&doctor.doctor_id)).await;
        assert_eq!(wrong.problem(422, "invalid"), ["/participants/0"], "they have not met");
        patient.agree(&doctor, "2026-06-01T09:00:00Z").await;
        for (body, pointer) in [
            (json!({"kind": "gossip", "subject": "x"}), "/kind"),
            (json!({"kind": "care", "subject": " ", "participants": [{"doctor_id": doctor.doctor_id}]}), "/subject"),
            (json!({"kind": "care", "subject": "x"}), "/participants"),
            (json!({"kind": "care", "subject": "x", "participants": [{}]}), "/participants/0"),
            (new(&other.doctor_id), "/participants/0"),
        ] {
            assert_eq!(patient.post("/threads", body).await.problem(422, "invalid"), [pointer]);
        }
        let mut told = Socket::open(&doctor, "user:me").await;
        let opened = patient.post("/threads", new(&doctor.doctor_id)).key("open").await;
        let path = opened.header("location").strip_prefix("/api/v1").expect("our address").to_owned();
        let thread = opened.expect(201);
        assert_eq!(patient.post("/threads", new(&doctor.doctor_id)).key("open").await.expect(201), thread, "once");
        let heard = told.until(|frame| frame["event"] == "thread_opened").await;
        assert_eq!(heard["data"]["thread_id"], thread["id"]);

        let mut live = Socket::open(&doctor, text(&thread, "topic")).await;
        let message = json!({"client_message_id": "1", "body": "Twice a day?"});
        let sent = patient.post(&format!("{path}/messages"), message.clone()).await.expect(201);
        assert_eq!(patient.post(&format!("{path}/messages"), message).await.expect(201), sent, "stored once");
        let heard = live.until(|frame| frame["event"] == "message_sent").await;
        assert_eq!((&heard["seq"], &heard["data"]["body"]), (&sent["seq"], &json!("Twice a day?")));
        let answer = live.command("send_message", json!({"client_message_id": "1", "body": "Yes"})).await;
        assert_eq!(patient.get(&format!("{path}/messages")).await.expect(200)["items"], json!([sent, answer]));

        let unread = async |who: &Person| who.get("/threads").await.expect(200)["items"][0]["unread"].clone();
        assert_eq!((unread(&doctor).await, unread(&patient).await), (json!(1), json!(1)));
        live.command("mark_read", json!({"seq": answer["seq"]})).await;
        assert_eq!(unread(&doctor).await, json!(0));

        nurse.get(&path).await.problem(404, "not_found");
        other.get(&path).await.problem(404, "not_found");
        app.admin.get(&path).await.problem(403, "forbidden");
        let nurse_id = json!({"user_id": nurse.id});
        patient.post(&format!("{path}/participants"), nurse_id.clone()).await.problem(403, "forbidden");
        doctor.post(&format!("{path}/participants"), nurse_id).await.expect(200);
        assert_eq!(nurse.get(&path).await.expect(200)["unread"], 2);
        let out = format!("{path}/participants/{}", nurse.id);
        assert_eq!(doctor.call(reqwest::Method::DELETE, &out).await.status, 204);
        nurse.get(&path).await.problem(404, "not_found");

        doctor.post(&format!("{path}/close"), Value::Null).await.expect(200);
        let more = json!({"client_message_id": "2", "body": "One more thing"});
        patient.post(&format!("{path}/messages"), more.clone()).await.problem(409, "thread_closed");
        assert_eq!(patient.get("/threads?status=closed").await.expect(200)["items"][0]["status"], "closed");
        assert_eq!(patient.get("/threads?status=open").await.expect(200)["items"], json!([]));
        assert_eq!(patient.get("/threads?status=ajar").await.problem(422, "invalid"), ["?status"]);
        doctor.post(&format!("{path}/reopen"), Value::Null).await.expect(200);
        patient.post(&format!("{path}/messages"), more).await.expect(201);
    })
    .await;
}

#[actix_rt::test]
async fn whoever_is_away_is_told_that_something_waits_and_not_what() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        patient.agree(&doctor, "2026-06-01T09:00:00Z").await;
        let open = async || {
            let new = json!({"kind": "care", "subject": "Tablets", "participants": [{"doctor_id": doctor.doctor_id}]});
            text(&patient.post("/threads", new).await.expect(201), "id").to_owned()
        };
        let (read, unread) = (open().await, open().await);
        let say = async |thread: &str| {
            let message = json!({"client_message_id": "1", "body": "canary words"});
            patient.post(&format!("/threads/{thread}/messages"), message).await.expect(201)["seq"].clone()
        };
        let mark = async |thread: &str, seq: &Value| {
            doctor.post(&format!("/threads/{thread}/read-marks"), json!({"seq": seq})).await.expect(200);
        };
        let seq = say(&read).await;
        mark(&read, &seq).await;
        let seq = say(&unread).await;
        app.wait(3);
        let told = eventually(async || {
            let inbox = doctor.get("/me/notifications?unread=true").await.expect(200);
            let all = inbox["items"].as_array().unwrap().iter();
            all.filter(|entry| entry["kind"] == "messages_waiting").cloned().collect::<Vec<_>>()
        });
        let told = told.await;
        assert_eq!(told.len(), 1, "what was read before is not told");
        assert_eq!(told[0]["params"], json!({"thread_id": unread}), "where, and nothing else");
        let mails = async |status: &str| {
            let page = app.admin.get(&format!("/admin/notifications?status={status}&limit=100")).await.expect(200);
            let all = page["items"].as_array().unwrap().iter();
            all.filter(|one| one["kind"] == "messages_waiting" && one["channel"] == "email")
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(mails("queued").await.len(), 1);

        // Read before the mail could be sent: it never is.
        mark(&unread, &seq).await;
        assert_eq!(eventually(async || mails("withdrawn").await).await.len(), 1);
        let inbox = doctor.get("/me/notifications?unread=true").await.expect(200);
        assert!(inbox["items"].as_array().unwrap().iter().all(|entry| entry["kind"] != "messages_waiting"), "{inbox}");
    })
    .await;
}

/// Waits for something that is done beside the requests, without moving the clock.
async fn eventually(found: impl AsyncFn() -> Vec<Value>) -> Vec<Value> {
    for _ in 0..200 {
        let all = found().await;
        if !all.is_empty() {
            return all;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not happen");
}
