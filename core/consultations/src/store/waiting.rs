//! Who waits for a doctor, and which place they were last told.

use consilium_db::{Result, Session, Tx, types::key};
use consilium_kernel::{ConsultationId, DoctorId, PatientId, Scope, Timestamp};
use diesel::prelude::*;

use super::tables::{consultation, waiting_place as place};
use crate::model::Status;

/// Somebody in the line.
#[derive(Queryable)]
pub(crate) struct WaitingRow {
    pub(crate) id: ConsultationId,
    pub(crate) patient_id: PatientId,
    pub(crate) kind: String,
    pub(crate) is_emergency: bool,
    pub(crate) triage: Option<i32>,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) waiting_since: Option<Timestamp>,
}
/// Somebody's place as last told.
pub(crate) type PlaceRow = (ConsultationId, i32);

/// Everybody who is there and waits for this doctor, in the order of the line: by urgency, then by the time of their
/// place, then by arrival.
pub(crate) fn waiting(session: &mut Session<'_>, scope: Scope, doctor: DoctorId) -> Result<Vec<WaitingRow>> {
    Ok(consultation::table
        .filter(consultation::facility_id.eq(key(scope.facility_id)))
        .filter(consultation::doctor_id.eq(key(doctor)))
        .filter(consultation::status.eq(Status::Waiting.to_string()))
        .filter(consultation::away_since.is_null())
        .order((consultation::priority, consultation::place_at, consultation::waiting_since, consultation::id))
        .select((
            consultation::id,
            consultation::patient_id,
            consultation::kind,
            consultation::is_emergency,
            consultation::triage,
            consultation::starts_at,
            consultation::ends_at,
            consultation::waiting_since,
        ))
        .load(session.connection())?)
}

/// Begin and end of the doctor's last completed consultations, newest first.
pub(crate) fn durations(
    session: &mut Session<'_>,
    scope: Scope,
    doctor: DoctorId,
    limit: i64,
) -> Result<Vec<(Option<Timestamp>, Option<Timestamp>)>> {
    Ok(consultation::table
        .filter(consultation::facility_id.eq(key(scope.facility_id)))
        .filter(consultation::doctor_id.eq(key(doctor)))
        .filter(consultation::status.eq(Status::Completed.to_string()))
        .order(consultation::ended_at.desc())
        .limit(limit)
        .select((consultation::started_at, consultation::ended_at))
        .load(session.connection())?)
}

/// When the consultation that the doctor is in now began, if there is one.
pub(crate) fn in_progress_since(
    session: &mut Session<'_>,
    scope: Scope,
    doctor: DoctorId,
) -> Result<Option<Timestamp>> {
    let started: Option<Option<Timestamp>> = consultation::table
        .filter(consultation::facility_id.eq(key(scope.facility_id)))
        .filter(consultation::doctor_id.eq(key(doctor)))
        .filter(consultation::status.eq(Status::InProgress.to_string()))
        .order(consultation::started_at.desc())
        .select(consultation::started_at)
        .first(session.connection())
        .optional()?;
    Ok(started.flatten())
}

/// The places in this doctor's line as they were last told.
pub(crate) fn places(session: &mut Session<'_>, doctor: DoctorId) -> Result<Vec<PlaceRow>> {
    Ok(place::table
        .filter(place::doctor_id.eq(key(doctor)))
        .select((place::consultation_id, place::position))
        .load(session.connection())?)
}

/// Remembers which place somebody was told.
pub(crate) fn save_place(tx: &mut Tx<'_>, doctor: DoctorId, (id, position): PlaceRow) -> Result<()> {
    let told = diesel::update(place::table.find(key(id))).set(place::position.eq(position)).execute(tx.connection())?;
    if told == 0 {
        let facility = tx.meta().scope.facility_id;
        diesel::insert_into(place::table)
            .values((
                place::consultation_id.eq(key(id)),
                place::facility_id.eq(key(facility)),
                place::doctor_id.eq(key(doctor)),
                place::position.eq(position),
            ))
            .execute(tx.connection())?;
    }
    Ok(())
}

/// Forgets the place of somebody who is not in the line any more.
pub(crate) fn forget_place(tx: &mut Tx<'_>, id: ConsultationId) -> Result<()> {
    diesel::delete(place::table.find(key(id))).execute(tx.connection())?;
    Ok(())
}
