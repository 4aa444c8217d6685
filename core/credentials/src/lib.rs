//! Documents by which doctors are verified: shown to the facility's administrators, who decide about them.
//!
//! | command | who | events |
//! |---|---|---|
//! | `submit` | the doctor, until approved | `credential_submitted` |
//! | `withdraw` | the doctor, until approved; the file goes | `credential_withdrawn`, and `file_deleted` of files |
//! | `request_verification` | the doctor, after a rejection | `doctor_verification_requested` of people |
//! | `verify` | administrators | `doctor_verified` of people |
//!
//! The first two are also told to the doctor, on `user:<id>`. Builds on `people`, which knows how far a doctor's review
//! is, and on `files`, which has the documents under the key of the doctor's account. What a document is called stands
//! with its file, and in no event.

mod decide;
mod model;
mod refusal;
mod service;
mod store;

pub use model::{Credential, CredentialKind};
pub use refusal::CredentialRefusal;
pub use service::Credentials;
