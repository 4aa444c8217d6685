//! What a clinician in the room may know of the patient's consultations before.

use consilium_db::{Result, Session};
use consilium_kernel::{CommandMeta, ConsultationId, Refusal, Role, Timestamp};

use crate::{
    model::{Consultation, Part},
    notes::Notes,
    store,
};

/// A consultation that took place, with the notes of its doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastConsultation {
    /// Its id.
    pub id: ConsultationId,
    /// The booked start.
    pub starts_at: Timestamp,
    /// When doctor and patient began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// `None` when nobody wrote any.
    pub notes: Option<Notes>,
}

/// The consultation, for a clinician who takes part in it and for the nurses beside its doctor. Its patient and
/// its interpreter are told that this is not theirs to see; nobody else is told anything. The caller writes the audit
/// entry.
pub fn consultation_for_clinician(
    session: &mut Session<'_>,
    meta: &CommandMeta,
    id: ConsultationId,
) -> Result<Consultation> {
    let found = store::find(session, id)?.filter(|found| found.facility_id == meta.scope.facility_id);
    let consultation = found.ok_or(Refusal::not_found())?;
    let user = meta.principal.user().filter(|user| user.facility_id == consultation.facility_id);
    match consultation.part_of(&meta.principal) {
        _ if user.is_some_and(|user| user.role == Role::Nurse) => Ok(consultation),
        Some(Part::Doctor | Part::SecondDoctor | Part::Nurse) => Ok(consultation),
        Some(Part::Patient | Part::Interpreter) => Err(Refusal::forbidden().into()),
        None => Err(Refusal::not_found().into()),
    }
}

/// The consultations that the same doctor and patient had before, the newest first.
pub fn past_consultations(
    session: &mut Session<'_>,
    consultation: &Consultation,
    limit: i64,
) -> Result<Vec<PastConsultation>> {
    let Consultation { facility_id, doctor_id, patient_id, id, .. } = *consultation;
    store::past(session, facility_id, doctor_id, patient_id, id, limit)
}
