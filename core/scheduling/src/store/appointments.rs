//! The `appointment` table. The patient's words are sealed under the patient's key.

use consilium_db::{
    Cell, Encrypted, Result, Session, Tx,
    types::{at, key, maybe_at, maybe_key},
};
use consilium_kernel::{AppointmentId, ConsultationId, DoctorId, FacilityId, PatientId, Scope, TimeZone, Timestamp};
use diesel::prelude::*;

use super::{meaning, one_row, schema::appointment, unknown_word};
use crate::{
    model::{Appointment, AppointmentKind},
    schedule::{Booking, Entry},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = appointment)]
pub(super) struct AppointmentRow {
    pub(super) id: AppointmentId,
    facility_id: FacilityId,
    doctor_id: DoctorId,
    patient_id: PatientId,
    kind: String,
    pub(super) starts_at: Timestamp,
    ends_at: Timestamp,
    time_zone: String,
    status: String,
    revision: i64,
    version: i64,
    visit_type: String,
    is_emergency: bool,
    pub(super) reason: Encrypted<String>,
    symptoms: Encrypted<Option<String>>,
    consultation_id: Option<ConsultationId>,
    started_at: Option<Timestamp>,
    created_at: Timestamp,
}

/// Whether the patient's words are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    Opened,
    LeftSealed,
}

impl AppointmentRow {
    pub(super) fn open(self, session: &mut Session<'_>, words: Words) -> Result<Appointment> {
        let (reason, symptoms) = match words {
            Words::LeftSealed => (None, None),
            Words::Opened => (
                Some(session.open(cell("reason", self.id), &self.reason)?),
                session.open(cell("symptoms", self.id), &self.symptoms)?,
            ),
        };
        Ok(Appointment {
            id: self.id,
            doctor_id: self.doctor_id,
            patient_id: self.patient_id,
            facility_id: self.facility_id,
            kind: self.kind.parse().map_err(unknown_word)?,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            time_zone: self.time_zone.parse().unwrap_or_else(|_| TimeZone::utc()),
            status: self.status.parse().map_err(unknown_word)?,
            revision: self.revision,
            version: self.version,
            visit_type: self.visit_type.parse().map_err(unknown_word)?,
            is_emergency: self.is_emergency,
            reason,
            symptoms,
            consultation_id: self.consultation_id,
            started_at: self.started_at,
            created_at: self.created_at,
        })
    }
}

fn cell(column: &'static str, id: AppointmentId) -> Cell {
    Cell::new("appointment", column, id.uuid())
}

/// One appointment of the facility.
pub(crate) fn find(
    session: &mut Session<'_>,
    scope: Scope,
    id: AppointmentId,
    words: Words,
) -> Result<Option<Appointment>> {
    let row = appointment::table
        .find(key(id))
        .filter(appointment::facility_id.eq(key(scope.facility_id)))
        .select(AppointmentRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(|row| row.open(session, words)).transpose()
}

/// The appointment whose meeting `id` is.
pub(crate) fn of_consultation(session: &mut Session<'_>, id: ConsultationId) -> Result<Option<Appointment>> {
    let row = appointment::table
        .filter(appointment::consultation_id.eq(maybe_key(Some(id))))
        .select(AppointmentRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(|row| row.open(session, Words::Opened)).transpose()
}

/// Writes a new appointment and returns it.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    doctor_id: DoctorId,
    booking: &Booking,
    entry: &Entry,
    time_zone: &TimeZone,
) -> Result<Appointment> {
    let (id, patient, now) = (booking.appointment_id, booking.patient_id, tx.now());
    let reason = tx.seal(patient.uuid(), cell("reason", id), &booking.reason)?;
    let symptoms = tx.seal(patient.uuid(), cell("symptoms", id), &booking.symptoms)?;
    diesel::insert_into(appointment::table)
        .values((
            appointment::id.eq(key(id)),
            appointment::facility_id.eq(key(entry.facility_id)),
            appointment::doctor_id.eq(key(doctor_id)),
            appointment::patient_id.eq(key(patient)),
            appointment::kind.eq(entry.kind.to_string()),
            appointment::starts_at.eq(at(entry.starts_at)),
            appointment::ends_at.eq(at(entry.ends_at)),
            (
                appointment::local_start.eq(wall_clock(time_zone, entry.starts_at)),
                appointment::time_zone.eq(time_zone.name()),
                appointment::tzdb_version.eq(TimeZone::data_version()),
            ),
            appointment::status.eq(entry.status.to_string()),
            appointment::revision.eq(entry.revision),
            appointment::version.eq(entry.version),
            appointment::visit_type.eq(booking.visit_type.to_string()),
            appointment::is_emergency.eq(booking.is_emergency),
            appointment::reason.eq(reason),
            appointment::symptoms.eq(symptoms),
            appointment::consultation_id.eq(maybe_key(entry.consultation_id)),
            appointment::created_at.eq(at(now)),
            appointment::updated_at.eq(at(now)),
        ))
        .execute(tx.connection())
        .map_err(meaning)?;
    Ok(Appointment {
        id,
        doctor_id,
        patient_id: patient,
        facility_id: entry.facility_id,
        kind: entry.kind,
        starts_at: entry.starts_at,
        ends_at: entry.ends_at,
        time_zone: time_zone.clone(),
        status: entry.status,
        revision: entry.revision,
        version: entry.version,
        visit_type: booking.visit_type,
        is_emergency: booking.is_emergency,
        reason: Some(booking.reason.clone()),
        symptoms: booking.symptoms.clone(),
        consultation_id: entry.consultation_id,
        started_at: None,
        created_at: now,
    })
}

/// Whether the patient has walked in somewhere, and is not through.
pub(crate) fn has_walked_in(session: &mut Session<'_>, patient_id: PatientId) -> Result<bool> {
    let found: Option<AppointmentId> = appointment::table
        .filter(appointment::patient_id.eq(key(patient_id)))
        // Written out, so that the partial unique index serves.
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("kind = 'walk_in' AND status = 'accepted'"))
        .select(appointment::id)
        .first(session.connection())
        .optional()?;
    Ok(found.is_some())
}

