//! What a doctor has seen of a patient before.

use consilium_db::{Result, Session, types::key};
use consilium_kernel::{ConsultationId, DoctorId, FacilityId, PatientId, Timestamp};
use diesel::prelude::*;

use super::{notes_of, tables::consultation};
use crate::{history::PastConsultation, model::Status};

/// The consultations of this doctor with this patient that took place, but for `except`, the newest first.
pub(crate) fn past(
    session: &mut Session<'_>,
    facility: FacilityId,
    doctor: DoctorId,
    patient: PatientId,
    except: ConsultationId,
    limit: i64,
) -> Result<Vec<PastConsultation>> {
    type Row = (ConsultationId, Timestamp, Option<Timestamp>, Option<Timestamp>);
    let rows: Vec<Row> = consultation::table
        .filter(consultation::patient_id.eq(key(patient)))
        .filter(consultation::doctor_id.eq(key(doctor)))
        .filter(consultation::facility_id.eq(key(facility)))
        .filter(consultation::status.eq(Status::Completed.to_string()))
        .filter(consultation::id.ne(key(except)))
        .order((consultation::starts_at.desc(), consultation::id.desc()))
        .limit(limit)
        .select((consultation::id, consultation::starts_at, consultation::started_at, consultation::ended_at))
        .load(session.connection())?;
    let ids: Vec<ConsultationId> = rows.iter().map(|(id, ..)| *id).collect();
    let mut notes = notes_of(session, &ids)?;
    let past = |(id, starts_at, started_at, ended_at)| PastConsultation {
        id,
        starts_at,
        started_at,
        ended_at,
        notes: notes.remove(&id),
    };
    Ok(rows.into_iter().map(past).collect())
}
