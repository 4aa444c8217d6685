//! The life of appointments on both databases: rows, held time, timers, events and secrets.

use consilium_db::{outbox, testing::TestDb, timers};
use consilium_kernel::{AppointmentId, CommandMeta, DEFAULT_FACILITY, EventEnvelope, Principal, Role, Scope};
use consilium_runtime::TimerWorker;
use jiff::SignedDuration;

use super::support::{Practice, as_doctor, as_patient, as_staff, draft, every_day, new_id, t};
use crate::{
    Appointment, AppointmentEvent, Change, NO_SHOW, NoShowTimer, Party, REMINDER_1H, REMINDER_24H, REQUEST_EXPIRY,
    Status, meeting, store,
};

fn system() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "test")
}

fn hours() -> crate::Availability {
    every_day("Asia/Dhaka", &[("09:00", "17:00")], 30, 10)
}

/// Kinds of the timers that stand, by looking from the far future; the clock is put back.
async fn timers_of(test: &TestDb, id: AppointmentId) -> Vec<(String, i64)> {
    let step = SignedDuration::from_hours(24 * 365);
    test.clock.advance(step);
    let due = test.db.read(|session| timers::due(session, 1_000)).await.unwrap();
    test.clock.advance(-step);
    let mut kinds: Vec<_> = due
        .into_iter()
        .filter(|timer| timer.entity.id == id.uuid())
        .map(|timer| (timer.kind, timer.revision))
        .collect();
    kinds.sort();
    kinds
}

