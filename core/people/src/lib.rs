//! Doctors and patients: the public directory, profiles, verification of doctors, and who may read a patient.
//!
//! A doctor's profile is public once verified and stands in plain columns. A patient's profile is sealed under
//! the patient's own key. Knows nothing of appointments: whether somebody treats a patient is told by the caller.

mod checks;
mod cursor;
mod decide;
mod input;
mod model;
mod refusal;
mod service;
mod store;

pub use decide::Access;
pub use input::{
    DoctorFilter, DoctorPatch, EmergencyContactInput, MePatch, MoneyInput, PageRequest, PatientPatch, Registration,
    VerifyDoctor,
};
pub use model::{
    BloodType, Decision, Doctor, EmergencyContact, Gender, Me, Page, Patient, PatientRecord, Rating, Verification,
};
pub use refusal::PeopleRefusal;
pub use service::{People, request_verification};
pub use store::{
    doctor::{doctor, locked as locked_doctor, rated},
    patient::patient,
};
