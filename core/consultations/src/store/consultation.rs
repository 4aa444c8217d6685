//! Consultations as rows; one that nobody has opened yet is read from its appointment.

use consilium_db::{
    Error, Result, Session, Tx,
    types::{at, key, maybe_at},
};
use consilium_kernel::{ConsultationId, Timestamp};
use diesel::{prelude::*, result::DatabaseErrorKind, result::Error as DieselError};

use super::{invitations, participants, save_participants, tables::consultation, videos};
use crate::{
    appointments::not_yet_opened,
    model::{Consultation, Status},
};

type StateRow = (
    String,
    (bool, Option<i32>),
    (Option<Timestamp>, Option<Timestamp>, Option<Timestamp>),
    (Option<Timestamp>, Option<Timestamp>),
    i64,
);

/// The consultation, with the appointment's present times; `None` when no appointment led to it.
pub(crate) fn find(session: &mut Session<'_>, id: ConsultationId) -> Result<Option<Consultation>> {
    let Some(appointment) = consilium_scheduling::appointment_of_consultation(session, id)? else { return Ok(None) };
    let mut found = not_yet_opened(id, appointment);
    let row: Option<StateRow> = consultation::table
        .find(key(id))
        .select((
            consultation::status,
            (consultation::is_emergency, consultation::triage),
            (consultation::waiting_since, consultation::place_at, consultation::away_since),
            (consultation::started_at, consultation::ended_at),
            consultation::version,
        ))
        .first(session.connection())
        .optional()?;
    if let Some((status, urgency, waiting, times, version)) = row {
        found.status = status_of(&status)?;
        (found.is_emergency, found.triage) = urgency;
        (found.waiting_since, found.place_at, found.away_since) = waiting;
        (found.started_at, found.ended_at) = times;
        found.version = version;
        found.participants = participants(session, id)?;
        found.invitations = invitations(session, id)?;
        found.videos = videos(session, id)?;
    }
    Ok(Some(found))
}

/// The version of the stored consultation; 0 before it is opened.
pub(crate) fn version(session: &mut Session<'_>, id: ConsultationId) -> Result<i64> {
    let version =
        consultation::table.find(key(id)).select(consultation::version).first(session.connection()).optional()?;
    Ok(version.unwrap_or(0))
}

/// Writes what changed since `before`; fails with `VersionConflict` when somebody else did meanwhile.
pub(crate) fn save(tx: &mut Tx<'_>, before: &Consultation, after: &Consultation) -> Result<()> {
    if before.version == 0 {
        insert(tx, after)?;
    } else {
        let row = consultation::table.filter(
            consultation::id
                .eq(key(after.id))
                .and(consultation::facility_id.eq(key(after.facility_id)))
                .and(consultation::version.eq(before.version)),
        );
        let changed = diesel::update(row)
            .set((
                consultation::status.eq(after.status.to_string()),
                consultation::starts_at.eq(at(after.starts_at)),
                consultation::ends_at.eq(at(after.ends_at)),
                consultation::is_emergency.eq(after.is_emergency),
                consultation::priority.eq(after.priority()),
                consultation::waiting_since.eq(maybe_at(after.waiting_since)),
                consultation::place_at.eq(maybe_at(after.place_at)),
                consultation::away_since.eq(maybe_at(after.away_since)),
                consultation::started_at.eq(maybe_at(after.started_at)),
                consultation::ended_at.eq(maybe_at(after.ended_at)),
                consultation::version.eq(after.version),
            ))
            .execute(tx.connection())?;
        if changed != 1 {
            return Err(Error::VersionConflict);
        }
    }
    save_participants(tx, after, |participant| before.participant(participant.user_id) != Some(participant))
}

fn insert(tx: &mut Tx<'_>, new: &Consultation) -> Result<()> {
    diesel::insert_into(consultation::table)
        .values((
            consultation::id.eq(key(new.id)),
            consultation::facility_id.eq(key(new.facility_id)),
            consultation::appointment_id.eq(key(new.appointment_id)),
            consultation::doctor_id.eq(key(new.doctor_id)),
            consultation::patient_id.eq(key(new.patient_id)),
            consultation::kind.eq(new.kind.to_string()),
            consultation::status.eq(new.status.to_string()),
            consultation::visit_type.eq(new.visit_type.to_string()),
            consultation::is_emergency.eq(new.is_emergency),
            consultation::triage.eq(new.triage),
            consultation::priority.eq(new.priority()),
            consultation::starts_at.eq(at(new.starts_at)),
            consultation::ends_at.eq(at(new.ends_at)),
            (
                consultation::waiting_since.eq(maybe_at(new.waiting_since)),
                consultation::place_at.eq(maybe_at(new.place_at)),
                consultation::away_since.eq(maybe_at(new.away_since)),
            ),
            consultation::started_at.eq(maybe_at(new.started_at)),
            consultation::ended_at.eq(maybe_at(new.ended_at)),
            consultation::version.eq(new.version),
        ))
        .execute(tx.connection())
        .map_err(|error| match error {
            // Another node opened it first.
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::VersionConflict,
            other => other.into(),
        })?;
    Ok(())
}

fn status_of(text: &str) -> Result<Status> {
    text.parse().map_err(|_| Error::Sealed("a consultation has an unknown status"))
}
