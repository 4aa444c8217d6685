//! The prescription: what it states.

mod inputs;
mod pdf;

use jiff::Zoned;
use jiff::civil::Date;

pub use pdf::{PRESCRIPTION_TEMPLATE, check_prescription_template, prescription_pdf, prescription_pdf_with};
#[cfg(test)]
pub(crate) use pdf::{prescription_pages, typeset};

/// Everything a prescription states. Free text may hold any characters in any script; those that
/// cannot be shown are spelled as code points, see [`crate::unsupported_characters`]. Empty text
/// counts as not given.
#[derive(Debug, Clone, PartialEq)]
pub struct PrescriptionDocument {
    /// Where it is issued.
    pub facility: Facility,
    /// Who prescribes.
    pub doctor: Doctor,
    /// For whom.
    pub patient: Patient,
    /// When it was signed, in the facility's time zone. Date, time, and zone are printed.
    pub issued_at: Zoned,
    /// What is treated. May have several lines.
    pub diagnosis: String,
    /// The medicines, in the doctor's order.
    pub medicines: Vec<Medicine>,
    /// Advice to the patient. May have several lines.
    pub advice: Option<String>,
    /// Day of the follow-up, local to the facility.
    pub follow_up_on: Option<Date>,
    /// Last day on which it may be dispensed, local to the facility.
    pub valid_until: Option<Date>,
    /// How anyone can check that it is genuine.
    pub verification: Verification,
    /// BCP 47 tag of the language of the fixed words. The built-in template speaks `en`, `bn` and
    /// `ar` (set right to left), and falls back to English.
    pub language: String,
}

/// The clinic or hospital site that issues a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facility {
    /// Name as on its sign.
    pub name: String,
    /// Postal address, telephone, …; may have several lines.
    pub address: String,
}

/// The prescriber.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Doctor {
    /// Display name with title.
    pub name: String,
    /// Number of the licence to practise.
    pub licence_number: String,
    /// Specialty.
    pub specialty: String,
}

/// The patient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patient {
    /// Full name.
    pub name: String,
    /// Date of birth; the age on the day of issue is printed beside it.
    pub birth_date: Option<Date>,
    /// Known allergies. `None` or empty is printed as "none recorded", never as "none".
    pub allergies: Option<String>,
}

/// One line of the prescription.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Medicine {
    /// Name and strength.
    pub name: String,
    /// Amount taken at a time.
    pub dose: String,
    /// Way it is taken.
    pub route: String,
    /// How often.
    pub frequency: String,
    /// For how many days.
    pub duration_days: u32,
    /// Amount to dispense.
    pub quantity: Option<String>,
    /// What else the patient must know. May have several lines.
    pub instructions: Option<String>,
}

/// How anyone who holds the paper can check it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// Code to type in. Also identifies the PDF, so it must be unique.
    pub code: String,
    /// Address that the QR code leads to.
    pub url: String,
    /// Fingerprint of the signature, as text.
    pub signature: String,
}
