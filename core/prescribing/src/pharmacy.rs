//! What prescribing needs of pharmacies, and how a prescription is told to one.

use std::time::Duration;

use async_trait::async_trait;
use consilium_people::Patient;
use consilium_plugin_contract::pharmacy as contract;

use crate::{model::DispatchStatus, model::Prescription, store::DispatchRow};

/// Why a pharmacy did not take something. The codes are for operators and hold no patient data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PharmacyFailure {
    /// It will not, however often it is asked.
    Refused(String),
    /// It could not be reached, or its answer is not known: the same call is repeated with the same key.
    Passing {
        /// What went wrong.
        problem: String,
        /// How long the pharmacy wants to be left alone, if it said so.
        retry_after: Option<Duration>,
    },
}

/// Pharmacies, reached through gateways.
#[async_trait]
pub trait Pharmacy: Send + Sync + 'static {
    /// The gateway that new prescriptions go through; `None` when there is none.
    fn gateway(&self) -> Option<String>;
    /// Hands a prescription over. The same key is dispensed once, however often it is sent.
    async fn submit(&self, gateway: &str, request: contract::Submit) -> Result<contract::Dispatch, PharmacyFailure>;
    /// Asks where a prescription stands.
    async fn status(&self, gateway: &str, request: contract::Status) -> Result<contract::Dispatch, PharmacyFailure>;
    /// Takes a prescription back. The same key cancels once.
    async fn cancel(&self, gateway: &str, request: contract::Cancel) -> Result<contract::Dispatch, PharmacyFailure>;
}

/// The submission of a dispatch: always the same for the same dispatch, but for what the patient changed.
pub(crate) fn submission(
    dispatch: &DispatchRow,
    prescription: &Prescription,
    patient: Option<Patient>,
) -> contract::Submit {
    let document = &prescription.document;
    let known = &document.patient;
    let medicines = document.medicines.iter().cloned().map(|medicine| contract::Medicine {
        name: medicine.name,
        dose: medicine.dose,
        route: medicine.route,
        frequency: medicine.frequency,
        duration_days: medicine.duration_days,
        quantity: medicine.quantity,
        instructions: medicine.instructions,
    });
    contract::Submit {
        idempotency_key: dispatch.id.to_string(),
        pharmacy_id: dispatch.pharmacy_id.clone(),
        prescription: contract::Prescription {
            id: document.id.to_string(),
            issued_at: document.issued_at,
            valid_until: Some(document.valid_until),
            patient: contract::Patient {
                id: known.id.to_string(),
                name: Some(contract::HumanName { given: known.given_name.clone(), family: known.family_name.clone() }),
                birth_date: known.birth_date,
                gender: patient.as_ref().and_then(|patient| patient.gender).map(|gender| gender.to_string()),
                phone: patient.and_then(|patient| patient.phone),
            },
            prescriber: contract::Prescriber {
                id: document.doctor.id.to_string(),
                display_name: document.doctor.display_name.clone(),
                licence_number: document.doctor.licence_number.clone().unwrap_or_default(),
            },
            diagnosis: Some(document.diagnosis.clone()),
            medicines: medicines.collect(),
            advice: document.advice.clone(),
            verification_code: Some(document.verification_code.to_string()),
        },
    }
}

/// The cancellation of a dispatch that arrived at the pharmacy.
pub(crate) fn cancellation(dispatch: &DispatchRow, reference: &str) -> contract::Cancel {
    contract::Cancel {
        idempotency_key: format!("{}-cancel", dispatch.id),
        reference: reference.to_owned(),
        reason: None,
    }
}

/// A pharmacy's word for a status in ours.
pub(crate) fn status(reported: contract::DispatchStatus) -> DispatchStatus {
    match reported {
        contract::DispatchStatus::Submitted => DispatchStatus::Sent,
        contract::DispatchStatus::Accepted => DispatchStatus::Accepted,
        contract::DispatchStatus::Preparing => DispatchStatus::Preparing,
        contract::DispatchStatus::Ready => DispatchStatus::Ready,
        contract::DispatchStatus::Dispensed => DispatchStatus::Dispensed,
        contract::DispatchStatus::Rejected => DispatchStatus::Rejected,
        contract::DispatchStatus::Cancelled => DispatchStatus::Cancelled,
    }
}
