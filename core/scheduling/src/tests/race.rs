//! Many for few: however many ask at once, no slot is given twice, and whoever loses is told so.

use consilium_db::testing::TestDb;
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, DoctorId, RefusalKind, Timestamp};
use consilium_runtime::Directory;
use futures_util::future::join_all;

use super::support::{Practice, as_patient, booking, directory, every_day, new_id, t};
use crate::{
    DoctorSchedule, ScheduleCommand,
    slots::{self, Busy},
    store,
};

const CLIENTS: usize = 200;
const SLOTS: usize = 20;

#[actix_rt::test]
async fn two_hundred_for_twenty() {
    for test in TestDb::both() {
        let practice = Practice::open(&test, twenty_slots()).await;
        race(&test, practice.doctor_id, &[practice.schedules]).await;
    }
}

/// Two nodes that both believe they own the schedule: the database decides, and the loser's actor finds out.
#[actix_rt::test]
async fn two_owners_of_one_schedule() {
    for test in TestDb::both() {
        let practice = Practice::open(&test, twenty_slots()).await;
        race(&test, practice.doctor_id, &[practice.schedules, directory(&test)]).await;
    }
}

/// The race would show a database that lets everything pass: then two owners do give slots twice.
#[actix_rt::test]
async fn without_the_constraint_two_owners_double_book() {
    for test in TestDb::both() {
        let practice = Practice::open(&test, twenty_slots()).await;
        let (doctor_id, other) = (practice.doctor_id, directory(&test));
        let slot = t("2026-06-02T02:00:00Z");
        test.db.write(&CommandMeta::system(DEFAULT_FACILITY, "test"), |tx| store::tests::drop_guard(tx)).await.unwrap();
        // Both load the schedule while it is empty.
        for node in [&practice.schedules, &other] {
            assert_eq!(ask(node, doctor_id, slots::after(slot, 1)).await.unwrap_err(), "not_a_slot");
        }
        ask(&practice.schedules, doctor_id, slot).await.unwrap();
        ask(&other, doctor_id, slot).await.unwrap();
    }
}

fn twenty_slots() -> crate::Availability {
    every_day("Asia/Dhaka", &[("08:00", "15:40")], 15, 8)
}

async fn race(test: &TestDb, doctor_id: DoctorId, nodes: &[Directory<DoctorSchedule>]) {
    let (from, to) = (t("2026-06-02T00:00:00Z"), t("2026-06-03T00:00:00Z"));
    let slots = slots::free_slots(&twenty_slots(), &Busy::default(), from, to, from);
    assert_eq!(slots.len(), SLOTS);
    let clients = (0..CLIENTS).map(|n| {
        // Not n % 20 for both: every slot is asked for at every node.
        let (slot, node) = (slots[n % SLOTS], nodes[(n / SLOTS) % nodes.len()].clone());
        async move { ask(&node, doctor_id, slot.starts_at).await }
    });
    let answers: Vec<Result<(), String>> = join_all(clients).await;
    let booked = answers.iter().filter(|answer| answer.is_ok()).count();
    let taken = answers.iter().filter(|answer| answer.as_ref().is_err_and(|code| code == "slot_taken")).count();
    assert_eq!((booked, taken), (SLOTS, CLIENTS - SLOTS), "{answers:?}");

    let held = test.db.read(move |session| store::occupancy::of_doctor(session, doctor_id, from)).await.unwrap();
    let mut held: Vec<_> = held.into_iter().map(|(_, held)| held).collect();
    held.sort();
    assert_eq!(held.len(), SLOTS);
    assert!(held.windows(2).all(|pair| pair[0].ends_at <= pair[1].starts_at));
}

async fn ask(node: &Directory<DoctorSchedule>, doctor_id: DoctorId, starts_at: Timestamp) -> Result<(), String> {
    let patient = new_id();
    loop {
        match node.send(doctor_id, as_patient(patient), ScheduleCommand::Book(booking(patient, starts_at))).await {
            Ok(_) => return Ok(()),
            Err(refusal) if refusal.kind == RefusalKind::Unavailable => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Err(refusal) => return Err(refusal.code.into_owned()),
        }
    }
}