/// Its events up to `version`. On PostgreSQL an event shows only once no older transaction runs, and there may be
/// some in the databases of other tests.
async fn events_of(test: &TestDb, id: AppointmentId, version: i64) -> Vec<EventEnvelope> {
    let shard = outbox::shard_of(id.uuid());
    for _ in 0..200 {
        let start = outbox::Position::default();
        let all = test.db.read(move |session| outbox::read_after(session, shard, start, 1_000)).await.unwrap();
        let events: Vec<_> =
            all.into_iter().map(|(_, event)| event).filter(|event| event.entity.id == id.uuid()).collect();
        if events.last().is_some_and(|event| event.version >= version) {
            return events;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the events do not show");
}

async fn stored(test: &TestDb, id: AppointmentId) -> Appointment {
    let scope = Scope::of(DEFAULT_FACILITY);
    test.db.read(move |session| meeting::appointment(session, scope, id)).await.unwrap().unwrap()
}

async fn held(test: &TestDb, practice: &Practice) -> usize {
    let doctor_id = practice.doctor_id;
    test.db.read(move |session| store::occupancy::of_doctor(session, doctor_id, session.now())).await.unwrap().len()
}

fn code<T: std::fmt::Debug>(answer: Result<T, consilium_kernel::Refusal>) -> String {
    answer.unwrap_err().code.into_owned()
}

#[actix_rt::test]
async fn from_booking_to_cancellation() {
    for test in TestDb::both() {
        let practice = Practice::open(&test, hours()).await;
        let patient = new_id();
        let booked = practice.book(patient, "2026-06-03T03:00:00Z").await.unwrap();
        assert_eq!((booked.status, booked.version, booked.revision), (Status::Pending, 1, 0));
        assert_eq!(booked.ends_at, t("2026-06-03T03:30:00Z"));
        assert_eq!(booked.consultation_id, None);
        assert_eq!(stored(&test, booked.id).await, booked);
        let unanswered = |revision: i64| vec![(REQUEST_EXPIRY.to_owned(), revision)];
        assert_eq!(timers_of(&test, booked.id).await, unanswered(0));

        let accepted = practice.accept(booked.id).await.unwrap();
        assert_eq!((accepted.status, accepted.version), (Status::Accepted, 2));
        let consultation = accepted.consultation_id.unwrap();
        let all = |revision: i64| [NO_SHOW, REMINDER_1H, REMINDER_24H].map(|kind| (kind.to_owned(), revision)).to_vec();
        assert_eq!(timers_of(&test, booked.id).await, all(0));
        let found = test.db.read(move |session| meeting::appointment_of_consultation(session, consultation)).await;
        assert_eq!(found.unwrap().unwrap(), accepted);

        // The patient moves it: it must be accepted again, and nobody is reminded meanwhile.
        let to = |starts_at: &str| Change::Reschedule { starts_at: t(starts_at) };
        let moved = practice.change(as_patient(patient), booked.id, to("2026-06-03T03:40:00Z")).await.unwrap();
        assert_eq!((moved.status, moved.revision, moved.version), (Status::Pending, 1, 3));
        assert_eq!(timers_of(&test, booked.id).await, unanswered(1));
        let again = practice.accept(booked.id).await.unwrap();
        assert_eq!(again.consultation_id, Some(consultation), "the room stays the same");
        assert_eq!(timers_of(&test, booked.id).await, all(1));

        // The doctor moves it: it stays accepted. Its own time is no obstacle, and its old time is free.
        let moved =
            practice.change(as_doctor(practice.doctor_id), booked.id, to("2026-06-03T03:00:00Z")).await.unwrap();
        assert_eq!((moved.status, moved.revision), (Status::Accepted, 2));
        assert_eq!(timers_of(&test, booked.id).await, all(2));
        practice.book(new_id(), "2026-06-03T03:40:00Z").await.unwrap();
        assert_eq!(held(&test, &practice).await, 2);

        let cancelled = practice.change(as_staff(Role::Nurse), booked.id, Change::Cancel).await.unwrap();
        assert_eq!((cancelled.status, cancelled.consultation_id), (Status::Cancelled, Some(consultation)));
        assert_eq!(timers_of(&test, booked.id).await, []);
        assert_eq!(held(&test, &practice).await, 1);
        assert_eq!(code(practice.accept(booked.id).await), "invalid_transition");
        practice.book(new_id(), "2026-06-03T03:00:00Z").await.unwrap();

        let events = events_of(&test, booked.id, 6).await;
        let told: Vec<(&str, i64)> = events.iter().map(|event| (event.event_type.as_str(), event.version)).collect();
        assert_eq!(
            told,
            [
                ("appointment_booked", 1),
                ("appointment_accepted", 2),
                ("appointment_rescheduled", 3),
                ("appointment_accepted", 4),
                ("appointment_rescheduled", 5),
                ("appointment_cancelled", 6),
            ]
        );
        let last: AppointmentEvent = serde_json::from_value(events[5].data.clone()).unwrap();
        assert_eq!((last.appointment, last.by, last.note.as_deref()), (cancelled, Party::Staff, Some("canary-note")));
        let moved: AppointmentEvent = serde_json::from_value(events[2].data.clone()).unwrap();
        assert_eq!((moved.by, moved.previous_starts_at), (Party::Patient, Some(t("2026-06-03T03:00:00Z"))));
    }
}

#[actix_rt::test]
async fn refusals_of_a_booking() {
    for test in TestDb::both() {
        let mut hours = draft("Asia/Dhaka", &[("09:00", "17:00")], 30, 10);
        hours.lead_time_minutes = 48 * 60;
        hours.max_per_day = Some(2);
        let practice = Practice::open(&test, hours.check().unwrap()).await;
        let patient = new_id();
        assert_eq!(code(practice.book(patient, "2026-05-31T03:00:00Z").await), "too_soon");
        assert_eq!(code(practice.book(patient, "2026-06-02T03:00:00Z").await), "too_soon");
        assert_eq!(code(practice.book(patient, "2026-06-04T03:05:00Z").await), "not_a_slot");
        let taken = practice.book(patient, "2026-06-04T03:00:00Z").await.unwrap();
        assert_eq!(code(practice.book(new_id(), "2026-06-04T03:00:00Z").await), "slot_taken");
        practice.book(new_id(), "2026-06-04T03:40:00Z").await.unwrap();
        assert_eq!(code(practice.book(new_id(), "2026-06-04T04:20:00Z").await), "day_full");
        // Moving within the day counts once.
        let change = Change::Reschedule { starts_at: t("2026-06-04T05:00:00Z") };
        practice.change(as_patient(patient), taken.id, change).await.unwrap();
        // The patient is busy with this doctor while another one is asked.
        let other = Practice::open(&test, every_day("Asia/Dhaka", &[("09:00", "17:00")], 20, 0)).await;
        assert_eq!(code(other.book(patient, "2026-06-04T05:20:00Z").await), "patient_busy");
        other.book(patient, "2026-06-04T06:00:00Z").await.unwrap();
        assert_eq!(code(practice.book(new_id(), "2026-06-04T04:20:00Z").await), "day_full");
        // A refused booking leaves nothing behind.
        assert_eq!(held(&test, &other).await, 1);
    }
}

#[actix_rt::test]
async fn an_emergency_waives_the_lead_time_and_nothing_else() {
    for test in TestDb::both() {
        let mut hours = draft("UTC", &[("09:00", "17:00")], 30, 0);
        hours.lead_time_minutes = 48 * 60;
        let practice = Practice::open(&test, hours.check().unwrap()).await;
        let urgent = |starts_at: &str| {
            let patient = new_id();
            let booking = crate::Booking { is_emergency: true, ..super::support::booking(patient, t(starts_at)) };
            practice.schedules.send(practice.doctor_id, as_patient(patient), crate::ScheduleCommand::Book(booking))
        };
        assert!(urgent("2026-06-01T09:00:00Z").await.is_ok());
        assert_eq!(urgent("2026-06-01T09:10:00Z").await.err().unwrap().code, "not_a_slot");
        assert_eq!(urgent("2026-06-01T08:00:00Z").await.err().unwrap().code, "too_soon");
        assert_eq!(urgent("2026-06-01T09:00:00Z").await.err().unwrap().code, "slot_taken");
    }
}

#[actix_rt::test]
async fn only_the_parties_may_and_strangers_see_nothing() {
    for test in TestDb::both() {
        let practice = Practice::open(&test, hours()).await;
        let patient = new_id();
        let id = practice.book(patient, "2026-06-03T03:00:00Z").await.unwrap().id;
        let accept = Change::Accept { consultation_id: new_id() };
        let elsewhere = {
            let mut meta = as_patient(patient);
            if let Principal::User(user) = &mut meta.principal {
                user.facility_id = new_id();
            }
            meta
        };
        for (meta, change, expected) in [
            (as_patient(new_id()), Change::Cancel, "not_found"),
            (as_doctor(new_id()), accept, "not_found"),
            (elsewhere, Change::Cancel, "not_found"),
            (as_staff(Role::Pharmacist), Change::Cancel, "not_found"),
            (as_patient(patient), accept, "forbidden"),
            (as_patient(patient), Change::Reject, "forbidden"),
            (as_patient(patient), Change::NoShow, "forbidden"),
            (as_staff(Role::Admin), accept, "forbidden"),
            (as_staff(Role::Nurse), Change::Reject, "forbidden"),
            (as_staff(Role::Support), Change::Cancel, "forbidden"),
        ] {
            assert_eq!(code(practice.change(meta, id, change).await), expected, "{change:?}");
        }
        assert_eq!(stored(&test, id).await.version, 1);
    }
}

#[actix_rt::test]
async fn reminders_whose_time_has_passed_are_not_set() {
    for test in TestDb::both() {
        let practice = Practice::open(&test, hours()).await;
        let soon = practice.book(new_id(), "2026-06-01T08:20:00Z").await.unwrap();
        practice.accept(soon.id).await.unwrap();
        assert_eq!(timers_of(&test, soon.id).await, [(NO_SHOW.to_owned(), 0)]);
        let tomorrow = practice.book(new_id(), "2026-06-02T03:00:00Z").await.unwrap();
        practice.accept(tomorrow.id).await.unwrap();
        assert_eq!(timers_of(&test, tomorrow.id).await, [(NO_SHOW.to_owned(), 0), (REMINDER_1H.to_owned(), 0)]);
    }
}

#[actix_rt::test]
async fn what_never_began_is_missed_and_what_began_is_not() {
    for test in TestDb::both() {
        let practice = Practice::open(&test, hours()).await;
        let mut accepted = Vec::new();
        for starts_at in ["2026-06-02T03:00:00Z", "2026-06-02T03:40:00Z", "2026-06-02T04:20:00Z"] {
            let id = practice.book(new_id(), starts_at).await.unwrap().id;
            accepted.push(practice.accept(id).await.unwrap().id);
        }
        let [missed, begun, completed] = accepted[..] else { panic!() };
        test.clock.set(t("2026-06-02T03:40:00Z"));
        let worker = TimerWorker::new(test.db.clone(), vec![std::sync::Arc::new(NoShowTimer::new(test.db.clone()))]);
        worker.fire_due().await.unwrap();
        assert_eq!(stored(&test, missed).await.status, Status::Accepted, "a quarter of an hour of grace");

        let started = test.db.write(&system(), move |tx| meeting::started(tx, begun)).await.unwrap();
        assert_eq!(started.started_at, Some(t("2026-06-02T03:40:00Z")));
        assert_eq!(timers_of(&test, begun).await, []);
        // The schedule's actor has not heard of it, and finds out by the version.
        let cancel = practice.change(as_doctor(practice.doctor_id), begun, Change::Cancel).await;
        assert_eq!(code(cancel), "invalid_transition");

        test.db.write(&system(), move |tx| meeting::complete(tx, completed)).await.unwrap();
        test.clock.set(t("2026-06-02T12:00:00Z"));
        worker.fire_due().await.unwrap();
        let statuses = [stored(&test, missed).await.status, stored(&test, begun).await.status];
        assert_eq!(statuses, [Status::NoShow, Status::Accepted]);
        assert_eq!(stored(&test, completed).await.status, Status::Completed);
        for id in [missed, completed] {
            assert_eq!(
                code(practice.change(as_doctor(practice.doctor_id), id, Change::Cancel).await),
                "invalid_transition"
            );
            let again = test.db.write(&system(), move |tx| meeting::complete(tx, id)).await.unwrap_err();
            assert_eq!(consilium_kernel::Refusal::from(again).code, "invalid_transition");
        }
        test.db.write(&system(), move |tx| meeting::complete(tx, begun)).await.unwrap();
        let last = events_of(&test, missed, 3).await.pop().unwrap();
        assert_eq!((last.event_type.as_str(), &last.data["by"]), ("appointment_no_show", &serde_json::json!("system")));
        assert!(timers_of(&test, missed).await.is_empty());
    }
}

#[actix_rt::test]
async fn hours_have_versions_and_an_owner_with_old_hours_finds_out() {
    for test in TestDb::both() {
        let practice = Practice::open(&test, hours()).await;
        let other = Practice { doctor_id: practice.doctor_id, schedules: super::support::directory(&test) };
        other.book(new_id(), "2026-06-03T03:00:00Z").await.unwrap();
        assert_eq!(practice.put(hours(), 1).await.unwrap(), 2);
        assert_eq!(code(practice.put(hours(), 1).await), "stale");
        let closed = every_day("Asia/Dhaka", &[("18:00", "20:00")], 30, 10);
        assert_eq!(practice.put(closed, 2).await.unwrap(), 3);
        // This one still believes in the old hours.
        assert_eq!(code(other.book(new_id(), "2026-06-03T03:40:00Z").await), "not_a_slot");
        other.book(new_id(), "2026-06-03T12:00:00Z").await.unwrap();
        assert_eq!(code(other.put(hours(), 2).await), "stale");
        assert_eq!(other.put(hours(), 3).await.unwrap(), 4);
        // Two who believe in each other's absence: the daily maximum is kept as well.
        let mut strict = draft("Asia/Dhaka", &[("09:00", "17:00")], 30, 10);
        strict.max_per_day = Some(3);
        assert_eq!(other.put(strict.check().unwrap(), 4).await.unwrap(), 5);
        let third = Practice { doctor_id: practice.doctor_id, schedules: super::support::directory(&test) };
        third.book(new_id(), "2026-06-03T04:20:00Z").await.unwrap();
        assert_eq!(code(other.book(new_id(), "2026-06-03T05:00:00Z").await), "day_full");
    }
}

#[actix_rt::test]
async fn no_word_of_the_patient_is_readable_in_the_database_file() {
    let test = TestDb::sqlite();
    let practice = Practice::open(&test, hours()).await;
    let booked = practice.book(new_id(), "2026-06-03T03:00:00Z").await.unwrap();
    practice.change(as_doctor(practice.doctor_id), booked.id, Change::Reject).await.unwrap();
    let mut looked_at = 0;
    for entry in std::fs::read_dir(&test.folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        looked_at += bytes.len();
        assert!(!bytes.windows(6).any(|window| window == b"canary"));
    }
    assert!(looked_at > 50_000);
}
