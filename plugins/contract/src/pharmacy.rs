//! `pharmacy/1`: hands prescriptions to a pharmacy and follows what becomes of them.

use crate::{Call, Permissions, calls};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// The contract's name in manifests.
pub const CONTRACT: &str = "pharmacy/1";

/// Sends a prescription. The plugin translates it into what its pharmacy speaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submit {
    /// The same key is dispensed once, however often it is sent.
    pub idempotency_key: String,
    /// Which pharmacy, for gateways that serve several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pharmacy_id: Option<String>,
    /// What to dispense.
    pub prescription: Prescription,
}

/// A signed prescription as the platform has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prescription {
    /// The platform's id.
    pub id: String,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Last day on which it may be dispensed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Date>,
    /// For whom.
    pub patient: Patient,
    /// By whom.
    pub prescriber: Prescriber,
    /// What for: field `diagnosis`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<String>,
    /// At least one.
    pub medicines: Vec<Medicine>,
    /// General advice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Lets the pharmacy check that it is genuine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_code: Option<String>,
}

/// The fields of a patient that the manifest's `patient_fields` allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    /// The platform's id.
    pub id: String,
    /// Field `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<HumanName>,
    /// Field `birth_date`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<Date>,
    /// Field `gender`, FHIR administrative gender: male, female, other, unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// Field `phone`, E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// A person's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HumanName {
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
}

/// The doctor who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prescriber {
    /// The platform's id.
    pub id: String,
    /// As printed on the prescription.
    pub display_name: String,
    /// Licence to practise.
    pub licence_number: String,
}

/// One line of a prescription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medicine {
    /// Generic or brand name.
    pub name: String,
    /// `500 mg`.
    pub dose: String,
    /// `oral`.
    pub route: String,
    /// `three times a day`.
    pub frequency: String,
    /// How long to take it.
    pub duration_days: u32,
    /// Units to dispense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// `after meals`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

/// Asks where a prescription stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// From [`Dispatch`].
    pub reference: String,
}

/// Withdraws a prescription that is not yet dispensed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// Repeating the same key cancels once.
    pub idempotency_key: String,
    /// From [`Dispatch`].
    pub reference: String,
    /// Shown to the pharmacy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Where a prescription stands at the pharmacy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    /// The pharmacy's name for it, to ask again with.
    pub reference: String,
    /// How far it is.
    pub status: DispatchStatus,
    /// When the pharmacy last changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// How far a prescription is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchStatus {
    /// Received.
    Submitted,
    /// The pharmacy will dispense it.
    Accepted,
    /// Being put together.
    Preparing,
    /// To be picked up.
    Ready,
    /// Handed over.
    Dispensed,
    /// The pharmacy will not dispense it.
    Rejected,
    /// Withdrawn.
    Cancelled,
}

impl Call for Submit {
    const METHOD: &'static str = "pharmacy.submit";
    type Reply = Dispatch;

    fn restrict(&mut self, permissions: &Permissions) {
        fn keep<T>(permissions: &Permissions, name: &str, field: &mut Option<T>) {
            if !permissions.patient_fields.iter().any(|allowed| allowed == name) {
                *field = None;
            }
        }
        let patient = &mut self.prescription.patient;
        keep(permissions, "name", &mut patient.name);
        keep(permissions, "birth_date", &mut patient.birth_date);
        keep(permissions, "gender", &mut patient.gender);
        keep(permissions, "phone", &mut patient.phone);
        keep(permissions, "diagnosis", &mut self.prescription.diagnosis);
    }
}

calls!(
    Status => "pharmacy.status" -> Dispatch,
    Cancel => "pharmacy.cancel" -> Dispatch,
);
