//! Prescriptions: written in a consultation, signed, printed, checked by anybody who holds the paper, and sent
//! to a pharmacy.
//!
//! What a doctor signs is kept word for word, sealed under the patient's key, and never changes. Only its way
//! changes: to a pharmacy and back, see [`DispatchStatus`]. Pharmacies are reached through [`Pharmacy`], which
//! the API implements over plugins.
//!
//! Events: `follow_up_advised` when a prescription names a day to come again; `prescription_issued`, `prescription_sent`, `prescription_status_changed`, `prescription_withdrawn`,
//! all with [`PrescriptionEvent`] as data; the same on the topic of the consultation. Timers of the entity kind
//! `pharmacy_dispatch`, handled by [`PharmacyDispatcher`].

mod access;
mod code;
mod decide;
mod dispatcher;
mod document;
mod facts;
mod model;
mod pharmacy;
mod print;
mod refusal;
mod service;
mod store;
mod template;

pub use code::VerificationCode;
pub use consilium_db::signing::{canonical, verify};
pub use dispatcher::PharmacyDispatcher;
pub use document::{PatientFacts, Place, Prescriber, SignedDocument};
pub use facts::PrescriptionEvent;
pub use model::{
    Dispatch, DispatchStatus, Medicine, MedicineDraft, Page, Prescription, PrescriptionDraft, Signature, Status,
    Verified, Worklist,
};
pub use pharmacy::{Pharmacy, PharmacyFailure};
pub use refusal::PrescribingRefusal;
pub use service::{Prescribing, PrescribingSettings, diagnoses, pharmacy_facility, running_prescriptions};
pub use template::{Template, TemplateContent, TemplateDraft, TemplateId, TemplatePatch};
