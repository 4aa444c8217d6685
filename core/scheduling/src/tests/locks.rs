//! What the database alone refuses, with nobody in front of it.

use std::time::Duration;

use consilium_db::{Error, testing::TestDb};
use consilium_kernel::{AppointmentId, CommandMeta, DEFAULT_FACILITY, PatientId, TimeZone};

use super::support::{booking, new_id, t};
use crate::{
    AppointmentKind, Interval, Status,
    schedule::Entry,
    store::{appointments, occupancy},
};

fn system() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "test")
}

fn interval(from: &str, to: &str) -> Interval {
    Interval { starts_at: t(from), ends_at: t(to) }
}

/// Writes an appointment of its own doctor and, if wanted, holds time of `doctor` for it. Dawdles before commit.
fn write(
    tx: &mut consilium_db::Tx<'_>,
    doctor: consilium_kernel::DoctorId,
    patient_id: PatientId,
    time: Interval,
) -> consilium_db::Result<AppointmentId> {
    let mut booking = booking(patient_id, time.starts_at);
    booking.appointment_id = tx.new_id();
    let entry = Entry {
        facility_id: DEFAULT_FACILITY,
        patient_id,
        kind: AppointmentKind::Booked,
        starts_at: time.starts_at,
        ends_at: time.ends_at,
        status: Status::Pending,
        revision: 0,
        version: 1,
        is_emergency: false,
        consultation_id: None,
        started_at: None,
    };
    appointments::insert(tx, doctor, &booking, &entry, &TimeZone::utc())?;
    occupancy::hold(tx, doctor, booking.appointment_id, time)?;
    std::thread::sleep(Duration::from_millis(150));
    Ok(booking.appointment_id)
}

#[actix_rt::test]
async fn of_two_transactions_that_hold_the_same_time_one_is_refused() {
    for test in TestDb::both() {
        let (doctor, meta) = (new_id(), system());
        let (first, second) = (
            interval("2026-06-02T09:00:00Z", "2026-06-02T09:30:00Z"),
            interval("2026-06-02T09:29:59Z", "2026-06-02T10:00:00Z"),
        );
        let (a, b) = (new_id(), new_id());
        let (one, other) = futures_util::join!(
            test.db.write(&meta, move |tx| write(tx, doctor, a, first)),
            test.db.write(&meta, move |tx| write(tx, doctor, b, second)),
        );
        let refused = match (one, other) {
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
            (one, other) => panic!("{}: {one:?} and {other:?}", test.url),
        };
        assert!(matches!(refused, Error::VersionConflict), "{refused:?}");

        // Moving into held time is refused too; times that only touch are not.
        let touching = interval("2026-06-02T08:00:00Z", "2026-06-02T09:00:00Z");
        let c = new_id();
        let third = test.db.write(&meta, move |tx| write(tx, doctor, c, touching)).await.unwrap();
        let overlapping = interval("2026-06-02T08:30:00Z", "2026-06-02T09:00:01Z");
        let moved = test.db.write(&system(), move |tx| occupancy::move_to(tx, third, overlapping)).await;
        let held = test.db.read(move |session| occupancy::of_doctor(session, doctor, t("2026-06-01T00:00:00Z"))).await;
        if held.unwrap().iter().any(|(_, held)| held.starts_at == t("2026-06-02T09:00:00Z")) {
            assert!(matches!(moved, Err(Error::VersionConflict)), "{moved:?}");
        }
        let shorter = interval("2026-06-02T08:10:00Z", "2026-06-02T08:50:00Z");
        test.db.write(&system(), move |tx| occupancy::move_to(tx, third, shorter)).await.unwrap();
    }
}

#[actix_rt::test]
async fn a_patient_cannot_be_in_two_places() {
    for test in TestDb::both() {
        let (patient, meta) = (new_id(), system());
        let (here, there) = (new_id(), new_id());
        let time = interval("2026-06-02T09:00:00Z", "2026-06-02T09:30:00Z");
        let (one, other) = futures_util::join!(
            test.db.write(&meta, move |tx| write(tx, here, patient, time)),
            test.db.write(&meta, move |tx| write(tx, there, patient, time)),
        );
        let refused = match (one, other) {
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
            (one, other) => panic!("{}: {one:?} and {other:?}", test.url),
        };
        assert!(matches!(&refused, Error::Refused(refusal) if refusal.code == "patient_busy"), "{refused:?}");
    }
}
