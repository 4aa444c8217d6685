//! A plugin of kind `events` that tells on what happens, in the real program: what it sees, and that nothing is lost
//! when it dies, when what is behind it does not answer, and when the server dies.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    time::{Duration, Instant},
};

use consilium_tests::{
    app::{Backend, daily},
    client::{Client, Person, text},
    deployment::Deployment,
    receiver::{Receiver, Reply},
};
use serde_json::{Value, json};

const BUS: &str = "/bus";
/// What the patient says.
const REASON: &str = "A cough that nobody else may hear of";

/// What the server behind the plugin was told, in order: an event may come again under its id.
fn told(bus: &Receiver) -> Vec<Value> {
    let batches = bus.received(BUS).into_iter();
    batches.flat_map(|batch| batch.json().as_array().expect("a batch").clone()).collect()
}

/// How often each event of a type came.
fn times(bus: &Receiver, event_type: &str) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for event in told(bus).iter().filter(|event| event["type"] == event_type) {
        *times.entry(text(event, "id").to_owned()).or_default() += 1;
    }
    times
}

async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..1_200 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}");
}

/// A verified doctor and a patient.
async fn people(client: &Client) -> (Person, Person) {
    let admin = client.login("admin").await;
    let doctor = client.register("doctor", "ayesha").await;
    let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
    admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
    doctor.set_hours(daily("00:00", "24:00")).await;
    (doctor, client.register("patient", "rafi").await)
}

/// Books the doctor; the appointment's id.
async fn book(doctor: &Person, patient: &Person, free: usize) -> String {
    let slot = patient.slots(doctor).await.into_iter().nth(free).expect("a free slot");
    let wish = json!({"doctor_id": doctor.doctor_id, "starts_at": slot, "reason": REASON, "visit_type": "chat"});
    text(&patient.post("/appointments", wish).await.expect(201), "id").to_owned()
}

async fn the_plugin_hears(backend: Backend) {
    let bus = Receiver::start().await;
    let deployment = Deployment::new(backend);
    deployment.install("events-rest");
    deployment.configure(&format!(
        "[plugins.use.events-rest]\nallow_private_addresses = true\nconfig = {{ url = {:?} }}\n",
        bus.url(BUS)
    ));
    let mut server = deployment.serve().await;
    let (doctor, patient) = people(&server.client).await;
    let booked = book(&doctor, &patient, 0).await;
    doctor.accept(&booked).await.expect(200);

    // It is told what its manifest asks for, as webhooks are: ids, times and words of the API.
    eventually("the acceptance is told", async || !times(&bus, "appointment_accepted").is_empty()).await;
    let all = told(&bus);
    let types: BTreeSet<&str> = all.iter().map(|event| text(event, "type")).collect();
    assert_eq!(types, BTreeSet::from(["appointment_accepted", "appointment_booked", "availability_changed"]));
    let event = all.iter().find(|event| event["type"] == "appointment_booked").unwrap();
    assert_eq!((&event["entity"]["id"], &event["data"]["appointment_id"]), (&json!(booked), &json!(booked)));
    assert_eq!((&event["data"]["status"], &event["version"]), (&json!("pending"), &json!(1)));
    assert!(bus.received(BUS).iter().all(|batch| !batch.body.contains(REASON)), "a patient's words got out");

    // Its process dies while it tells something.
    bus.script(BUS, [Reply::Silence]);
    let before = bus.received(BUS).len();
    let second = book(&doctor, &patient, 1).await;
    bus.wait_for(BUS, before + 1).await;
    let admin = server.client.login("admin").await;
    let plugins = admin.get("/plugins").await.expect(200);
    let pid = plugins["items"][0]["pid"].as_u64().expect("a process of its own").to_string();
    bus.script(BUS, [Reply::Status(200)]);
    assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("kill can be run").success());
    eventually("it is told again, under the same id", async || {
        times(&bus, "appointment_booked").values().any(|times| *times >= 2)
    })
    .await;
    assert_eq!(times(&bus, "appointment_booked").len(), 2);

    // What is behind it wants to be left alone, and is.
    bus.script(BUS, [Reply::With(503, "Retry-After", "3".to_owned()), Reply::Status(200)]);
    let before = bus.received(BUS).len();
    doctor.accept(&second).await.expect(200);
    bus.wait_for(BUS, before + 1).await;
    let refused = Instant::now();
    bus.wait_for(BUS, before + 2).await;
    assert!(refused.elapsed() >= Duration::from_millis(2_500), "asked again after {:?}", refused.elapsed());

    // An event that can never be taken is noted, and holds up nothing, not even what happens to the same appointment.
    eventually("both acceptances are told", async || times(&bus, "appointment_accepted").len() == 2).await;
    bus.script(BUS, [Reply::Status(422), Reply::Status(200)]);
    let before = bus.received(BUS).len();
    let third = book(&doctor, &patient, 2).await;
    bus.wait_for(BUS, before + 1).await;
    let told_of_third = || {
        let accepted = |event: &Value| event["type"] == "appointment_accepted" && event["entity"]["id"] == third;
        told(&bus).iter().any(accepted)
    };
    doctor.accept(&third).await.expect(200);
    eventually("what follows is told", async || told_of_third()).await;
    let rejected = json!({"plugin": "events-rest", "type": "appointment_booked", "code": "not_wanted"});
    assert_eq!(deployment.audited(&["event_rejected"]).await, [("event_rejected".to_owned(), rejected)]);

    // The server dies, and what was taken does not come again.
    let (accepted, booked) = (times(&bus, "appointment_accepted"), times(&bus, "appointment_booked"));
    server.kill().await;
    server = deployment.serve().await;
    let (doctor, patient) = (server.client.login("ayesha").await, server.client.login("rafi").await);
    let fourth = book(&doctor, &patient, 3).await;
    eventually("what is new is told", async || {
        told(&bus).iter().any(|event| event["type"] == "appointment_booked" && event["entity"]["id"] == fourth)
    })
    .await;
    assert_eq!(times(&bus, "appointment_accepted"), accepted);
    let again = times(&bus, "appointment_booked");
    assert!(booked.iter().all(|(id, times)| again[id] == *times), "{booked:?} became {again:?}");
    assert_eq!(again.len(), booked.len() + 1);
    eventually("the audit log is whole", async || deployment.verify_audit().is_none()).await;
    server.stop().await;
}

#[actix_rt::test]
async fn an_event_subscriber_hears_everything_sqlite() {
    the_plugin_hears(Backend::Sqlite).await;
}

#[actix_rt::test]
async fn an_event_subscriber_hears_everything_postgres() {
    the_plugin_hears(Backend::Postgres).await;
}
