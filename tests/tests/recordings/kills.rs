//! The real program, killed while it joins segments: when it is back it goes on, and the whole is what was sent.

use std::time::Duration;

use consilium_tests::{
    app::{Backend, daily},
    client::{Client, text},
    deployment::Deployment,
};
use ring::digest;
use serde_json::json;

use crate::stage::{Stage, answer, link, put, segment, until};

/// Bytes of a segment.
const LENGTH: usize = 8 * 1024 * 1024;
/// So many that joining them takes longer than the kill waits.
const COUNT: usize = 6;

async fn survives(backend: Backend) {
    let deployment = Deployment::new(backend);
    let mut server = deployment.serve().await;
    let admin = server.client.login("admin").await;
    let doctor = server.client.register("doctor", "ayesha").await;
    let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
    admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
    doctor.set_hours(daily("00:00", "24:00")).await;
    let stage = Stage::of(doctor, server.client.register("patient", "rafi").await).await;
    let id = stage.begun().await;
    let mut hash = digest::Context::new(&digest::SHA256);
    for number in 1..=COUNT {
        let bytes = segment(number, LENGTH);
        hash.update(&bytes);
        put(&stage.doctor, &id, number, &bytes).await.expect(200);
    }
    answer(&stage.patient, &id, false).await.expect(200);
    let mut interrupted = 0;
    for kill in 0..3 {
        let doctor = server.client.login("ayesha").await;
        until_begun(&doctor, &id).await;
        tokio::time::sleep(Duration::from_millis(20 + 100 * kill)).await;
        let seen = doctor.get(&format!("/recordings/{id}")).await.expect(200);
        server.kill().await;
        interrupted += u32::from(text(&seen, "status") == "processing");
        eprintln!("kill {kill}: {} {}", seen["status"], seen["progress"]);
        server = deployment.serve().await;
    }
    assert!(interrupted > 0, "no kill fell into the middle");
    let doctor = server.client.login("ayesha").await;
    let ready = until(&doctor, &id, "ready").await;
    assert_eq!(text(&ready, "sha256"), hex::encode(hash.finish()));
    assert_eq!(ready["size_bytes"], LENGTH * COUNT);
    let link = link(&doctor, &id).await;
    let last = doctor.get(&link).header("Range", "bytes=-20").await;
    assert_eq!(last.body.as_str().unwrap().as_bytes(), &segment(COUNT, LENGTH)[LENGTH - 20..]);
    server.stop().await;
}

/// Waits until it is stopped no longer.
async fn until_begun(doctor: &Client, id: &str) {
    for _ in 0..1_000 {
        if doctor.get(&format!("/recordings/{id}")).await.expect(200)["status"] != "stopped" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("its segments are never joined");
}

#[actix_rt::test]
async fn processing_survives_kills_on_sqlite() {
    survives(Backend::Sqlite).await;
}

#[actix_rt::test]
async fn processing_survives_kills_on_postgresql() {
    survives(Backend::Postgres).await;
}
