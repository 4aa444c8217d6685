//! A plugin's process is killed: the calls that it was at get an error that says when to try again, the next succeed.

use std::{collections::BTreeSet, process::Command, time::Duration};

use consilium_kernel::{Clock, SystemClock, Timestamp};
use consilium_tests::{
    app::{Backend, daily},
    client::{Client, Person, text},
    deployment::Deployment,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{PATIENCE, until};

const PLUGIN: &str = "video-webrtc";

async fn the_plugin(admin: &Person) -> Value {
    let plugins = admin.get("/plugins").await.expect(200);
    let plugins = plugins["items"].as_array().expect("a list");
    plugins.iter().find(|plugin| plugin["id"] == PLUGIN).expect("it is configured").clone()
}

/// Sends a signal to the process that `GET /plugins` names.
fn signal(pid: u64, name: &str) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status().expect("kill can be run");
    assert!(sent.success(), "there is no process {pid}");
}

/// A video consultation that is going on, and its doctor.
async fn consultation(client: &Client, admin: &Person) -> (Person, String) {
    let (doctor, patient) = (client.register("doctor", "ayesha").await, client.register("patient", "rafi").await);
    let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
    admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
    let mut hours = daily("00:00", "24:00");
    hours["slot_minutes"] = json!(5);
    doctor.set_hours(hours).await;
    let soon = SystemClock.now() + Duration::from_secs(20);
    let slots = patient.slots(&doctor).await;
    let slot = slots.iter().find(|slot| slot.parse::<Timestamp>().expect("an instant") > soon).expect("a slot");
    let wish = json!({"doctor_id": doctor.doctor_id, "starts_at": slot, "reason": "A cough", "visit_type": "video"});
    let booked = patient.post("/appointments", wish).await.expect(201);
    let agreed = doctor.accept(text(&booked, "id")).await.expect(200);
    let path = format!("/consultations/{}", text(&agreed, "consultation_id"));
    doctor.post(&format!("{path}/start"), Value::Null).await.expect(200);
    (doctor, path)
}

#[actix_rt::test]
async fn a_killed_plugin_costs_the_calls_it_was_at_an_error() {
    let deployment = Deployment::new(Backend::Sqlite);
    deployment.install(PLUGIN);
    deployment.configure("[plugins.use.video-webrtc]\n");
    let server = deployment.serve().await;
    let admin = server.client.login("admin").await;
    let (doctor, path) = consultation(&server.client, &admin).await;
    let join = || doctor.post(&format!("{path}/join"), Value::Null);
    assert_eq!(join().await.expect(200)["video"]["provider"], PLUGIN);

    let mut pids = BTreeSet::new();
    for kill in 1..=2 {
        let before = the_plugin(&admin).await;
        let pid = before["pid"].as_u64().expect("it has a process of its own");
        assert!(pids.insert(pid), "the process of before is gone");
        // Stopped, so that the calls are certainly under way when it dies.
        signal(pid, "-STOP");
        let dies = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            signal(pid, "-KILL");
        };
        let (answers, ()) = tokio::join!(join_all((0..6).map(|_| join().into_future())), dies);
        for answer in &answers {
            answer.problem(503, "video_unavailable");
            assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
        }

        let next = until("the next call", async || {
            let next = join().await;
            (next.status == 200).then_some(next.body)
        });
        assert_eq!(next.await["video"]["provider"], PLUGIN);
        let after = the_plugin(&admin).await;
        assert_eq!((&after["state"], &after["restarts"]), (&json!("running"), &json!(kill)), "{after}");
        assert_ne!(after["pid"], pid, "{after}");
        // Nothing else has noticed.
        let said =
            doctor.post(&format!("{path}/messages"), json!({"client_message_id": kill.to_string(), "body": "Hi"}));
        said.await.expect(201);
    }
    tokio::time::timeout(PATIENCE, server.stop()).await.expect("it ends in order");
}
