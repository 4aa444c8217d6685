//! The `follow_up` table.

use consilium_db::{
    Error, Result, Session, Tx,
    types::{at, key, maybe_at, maybe_key},
};
use consilium_kernel::{AppointmentId, ConsultationId, DoctorId, FacilityId, PatientId, Scope, Timestamp};
use diesel::prelude::*;

use super::{
    one_row,
    schema::{appointment, follow_up},
    unknown_word,
};
use crate::{
    follow_ups::{FollowUp, FollowUpId, FollowUpStatus, Hold},
    model::Status,
    slots::Interval,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = follow_up)]
struct FollowUpRow {
    id: FollowUpId,
    facility_id: FacilityId,
    doctor_id: DoctorId,
    patient_id: PatientId,
    after_consultation_id: ConsultationId,
    visit_type: String,
    wanted_on: String,
    status: String,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    appointment_id: Option<AppointmentId>,
    version: i64,
    created_at: Timestamp,
}

impl TryFrom<FollowUpRow> for FollowUp {
    type Error = Error;

    fn try_from(row: FollowUpRow) -> Result<Self> {
        Ok(Self {
            visit_type: row.visit_type.parse().map_err(unknown_word)?,
            wanted_on: row.wanted_on.parse().map_err(|_| Error::Sealed("a follow-up has no date"))?,
            status: row.status.parse().map_err(unknown_word)?,
            id: row.id,
            facility_id: row.facility_id,
            doctor_id: row.doctor_id,
            patient_id: row.patient_id,
            after_consultation_id: row.after_consultation_id,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            expires_at: row.expires_at,
            appointment_id: row.appointment_id,
            version: row.version,
            created_at: row.created_at,
        })
    }
}

/// One follow-up of the facility.
pub(crate) fn find(session: &mut Session<'_>, scope: Scope, id: FollowUpId) -> Result<Option<FollowUp>> {
    let row: Option<FollowUpRow> = follow_up::table
        .find(key(id))
        .filter(follow_up::facility_id.eq(key(scope.facility_id)))
        .select(FollowUpRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(FollowUp::try_from).transpose()
}

/// The follow-up that a prescription asked for.
pub(crate) fn of_prescription(session: &mut Session<'_>, prescription: uuid::Uuid) -> Result<Option<FollowUp>> {
    let row: Option<FollowUpRow> = follow_up::table
        .filter(follow_up::prescription_id.eq(key(prescription)))
        .select(FollowUpRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(FollowUp::try_from).transpose()
}

/// A patient's follow-ups: those that wait for an answer first, then the newest.
pub(crate) fn of_patient(
    session: &mut Session<'_>,
    scope: Scope,
    patient: PatientId,
    limit: i64,
) -> Result<Vec<FollowUp>> {
    let rows: Vec<FollowUpRow> = follow_up::table
        .filter(follow_up::patient_id.eq(key(patient)))
        .filter(follow_up::facility_id.eq(key(scope.facility_id)))
        .order(follow_up::id.desc())
        .limit(limit)
        .select(FollowUpRow::as_select())
        .load(session.connection())?;
    let mut all = rows.into_iter().map(FollowUp::try_from).collect::<Result<Vec<_>>>()?;
    all.sort_by_key(|one| one.status != FollowUpStatus::Held);
    Ok(all)
}

/// The slots of a doctor that are kept for patients.
pub(crate) fn holds(session: &mut Session<'_>, doctor_id: DoctorId) -> Result<Vec<(FollowUpId, Hold)>> {
    let rows: Vec<FollowUpRow> = follow_up::table
        // Written out, so that the partial index serves.
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("status = 'held'"))
        .filter(follow_up::doctor_id.eq(key(doctor_id)))
        .select(FollowUpRow::as_select())
        .load(session.connection())?;
    let hold = |row: FollowUpRow| {
        let hold = Hold {
            facility_id: row.facility_id,
            patient_id: row.patient_id,
            starts_at: row.starts_at?,
            ends_at: row.ends_at?,
            expires_at: row.expires_at?,
        };
        Some((row.id, hold))
    };
    Ok(rows.into_iter().filter_map(hold).collect())
}

/// When a patient has, or may have, an appointment.
pub(crate) fn patient_busy(session: &mut Session<'_>, patient: PatientId) -> Result<Vec<Interval>> {
    let live = [Status::Pending, Status::Accepted].map(|status| status.to_string());
    let booked: Vec<(Timestamp, Timestamp)> = appointment::table
        .filter(appointment::patient_id.eq(key(patient)))
        .filter(appointment::status.eq_any(live.to_vec()))
        .select((appointment::starts_at, appointment::ends_at))
        .load(session.connection())?;
    let kept: Vec<(Option<Timestamp>, Option<Timestamp>)> = follow_up::table
        .filter(follow_up::patient_id.eq(key(patient)))
        .filter(follow_up::status.eq(FollowUpStatus::Held.to_string()))
        .select((follow_up::starts_at, follow_up::ends_at))
        .load(session.connection())?;
    let kept = kept.into_iter().filter_map(|(starts_at, ends_at)| Some((starts_at?, ends_at?)));
    Ok(booked.into_iter().chain(kept).map(|(starts_at, ends_at)| Interval { starts_at, ends_at }).collect())
}

/// Writes a new one.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &FollowUp, prescription: uuid::Uuid) -> Result<()> {
    diesel::insert_into(follow_up::table)
        .values((
            follow_up::id.eq(key(new.id)),
            follow_up::facility_id.eq(key(new.facility_id)),
            follow_up::doctor_id.eq(key(new.doctor_id)),
            follow_up::patient_id.eq(key(new.patient_id)),
            follow_up::prescription_id.eq(key(prescription)),
            follow_up::after_consultation_id.eq(key(new.after_consultation_id)),
            follow_up::visit_type.eq(new.visit_type.to_string()),
            follow_up::wanted_on.eq(new.wanted_on.to_string()),
            follow_up::status.eq(new.status.to_string()),
            follow_up::version.eq(new.version),
            follow_up::created_at.eq(at(new.created_at)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Writes where it stands; fails with `VersionConflict` when somebody else did.
pub(crate) fn save(tx: &mut Tx<'_>, before: &FollowUp, after: &FollowUp) -> Result<()> {
    let changed = diesel::update(follow_up::table.find(key(before.id)).filter(follow_up::version.eq(before.version)))
        .set((
            follow_up::status.eq(after.status.to_string()),
            follow_up::starts_at.eq(maybe_at(after.starts_at)),
            follow_up::ends_at.eq(maybe_at(after.ends_at)),
            follow_up::expires_at.eq(maybe_at(after.expires_at)),
            follow_up::appointment_id.eq(maybe_key(after.appointment_id)),
            follow_up::version.eq(after.version),
        ))
        .execute(tx.connection())?;
    one_row(changed)
}
