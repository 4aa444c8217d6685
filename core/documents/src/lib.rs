//! Typesets the documents that leave the platform as PDF.
//!
//! A leaf: data in, bytes out. Knows nothing of files, clocks, actors, HTTP or databases; fonts and
//! templates are compiled in, and the same input always gives the same bytes, so a document can be
//! hashed, cached and compared.
//!
//! Typesetting takes tens of milliseconds of pure computing: run it off the arbiter
//! (`actix_web::web::block` or a blocking thread). All functions may be called from any thread.

mod error;
mod fonts;
mod inputs;
mod prescription;
mod printable;
mod typesetter;

pub use error::DocumentError;
pub use prescription::{
    Doctor, Facility, Medicine, PRESCRIPTION_TEMPLATE, Patient, PrescriptionDocument, Verification,
    check_prescription_template, prescription_pdf, prescription_pdf_with,
};
pub use printable::unsupported_characters;

#[cfg(test)]
extern crate self as consilium_documents;
#[cfg(test)]
#[path = "../tests/prescription/samples.rs"]
mod samples;
#[cfg(test)]
mod tests;
