//! Two hundred clients want twenty slots.

use std::{collections::BTreeMap, time::Duration};

use consilium_tests::{
    app::{TestApp, on_both},
    client::{Person, text},
};
use futures_util::future::join_all;

const CLIENTS: usize = 200;
const SLOTS: usize = 20;

/// Tries until the server has decided: what it decided.
async fn decided(patient: &Person, doctor: &Person, slot: &str) -> String {
    for _ in 0..100 {
        let answer = patient.book(doctor, slot).await;
        match answer.status {
            201 => return "booked".to_owned(),
            503 => {
                assert!(!answer.header("retry-after").is_empty(), "{answer:#?}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            status => return format!("{status} {}", text(&answer.body, "code")),
        }
    }
    "never decided".to_owned()
}

async fn race(app: &TestApp) {
    let doctor = app.doctor("ayesha").await;
    let names: Vec<String> = (0..CLIENTS).map(|n| format!("patient-{n}")).collect();
    let mut patients = Vec::new();
    for some in names.chunks(20) {
        patients.extend(join_all(some.iter().map(|name| app.patient(name))).await);
    }
    let slots = doctor.slots(&doctor).await;
    let wishes = patients.iter().zip(slots.iter().take(SLOTS).cycle());
    let outcomes = join_all(wishes.map(|(patient, slot)| decided(patient, &doctor, slot))).await;
    let mut counted = BTreeMap::new();
    for outcome in outcomes {
        *counted.entry(outcome).or_insert(0) += 1;
    }
    let expected = [("409 slot_taken".to_owned(), CLIENTS - SLOTS), ("booked".to_owned(), SLOTS)];
    assert_eq!(counted, BTreeMap::from(expected));

    let held = app.admin.get("/appointments?limit=100").await.expect(200);
    let mut held: Vec<&str> =
        held["items"].as_array().expect("a list").iter().map(|one| text(one, "starts_at")).collect();
    held.dedup();
    assert_eq!(held, slots[..SLOTS], "each slot once");
}

#[actix_rt::test]
async fn two_hundred_clients_want_twenty_slots() {
    on_both(race).await;
}
