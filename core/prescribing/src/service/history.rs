//! What a clinician who treats the patient needs to know of earlier prescriptions. Whoever calls answers for who reads
//! them, and for the audit entry.

use std::collections::BTreeMap;

use consilium_db::{Result, Session};
use consilium_kernel::{ConsultationId, PatientId, Scope};
use jiff::ToSpan;

use crate::{decide, model::Prescription, store};

/// The longest time that a medicine is prescribed for, and the longest that a prescription may wait to be dispensed.
const LOOK_BACK_DAYS: i64 = 365 + 31;

/// The patient's prescriptions that may still be taken, the newest first; of the newest `limit` of the facility that
/// were not withdrawn.
pub fn running_prescriptions(
    session: &mut Session<'_>,
    scope: Scope,
    patient: PatientId,
    limit: i64,
) -> Result<Vec<Prescription>> {
    let now = session.now();
    let since = now.saturating_sub((LOOK_BACK_DAYS * 24).hours()).unwrap_or(now);
    let recent = store::of_patient(session, scope, patient, since, limit)?;
    Ok(recent.into_iter().filter(|prescription| decide::is_running(prescription, now)).collect())
}

/// What was diagnosed in these consultations, in the order in which it was prescribed for; at most `limit` in all.
pub fn diagnoses(
    session: &mut Session<'_>,
    scope: Scope,
    consultations: &[ConsultationId],
    limit: i64,
) -> Result<BTreeMap<ConsultationId, Vec<String>>> {
    let mut found: BTreeMap<ConsultationId, Vec<String>> = BTreeMap::new();
    for prescription in store::of_consultations(session, scope, consultations, limit)? {
        let known = found.entry(prescription.document.consultation_id).or_default();
        if !known.contains(&prescription.document.diagnosis) {
            known.push(prescription.document.diagnosis);
        }
    }
    Ok(found)
}
