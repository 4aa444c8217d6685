//! A doctor's schedule as it is loaded into its actor.

use consilium_db::{Result, Session, types::key};
use consilium_kernel::{AppointmentId, ConsultationId, DoctorId, FacilityId, PatientId, Timestamp};
use diesel::prelude::*;

use super::{availability, follow_ups, occupancy, schema::appointment, unknown_word};
use crate::{
    model::Status,
    schedule::{DoctorSchedule, Entry},
    slots,
};

/// How far back held time is loaded: a local date that is not over yet began less than two days ago.
const PAST_MINUTES: i64 = 2 * 24 * 60;

/// The schedule of a doctor, who belongs to one facility: the id alone says whose rows are meant.
pub(crate) fn load(session: &mut Session<'_>, doctor_id: DoctorId) -> Result<DoctorSchedule> {
    let since = slots::after(session.now(), -PAST_MINUTES);
    Ok(DoctorSchedule {
        doctor_id,
        availability: availability::find(session, doctor_id)?,
        held: occupancy::of_doctor(session, doctor_id, since)?.into_iter().collect(),
        live: live(session, doctor_id)?.into_iter().collect(),
        holds: follow_ups::holds(session, doctor_id)?.into_iter().collect(),
    })
}

type LiveRow = (
    AppointmentId,
    FacilityId,
    PatientId,
    String,
    (Timestamp, Timestamp),
    String,
    (i64, i64),
    bool,
    Option<ConsultationId>,
    Option<Timestamp>,
);

fn live(session: &mut Session<'_>, doctor_id: DoctorId) -> Result<Vec<(AppointmentId, Entry)>> {
    let rows: Vec<LiveRow> = appointment::table
        // Written out, so that the partial index of live appointments serves.
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("status IN ('pending', 'accepted')"))
        .filter(appointment::doctor_id.eq(key(doctor_id)))
        .select((
            appointment::id,
            appointment::facility_id,
            appointment::patient_id,
            appointment::kind,
            (appointment::starts_at, appointment::ends_at),
            appointment::status,
            (appointment::revision, appointment::version),
            appointment::is_emergency,
            appointment::consultation_id,
            appointment::started_at,
        ))
        .load(session.connection())?;
    rows.into_iter().map(entry).collect()
}

fn entry(row: LiveRow) -> Result<(AppointmentId, Entry)> {
    let (id, facility_id, patient_id, kind, (starts_at, ends_at), status, (revision, version), is_emergency, ..) = row;
    let (.., consultation_id, started_at) = row;
    let status: Status = status.parse().map_err(unknown_word)?;
    let kind = kind.parse().map_err(unknown_word)?;
    let entry = Entry {
        facility_id,
        patient_id,
        kind,
        starts_at,
        ends_at,
        status,
        revision,
        version,
        is_emergency,
        consultation_id,
        started_at,
    };
    Ok((id, entry))
}
