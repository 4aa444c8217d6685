//! What clients send, before it is checked. A field that is absent stays as it is; one that is null is cleared.

use consilium_kernel::{DoctorId, Role};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::model::Decision;

/// A new patient or doctor.
#[derive(Clone, Deserialize)]
pub struct Registration {
    /// To log in with.
    pub email: String,
    /// 12 to 128 characters.
    pub password: SecretString,
    /// Patient or doctor.
    pub role: Role,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// IANA name; UTC when absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// BCP 47; English when absent.
    #[serde(default)]
    pub language: Option<String>,
}

/// What changes of one's own account and profile.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct MePatch {
    /// First name.
    pub given_name: Option<String>,
    /// Surname.
    pub family_name: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// For patients only.
    pub profile: Option<PatientPatch>,
}

/// What changes of a patient's profile.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct PatientPatch {
    /// `YYYY-MM-DD`.
    #[serde(deserialize_with = "present")]
    pub birth_date: Option<Option<String>>,
    /// FHIR administrative gender.
    #[serde(deserialize_with = "present")]
    pub gender: Option<Option<String>>,
    /// E.164.
    #[serde(deserialize_with = "present")]
    pub phone: Option<Option<String>>,
    /// At most 500 characters.
    #[serde(deserialize_with = "present")]
    pub address: Option<Option<String>>,
    /// `A+` … `O-`.
    #[serde(deserialize_with = "present")]
    pub blood_type: Option<Option<String>>,
    /// At most 100 of at most 200 characters.
    pub allergies: Option<Vec<String>>,
    /// At most 100 of at most 200 characters.
    pub conditions: Option<Vec<String>>,
    /// Whom to call.
    #[serde(deserialize_with = "present")]
    pub emergency_contact: Option<Option<EmergencyContactInput>>,
}

/// Whom to call.
#[derive(Clone, Deserialize)]
pub struct EmergencyContactInput {
    /// Their name.
    pub name: String,
    /// What they are to the patient.
    pub relationship: String,
    /// E.164.
    pub phone: String,
}

/// What changes of a doctor's profile.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct DoctorPatch {
    /// As patients see it.
    pub display_name: Option<String>,
    /// The field.
    #[serde(deserialize_with = "present")]
    pub specialty: Option<Option<String>>,
    /// Degrees and boards.
    pub qualifications: Option<Vec<String>>,
    /// As in the public register.
    #[serde(deserialize_with = "present")]
    pub licence_number: Option<Option<String>>,
    /// 0 to 80.
    #[serde(deserialize_with = "present")]
    pub years_of_experience: Option<Option<i64>>,
    /// BCP 47, at most 20.
    pub languages: Option<Vec<String>>,
    /// For one consultation.
    #[serde(deserialize_with = "present")]
    pub consultation_fee: Option<Option<MoneyInput>>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// An https address.
    #[serde(deserialize_with = "present")]
    pub photo_url: Option<Option<String>>,
    /// A plugin of kind `video`. Whether there is one of this name, the caller has checked.
    #[serde(deserialize_with = "present")]
    pub video_provider: Option<Option<String>>,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MoneyInput {
    /// In the currency's minor unit.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
}

/// An administrator's decision about a doctor.
#[derive(Debug, Clone, Deserialize)]
pub struct VerifyDoctor {
    /// Approved or rejected.
    pub decision: Decision,
    /// Needed for a rejection, at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Which doctors are wanted.
#[derive(Debug, Clone, Default)]
pub struct DoctorFilter {
    /// The field, as it stands on the profile but for upper and lower case.
    pub specialty: Option<String>,
    /// A language tag; `en` finds `en-GB` too.
    pub language: Option<String>,
    /// Words that must all be part of the name or the field.
    pub q: Option<String>,
    /// Only these: how a caller who knows of calendars narrows the list.
    pub ids: Option<Vec<DoctorId>>,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// 1 to 100; 20 when absent.
    pub limit: Option<i64>,
    /// `next_cursor` of the part before.
    pub cursor: Option<String>,
}

/// Tells a field that is null from one that is absent.
fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
