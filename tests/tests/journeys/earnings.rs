//! What doctors have earned: by consultation that took place, at the fee of then, each currency for itself.

use consilium_tests::{
    app::{TestApp, on_both_with},
    client::{Person, text},
};
use serde_json::{Value, json};

use crate::aftercare::{begun, until, with_analytics};

async fn charges(doctor: &Person, fee: Value) {
    let path = format!("/doctors/{}", doctor.doctor_id);
    let seen = doctor.get(&path).await;
    doctor.patch(&path, json!({"consultation_fee": fee})).header("If-Match", seen.header("etag")).await.expect(200);
}

async fn held(app: &TestApp, doctor: &Person, patient: &Person, starts_at: &str) {
    let path = begun(doctor, patient, starts_at).await;
    app.wait(3);
    doctor.post(&format!("{path}/end"), Value::Null).await.expect(200);
}

#[actix_rt::test]
async fn what_was_earned_is_the_fee_of_then_in_the_currency_of_then_and_nothing_for_what_did_not_take_place() {
    on_both_with(with_analytics, async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        held(app, &doctor, &patient, "2026-06-01T09:00:00Z").await; // no fee yet
        charges(&doctor, json!({"amount_minor": 150_000, "currency": "BDT"})).await;
        held(app, &doctor, &patient, "2026-06-01T10:00:00Z").await;
        charges(&doctor, json!({"amount_minor": 2_500, "currency": "EUR"})).await;
        held(app, &doctor, &patient, "2026-06-01T11:00:00Z").await;
        held(app, &doctor, &patient, "2026-06-01T12:00:00Z").await;

        // Cancelled, and never come to.
        let cancelled = patient.agree(&doctor, "2026-06-01T15:00:00Z").await;
        let cancel = format!("/appointments/{}/cancel", text(&cancelled, "id"));
        patient.post(&cancel, json!({"reason": "Better again"})).await.expect(200);
        patient.agree(&doctor, "2026-06-01T16:00:00Z").await;
        app.wait(9 * 60);
        let (doctor, patient) = (doctor.again().await, patient.again().await);
        let missed = "/appointments?status=no_show&from=2026-06-01T00:00:00Z";
        until(&doctor, missed, |page| page["items"].as_array().is_some_and(|items| items.len() == 1)).await;

        // What is charged from now on changes nothing of what was earned.
        charges(&doctor, json!({"amount_minor": 1, "currency": "USD"})).await;
        let figures = format!("/analytics/doctors/{}?from=2026-06-01&to=2026-06-02", doctor.doctor_id);
        let seen = until(&doctor, &figures, |page| page["items"][0]["sessions"] == 4).await;
        let earned =
            [json!({"amount_minor": 150_000, "currency": "BDT"}), json!({"amount_minor": 5_000, "currency": "EUR"})];
        assert_eq!(seen["items"][0]["earnings"], json!(earned), "{seen}");
        assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{seen}");
        patient.get(&figures).await.problem(403, "forbidden");
    })
    .await;
}
