//! What is around the server fails, and comes back: nothing that was acknowledged is lost, and nobody has to help.
//! Kills of the server itself are `scripts/prove/kill`; clients that do not read are in `api/src/ws/tests/limits.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod database;
mod mail;
mod plugin;

use std::time::Duration;

use consilium_kernel::{Clock, SystemClock};
use consilium_tests::{
    app::daily,
    client::{Client, Person, text},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// How long anything may take on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A verified doctor with free slots all day, and when those begin from tomorrow on.
async fn doctor(client: &Client, name: &str) -> (Person, Vec<String>) {
    let admin = client.login("admin").await;
    let doctor = client.register("doctor", name).await;
    let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
    admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
    let mut hours = daily("00:00", "24:00");
    hours["slot_minutes"] = json!(5);
    doctor.set_hours(hours).await;
    let from = SystemClock.now() + SignedDuration::from_hours(48);
    let to = from + SignedDuration::from_hours(72);
    let slots = client.get(&format!("/doctors/{}/slots?from={from}&to={to}", doctor.doctor_id)).await.expect(200);
    let starts = slots["items"].as_array().expect("a list").iter().map(|slot| text(slot, "starts_at").to_owned());
    (doctor, starts.collect())
}

/// Asks again and again until the answer is right.
async fn until(what: &str, ask: impl AsyncFn() -> Option<Value>) -> Value {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
