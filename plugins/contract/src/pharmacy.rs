//! `pharmacy/1`: hands prescriptions to a pharmacy and follows what becomes of them.

use crate::{
    Call, Permissions, Reconciled, calls,
    fhir::{Address, HoursOfOperation, Position},
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// The contract's name in manifests.
pub const CONTRACT: &str = "pharmacy/1";

/// Sends a prescription. The plugin translates it into what its pharmacy speaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HumanName {
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
}

/// The doctor who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Status {
    /// From [`Dispatch`].
    pub reference: String,
}

/// Withdraws a prescription that is not yet dispensed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// Asks what became of a call with this key. An optional call; without it the outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reconcile {
    /// Of [`Submit`] or [`Cancel`].
    pub idempotency_key: String,
}

/// Looks for pharmacies that a prescription can be sent to. An optional call for gateways that
/// serve several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Search {
    /// Part of a name or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Nearest to here first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<Position>,
    /// Only those that are open at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_at: Option<Timestamp>,
    /// At most this many, 1 to 100.
    pub limit: u32,
}

/// What was found, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PharmaciesFound {
    /// Empty when there is none.
    pub pharmacies: Vec<Pharmacy>,
}

/// A pharmacy, with the elements of FHIR `Location`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pharmacy {
    /// For `pharmacy_id` in [`Submit`].
    pub id: String,
    /// As on its sign.
    pub name: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Where it is on a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// From the place that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_metres: Option<u32>,
    /// When it is open; empty when nobody knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours_of_operation: Vec<HoursOfOperation>,
    /// IANA name of the zone of those hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

impl Call for Submit {
    const METHOD: &'static str = "pharmacy.submit";
    type Reply = Dispatch;

    fn restrict(&mut self, permissions: &Permissions) {
        let patient = &mut self.prescription.patient;
        permissions.keep("name", &mut patient.name);
        permissions.keep("birth_date", &mut patient.birth_date);
        permissions.keep("gender", &mut patient.gender);
        permissions.keep("phone", &mut patient.phone);
        permissions.keep("diagnosis", &mut self.prescription.diagnosis);
    }
}

calls!(
    Search => "pharmacy.search" -> PharmaciesFound,
    Reconcile => "pharmacy.reconcile" -> Reconciled<Dispatch>,
    Status => "pharmacy.status" -> Dispatch,
    Cancel => "pharmacy.cancel" -> Dispatch,
);
