//! Doctors and patients as other modules see them. Patients never print more than their id.

use std::fmt;

use consilium_identity::Account;
use consilium_kernel::{DoctorId, FacilityId, Language, Money, PatientId, TimeZone, Timestamp, UserId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

/// How far the review of a doctor's credentials has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verification {
    /// Nobody has decided yet.
    Pending,
    /// Listed and bookable.
    Approved,
    /// Neither listed nor bookable.
    Rejected,
}

/// What an administrator decides about a doctor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The credentials hold.
    Approved,
    /// They do not.
    Rejected,
}

impl From<Decision> for Verification {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Approved => Self::Approved,
            Decision::Rejected => Self::Rejected,
        }
    }
}

/// What patients think of a doctor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// One to five; nothing before the first rating.
    pub average: Option<f64>,
    /// How many ratings it is made of.
    pub count: i64,
}

/// A doctor's profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Doctor {
    /// The doctor; not the account.
    pub id: DoctorId,
    /// The doctor's account.
    pub user_id: UserId,
    /// Where the doctor works.
    pub facility_id: FacilityId,
    /// As patients see it: `Dr. Ayesha Rahman`.
    pub display_name: String,
    /// The field, such as `cardiology`; empty until the profile is filled in.
    pub specialty: Option<String>,
    /// Degrees and boards, as the doctor writes them.
    pub qualifications: Vec<String>,
    /// As in the public register of the licensing body.
    pub licence_number: Option<String>,
    /// In years.
    pub years_of_experience: Option<u16>,
    /// In which the doctor consults.
    pub languages: Vec<Language>,
    /// For one consultation.
    pub consultation_fee: Option<Money>,
    /// In which the doctor's working hours are meant.
    pub time_zone: TimeZone,
    /// An https address.
    pub photo_url: Option<String>,
    /// The plugin that is to give the video rooms, if it can; for the doctor and administrators only.
    pub video_provider: Option<String>,
    /// What patients think.
    pub rating: Rating,
    /// Whether `verification` is approved, and the doctor not suspended.
    pub verified: bool,
    /// Whether the account is deactivated: neither listed nor bookable.
    #[serde(default)]
    pub suspended: bool,
    /// How far the review is.
    pub verification: Verification,
    /// What the administrator said; for the doctor and administrators only.
    pub verification_reason: Option<String>,
    /// When the doctor registered.
    pub created_at: Timestamp,
    /// Grows with every change.
    pub version: i64,
}

impl Doctor {
    /// What everybody may see.
    pub fn public(self) -> Self {
        Self { verification_reason: None, video_provider: None, ..self }
    }
}

/// Administrative gender: <https://hl7.org/fhir/R4/valueset-administrative-gender.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
    /// Other.
    Other,
    /// Not known.
    Unknown,
}

/// AB0 group with the Rhesus factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BloodType {
    #[serde(rename = "A+")]
    #[strum(serialize = "A+")]
    APositive,
    #[serde(rename = "A-")]
    #[strum(serialize = "A-")]
    ANegative,
    #[serde(rename = "B+")]
    #[strum(serialize = "B+")]
    BPositive,
    #[serde(rename = "B-")]
    #[strum(serialize = "B-")]
    BNegative,
    #[serde(rename = "AB+")]
    #[strum(serialize = "AB+")]
    AbPositive,
    #[serde(rename = "AB-")]
    #[strum(serialize = "AB-")]
    AbNegative,
    #[serde(rename = "O+")]
    #[strum(serialize = "O+")]
    OPositive,
    #[serde(rename = "O-")]
    #[strum(serialize = "O-")]
    ONegative,
}

/// Whom to call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyContact {
    /// Their name.
    pub name: String,
    /// What they are to the patient.
    pub relationship: String,
    /// E.164.
    pub phone: String,
}

/// A patient's profile.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    /// The patient; not the account.
    pub id: PatientId,
    /// The patient's account; a child or a walk-in has none.
    pub user_id: Option<UserId>,
    /// Where the patient is known.
    pub facility_id: FacilityId,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// Day of birth.
    pub birth_date: Option<Date>,
    /// Administrative gender.
    pub gender: Option<Gender>,
    /// E.164.
    pub phone: Option<String>,
    /// Postal address, in lines.
    pub address: Option<String>,
    /// Blood type.
    pub blood_type: Option<BloodType>,
    /// What the patient must not be given.
    pub allergies: Vec<String>,
    /// Lasting conditions.
    pub conditions: Vec<String>,
    /// Whom to call.
    pub emergency_contact: Option<EmergencyContact>,
    /// When the patient became known.
    pub created_at: Timestamp,
    /// Grows with every change.
    pub version: i64,
}

/// A patient as somebody else may see it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientRecord {
    /// The profile; blood type, allergies and conditions are empty unless `medical`.
    pub patient: Patient,
    /// Whether the reader may see the medical fields.
    pub medical: bool,
}

/// One's own account and profile.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Me {
    /// The account.
    pub account: Account,
    /// For doctors.
    pub doctor: Option<Doctor>,
    /// For patients.
    pub patient: Option<Patient>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// To be sent for the next part; nothing at the end.
    pub next_cursor: Option<String>,
}

/// What a patient's row holds sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub given_name: String,
    pub family_name: String,
    pub birth_date: Option<Date>,
    pub gender: Option<Gender>,
    pub phone: Option<String>,
    pub address: Option<String>,
    pub blood_type: Option<BloodType>,
    pub allergies: Vec<String>,
    pub conditions: Vec<String>,
    pub emergency_contact: Option<EmergencyContact>,
}

impl Profile {
    /// A profile of which only the name is known.
    pub fn named(given_name: String, family_name: String) -> Self {
        Self {
            given_name,
            family_name,
            birth_date: None,
            gender: None,
            phone: None,
            address: None,
            blood_type: None,
            allergies: Vec::new(),
            conditions: Vec::new(),
            emergency_contact: None,
        }
    }

    /// The profile of a patient.
    pub fn of(patient: &Patient) -> Self {
        let patient = patient.clone();
        Self {
            given_name: patient.given_name,
            family_name: patient.family_name,
            birth_date: patient.birth_date,
            gender: patient.gender,
            phone: patient.phone,
            address: patient.address,
            blood_type: patient.blood_type,
            allergies: patient.allergies,
            conditions: patient.conditions,
            emergency_contact: patient.emergency_contact,
        }
    }
}

impl fmt::Debug for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patient").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for PatientRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatientRecord").field("patient", &self.patient).field("medical", &self.medical).finish()
    }
}

impl fmt::Debug for Me {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Me").field("account", &self.account).finish_non_exhaustive()
    }
}
