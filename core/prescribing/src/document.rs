//! What a doctor signs: the whole prescription with the facts of that moment. A name that changes later does
//! not change what was prescribed to whom.

use std::fmt;

use consilium_kernel::{ConsultationId, DoctorId, FacilityId, PatientId, PrescriptionId, TimeZone, Timestamp};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{code::VerificationCode, model::Medicine};

/// The shape of the documents that are signed now.
pub(crate) const FORMAT: &str = "consilium-prescription/1";

/// A prescription as it is signed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedDocument {
    /// The shape, so that the signature says what it is over.
    pub format: String,
    /// The prescription's id.
    pub id: PrescriptionId,
    /// In which consultation.
    pub consultation_id: ConsultationId,
    /// Where.
    pub facility: Place,
    /// By whom.
    pub doctor: Prescriber,
    /// For whom.
    pub patient: PatientFacts,
    /// When.
    pub issued_at: Timestamp,
    /// What is treated.
    pub diagnosis: String,
    /// 1 to 30, in the doctor's order.
    pub medicines: Vec<Medicine>,
    /// To the patient.
    pub advice: Option<String>,
    /// Day of the follow-up, in the doctor's zone.
    pub follow_up_on: Option<Date>,
    /// Last day on which it may be dispensed, in the facility's zone.
    pub valid_until: Date,
    /// Stands on paper only.
    pub verification_code: VerificationCode,
    /// BCP 47 tag in which its fixed words are printed.
    pub language: String,
}

/// Where a prescription is issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The facility.
    pub id: FacilityId,
    /// As on its sign.
    pub name: String,
    /// In which date and time of issue are printed.
    pub time_zone: TimeZone,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prescriber {
    /// The doctor.
    pub id: DoctorId,
    /// With title.
    pub display_name: String,
    /// Licence to practise.
    pub licence_number: Option<String>,
    /// The field.
    pub specialty: Option<String>,
}

/// The patient as known on the day of issue.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientFacts {
    /// The patient.
    pub id: PatientId,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// Day of birth.
    pub birth_date: Option<Date>,
    /// What the patient must not be given, as recorded then.
    pub allergies: Vec<String>,
}

impl SignedDocument {
    /// How much there is to typeset, in characters; a row of the table counts forty more.
    pub(crate) fn size(&self) -> usize {
        let fixed = [&self.diagnosis, &self.facility.name, &self.doctor.display_name, &self.patient.given_name];
        let medicines = self.medicines.iter().flat_map(|medicine| {
            let texts = [&medicine.name, &medicine.dose, &medicine.route, &medicine.frequency];
            texts.into_iter().chain(&medicine.instructions)
        });
        let texts = fixed.into_iter().chain([&self.patient.family_name]).chain(medicines).chain(&self.advice);
        let texts = texts.chain(&self.doctor.licence_number).chain(&self.doctor.specialty);
        texts.chain(&self.patient.allergies).map(|text| text.chars().count() + 2).sum::<usize>()
            + 40 * self.medicines.len()
    }
}

impl fmt::Debug for SignedDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedDocument({})", self.id)
    }
}
impl fmt::Debug for PatientFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PatientFacts({})", self.id)
    }
}
