//! A request that is sent again is answered again, not done again.

use std::time::Duration;

use consilium_tests::{
    app::on_both,
    client::{text, wish},
};
use serde_json::{Value, json};

#[actix_rt::test]
async fn the_same_key_and_body_get_the_same_answer() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let slots = patient.slots(&doctor).await;
        let first = patient.book(&doctor, &slots[0]).key("k").await.expect(201);
        doctor.accept(text(&first, "id")).await.expect(200);
        assert_eq!(patient.book(&doctor, &slots[0]).key("k").await.expect(201), first, "as it was answered then");
        patient.book(&doctor, &slots[1]).key("k").await.problem(422, "idempotency_key_reused");
        let path = format!("/appointments/{}/cancel", text(&first, "id"));
        patient.post(&path, Value::Null).key("k").await.problem(422, "idempotency_key_reused");

        // Keys are each person's own.
        let other = app.patient("other").await;
        other.book(&doctor, &slots[1]).key("k").await.expect(201);
        assert_eq!(patient.get("/appointments").await.expect(200)["items"].as_array().map(Vec::len), Some(1));

        // Verbs too; what was done since does not change the answer.
        let cancelled = patient.post(&path, json!({"reason": "well"})).key("c").await.expect(200);
        assert_eq!(patient.post(&path, json!({"reason": "well"})).key("c").await.expect(200), cancelled);
        patient.post(&path, json!({"reason": "well"})).key("d").await.problem(409, "invalid_transition");

        // After a day the answer is forgotten by the housekeeping, not before.
        app.wait(23 * 60);
        let patient = patient.again().await;
        assert_eq!(patient.book(&doctor, &slots[0]).key("k").await.expect(201), first);
    })
    .await;
}

#[actix_rt::test]
async fn an_error_frees_the_key() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let mut wrong = wish(&doctor, "2026-06-01T09:10:00Z");
        patient.post("/appointments", wrong.clone()).key("k").await.problem(422, "not_a_slot");
        wrong["reason"] = json!(7);
        patient.post("/appointments", wrong).key("k").await.problem(422, "invalid");
        patient.book(&doctor, "2026-06-01T09:00:00Z").key("k").await.expect(201);
        for key in ["", &"k".repeat(256)] {
            patient.book(&doctor, "2026-06-01T10:00:00Z").key(key).await.problem(400, "bad_idempotency_key");
        }
    })
    .await;
}

#[actix_rt::test]
async fn twins_are_done_once() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let slots = patient.slots(&doctor).await;
        let mut refused = 0;
        for (round, slot) in slots.iter().enumerate().take(10) {
            let key = format!("k{round}");
            let twins = (0..8).map(|_| patient.book(&doctor, slot).key(&key).into_future());
            let mut made = Vec::new();
            for answer in futures_util::future::join_all(twins).await {
                match answer.status {
                    201 => made.push(answer.body),
                    _ => {
                        answer.problem(409, "in_progress");
                        refused += 1;
                    }
                }
            }
            assert!(!made.is_empty() && made.iter().all(|one| *one == made[0]), "{made:#?}");
            // Whoever was told to come back gets the answer then.
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(patient.book(&doctor, slot).key(&key).await.expect(201), made[0]);
        }
        assert!(refused > 0, "no twin ever met its twin: this test proved nothing");
        let booked = patient.get("/appointments?limit=100").await.expect(200);
        assert_eq!(booked["items"].as_array().map(Vec::len), Some(10));
    })
    .await;
}