/// How many patients have walked in to this doctor and still wait.
pub(crate) fn walk_ins_waiting(session: &mut Session<'_>, doctor_id: DoctorId) -> Result<i64> {
    Ok(appointment::table
        // Written out, so that the partial index of live appointments serves.
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("status IN ('pending', 'accepted')"))
        .filter(appointment::doctor_id.eq(key(doctor_id)))
        .filter(appointment::kind.eq(AppointmentKind::WalkIn.to_string()))
        .filter(appointment::started_at.is_null())
        .count()
        .get_result(session.connection())?)
}

/// Writes everything of `entry` but its time.
pub(crate) fn change(tx: &mut Tx<'_>, id: AppointmentId, entry: &Entry) -> Result<()> {
    let now = tx.now();
    let changed = diesel::update(
        appointment::table
            .find(key(id))
            .filter(appointment::facility_id.eq(key(entry.facility_id)))
            .filter(appointment::version.eq(entry.version - 1)),
    )
    .set((
        appointment::status.eq(entry.status.to_string()),
        appointment::version.eq(entry.version),
        appointment::consultation_id.eq(maybe_key(entry.consultation_id)),
        appointment::started_at.eq(maybe_at(entry.started_at)),
        appointment::updated_at.eq(at(now)),
    ))
    .execute(tx.connection())
    .map_err(meaning)?;
    one_row(changed)
}

/// Writes the time of `entry`, and its status, which a move may change.
pub(crate) fn move_to(tx: &mut Tx<'_>, id: AppointmentId, entry: &Entry, time_zone: &TimeZone) -> Result<()> {
    let now = tx.now();
    let changed = diesel::update(
        appointment::table
            .find(key(id))
            .filter(appointment::facility_id.eq(key(entry.facility_id)))
            .filter(appointment::version.eq(entry.version - 1)),
    )
    .set((
        appointment::starts_at.eq(at(entry.starts_at)),
        appointment::ends_at.eq(at(entry.ends_at)),
        appointment::local_start.eq(wall_clock(time_zone, entry.starts_at)),
        appointment::time_zone.eq(time_zone.name()),
        appointment::tzdb_version.eq(TimeZone::data_version()),
        appointment::status.eq(entry.status.to_string()),
        appointment::revision.eq(entry.revision),
        appointment::version.eq(entry.version),
        appointment::updated_at.eq(at(now)),
    ))
    .execute(tx.connection())
    .map_err(meaning)?;
    one_row(changed)
}

/// What the clock on the wall will show: `2026-06-01T09:00:00`.
fn wall_clock(zone: &TimeZone, instant: Timestamp) -> String {
    zone.rules().to_datetime(instant).to_string()
}
