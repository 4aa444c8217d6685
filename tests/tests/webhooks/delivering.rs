//! What reaches subscribers: signed, once, in their own words only, and again on demand.

use std::collections::BTreeSet;

use consilium_tests::{
    app::{on_both, on_both_with},
    client::text,
    receiver::Received,
};
use serde_json::{Value, json};

use crate::subscriber::{all, reachable, receiver, signed_by, subscribe};

/// Stands for a patient's or a doctor's words, wherever somebody can write some.
const CANARY: &str = "canary-5b1e";

/// Some of what happens between booking and end.
const TOLD: [&str; 10] = [
    "account_registered",
    "appointment_booked",
    "appointment_accepted",
    "appointment_completed",
    "availability_changed",
    "consultation_started",
    "consultation_ended",
    "doctor_verified",
    "message_sent",
    "prescription_issued",
];

fn types(received: &[Received]) -> BTreeSet<String> {
    received.iter().map(|one| text(&one.json(), "type").to_owned()).collect()
}

#[actix_rt::test]
async fn a_consultation_is_told_from_booking_to_prescription_without_a_word_of_it() {
    on_both_with(reachable, async |app| {
        let receiver = receiver().await;
        let hook = subscribe(app, &receiver.url("/all"), json!(["*"])).await;
        let some = subscribe(app, &receiver.url("/some"), json!(["prescription_*", "appointment_accepted"])).await;

        let (patient, doctor) = (app.patient("nadia-canary").await, app.doctor("karim-canary").await);
        let mut wish = consilium_tests::client::wish(&doctor, "2026-06-01T09:00:00Z");
        (wish["reason"], wish["symptoms"]) = (json!(CANARY), json!(CANARY));
        let booked = patient.post("/appointments", wish).await.expect(201);
        let accepted = doctor.accept(text(&booked, "id")).await.expect(200);
        let consultation = format!("/consultations/{}", text(&accepted, "consultation_id"));
        app.wait(55);
        let (patient, doctor) = (patient.again().await, doctor.again().await);
        doctor.post(&format!("{consultation}/start"), Value::Null).await.expect(200);
        let message = json!({"body": CANARY, "client_message_id": CANARY});
        patient.post(&format!("{consultation}/messages"), message).await.expect(201);
        let notes = format!("{consultation}/notes");
        let seen = doctor.get(&notes).await;
        doctor.put(&notes, json!({"plan": CANARY})).header("If-Match", seen.header("etag")).await.expect(200);
        let medicine = json!({
            "name": CANARY, "dose": "1 tablet", "route": "oral", "frequency": CANARY, "duration_days": 3,
        });
        let prescription = json!({"diagnosis": CANARY, "advice": CANARY, "medicines": [medicine]});
        let issued = doctor.post(&format!("{consultation}/prescriptions"), prescription).await.expect(201);
        doctor.post(&format!("{consultation}/end"), Value::Null).await.expect(200);

        let expected: BTreeSet<String> = TOLD.iter().map(ToString::to_string).collect();
        let mut told = BTreeSet::new();
        for _ in 0..1_000 {
            told = types(&receiver.received("/all"));
            if told.is_superset(&expected) && receiver.received("/some").len() == 2 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
        assert!(told.is_superset(&expected), "{:?} is missing", expected.difference(&told));
        let received = receiver.received("/all");
        for secret in ["notes_updated", "session_started", "email_verification_requested"] {
            assert!(!told.contains(secret), "{secret}");
        }
        for one in &received {
            assert!(signed_by(one, &hook.secret) && !signed_by(one, &some.secret));
            assert_eq!(one.header("content-type"), "application/json");
            for word in [CANARY, "nadia", "karim", "example.org", "whsec_"] {
                assert!(!format!("{one:?}").contains(word), "{word} in {one:?}");
            }
        }
        let ids: BTreeSet<&str> = received.iter().map(|one| one.header("webhook-id")).collect();
        assert_eq!(ids.len(), received.len(), "each event once");

        let some_told = types(&receiver.received("/some"));
        assert_eq!(some_told, BTreeSet::from(["appointment_accepted".into(), "prescription_issued".into()]));
        let issued_told = received.iter().map(|one| one.json()).find(|one| one["type"] == "prescription_issued");
        assert_eq!(issued_told.unwrap()["data"]["prescription_id"], issued["id"]);
        let admin = app.admin.again().await;
        let log = some.log_when(&admin, all(2, "delivered")).await;
        assert!(log.iter().all(|entry| entry["status_code"] == 200 && entry["attempts"] == 1), "{log:#?}");
        assert!(!format!("{log:?}").contains("whsec_"));
    })
    .await;
}

#[actix_rt::test]
async fn during_a_rotation_both_secrets_sign() {
    on_both_with(reachable, async |app| {
        let receiver = receiver().await;
        let hook = subscribe(app, &receiver.url("/hook"), json!(["*"])).await;
        let rotate = format!("{}/rotate-secret", hook.path);
        app.admin.post(&rotate, json!({"grace_hours": 1000})).await.problem(422, "invalid");
        let rotated = app.admin.post(&rotate, json!({"grace_hours": 1})).await.expect(200);
        assert!(rotated["previous_secret_until"].is_string(), "{rotated}");
        let new = text(&rotated, "secret");
        app.admin.post(&format!("{}/test", hook.path), Value::Null).await.expect(202);
        let received = receiver.wait_for("/hook", 1).await;
        assert!(signed_by(&received[0], &hook.secret) && signed_by(&received[0], new));
        assert_eq!(received[0].json()["type"], "ping");

        app.wait(61);
        let admin = app.admin.again().await;
        admin.post(&format!("{}/test", hook.path), Value::Null).await.expect(202);
        let received = receiver.wait_for("/hook", 2).await;
        assert!(!signed_by(&received[1], &hook.secret) && signed_by(&received[1], new));
    })
    .await;
}

#[actix_rt::test]
async fn a_replay_brings_what_was_missed_under_the_old_ids() {
    on_both_with(reachable, async |app| {
        let receiver = receiver().await;
        let early = subscribe(app, &receiver.url("/early"), json!(["account_registered"])).await;
        app.patient("before").await;
        app.wait(5);
        let from = "2026-06-01T08:05:00Z";
        app.patient("missed").await;
        early.log_when(&app.admin, all(2, "delivered")).await;
        app.wait(5);
        let late = subscribe(app, &receiver.url("/late"), json!(["account_*"])).await;
        let replay = format!("{}/replay", late.path);
        app.admin.post(&replay, json!({"from": "tomorrow"})).await.problem(422, "invalid");
        app.admin.post(&replay, json!({"from": "2027-01-01T00:00:00Z"})).await.problem(422, "invalid");
        app.admin.post(&replay, json!({"from": from})).await.expect(202);
        let received = receiver.wait_for("/late", 1).await;
        let known: Vec<_> = receiver.received("/early").iter().map(|one| one.header("webhook-id").to_owned()).collect();
        assert_eq!(received[0].header("webhook-id"), known[1]);
        assert_eq!(received[0].body, receiver.received("/early")[1].body);
        late.log_when(&app.admin, all(1, "delivered")).await;
        for _ in 0..100 {
            if late.get(&app.admin).await["replaying"] == false {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(late.get(&app.admin).await["replaying"], false);
        app.admin.post(&replay, json!({"from": from})).await.expect(202);
        let again = receiver.wait_for("/late", 2).await;
        assert_eq!(again[1].header("webhook-id"), known[1], "what was delivered comes once more, as what it is");
    })
    .await;
}

#[actix_rt::test]
async fn nothing_is_sent_to_private_addresses_unless_allowed() {
    on_both(async |app| {
        let receiver = receiver().await;
        let port = receiver.address.port();
        let refused = app.admin.post("/webhook-subscriptions", json!({"url": receiver.url("/"), "event_types": ["*"]}));
        assert_eq!(refused.await.problem(422, "invalid"), ["/url"]);
        let by_number = json!({"url": format!("https://127.0.0.1:{port}/"), "event_types": ["*"]});
        assert_eq!(app.admin.post("/webhook-subscriptions", by_number).await.problem(422, "invalid"), ["/url"]);
        // A name is looked up only when it is needed, and the address that it has then is the one that counts.
        let hook = subscribe(app, &format!("https://localhost:{port}/"), json!(["*"])).await;
        app.admin.post(&format!("{}/test", hook.path), Value::Null).await.expect(202);
        let log = hook.log_when(&app.admin, all(1, "failed")).await;
        assert_eq!(log[0]["last_error"], "address_denied");
        assert_eq!(receiver.connections(), 0);
    })
    .await;
}
