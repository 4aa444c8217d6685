//! From a prescription and a template to a PDF.

use jiff::civil::Date;
use typst_layout::PagedDocument;

use super::inputs::{datetime, timestamp};
use super::{Doctor, Facility, Medicine, Patient, PrescriptionDocument, Verification};
use crate::error::DocumentError;
use crate::typesetter::{self, Purpose};

/// The template that [`prescription_pdf`] uses; a starting point for a hospital's own. Its head
/// lists the data it is given.
pub const PRESCRIPTION_TEMPLATE: &str = include_str!("../../templates/prescription.typ");

/// Characters in all fields together, about seven full pages. Ten times the longest real prescription,
/// and little enough to be set in about a second.
const LONGEST: usize = 20_000;

/// Typesets a prescription with the built-in template.
///
/// Returns the bytes of a tagged A4 PDF (PDF/A-2a, PDF/UA-1) with embedded fonts; equal documents
/// give equal bytes.
///
/// # Errors
/// See [`DocumentError`]; with the built-in template [`DocumentError::Template`] does not occur.
pub fn prescription_pdf(document: &PrescriptionDocument) -> Result<Vec<u8>, DocumentError> {
    prescription_pdf_with(PRESCRIPTION_TEMPLATE, document)
}

/// Typesets a prescription with a template of one's own: Typst source, see
/// [`PRESCRIPTION_TEMPLATE`]. It can read no files and load no packages; a logo goes into it as
/// `image(bytes("<svg …>"), alt: "…")`.
///
/// # Errors
/// See [`DocumentError`].
pub fn prescription_pdf_with(template: &str, document: &PrescriptionDocument) -> Result<Vec<u8>, DocumentError> {
    typeset(template, document, Purpose::Issue)
}

/// Tries a template on a sample in each language and on a bare minimum of data, so that a fault is
/// found when it is configured and not when a patient waits. What [`prescription_pdf_with`] forgives
/// is a fault here: fonts that are not bundled, and whatever breaks PDF/A or PDF/UA.
///
/// # Errors
/// [`DocumentError::Template`] with line and column, or [`DocumentError::Export`] when the result
/// is not accessible (for example an image without `alt`).
pub fn check_prescription_template(template: &str) -> Result<(), DocumentError> {
    for language in ["en", "bn", "ar"] {
        typeset(template, &sample(language), Purpose::Check)?;
    }
    let bare = PrescriptionDocument {
        facility: Facility::default(),
        doctor: Doctor::default(),
        patient: Patient::default(),
        diagnosis: String::new(),
        medicines: Vec::new(),
        advice: None,
        follow_up_on: None,
        valid_until: None,
        ..sample("en")
    };
    typeset(template, &bare, Purpose::Check).map(|_| ())
}

pub(crate) fn typeset(
    template: &str,
    document: &PrescriptionDocument,
    purpose: Purpose,
) -> Result<Vec<u8>, DocumentError> {
    let pages = prescription_pages(template, document, purpose)?;
    let timestamp = timestamp(&document.issued_at).ok_or(DocumentError::IssuedAt)?;
    typesetter::pdf(&pages, &document.verification.code, timestamp, purpose)
}

pub(crate) fn prescription_pages(
    template: &str,
    document: &PrescriptionDocument,
    purpose: Purpose,
) -> Result<PagedDocument, DocumentError> {
    let actual = document.characters();
    if actual > LONGEST {
        return Err(DocumentError::TooLong { actual, limit: LONGEST });
    }
    let issued_at = datetime(&document.issued_at).ok_or(DocumentError::IssuedAt)?;
    typesetter::pages(template, document.inputs(issued_at)?, issued_at, purpose)
}

/// A made-up prescription that uses every field.
fn sample(language: &str) -> PrescriptionDocument {
    PrescriptionDocument {
        facility: Facility { name: "Sample Hospital".to_owned(), address: "1 Example Road\nTelephone 000".to_owned() },
        doctor: Doctor {
            name: "Dr Sample".to_owned(),
            licence_number: "A-0000".to_owned(),
            specialty: "Medicine".to_owned(),
        },
        patient: Patient {
            name: "Sample Patient".to_owned(),
            birth_date: Some(Date::constant(1990, 2, 28)),
            allergies: Some("Penicillin".to_owned()),
        },
        issued_at: jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC),
        diagnosis: "Sample".to_owned(),
        medicines: vec![Medicine {
            name: "Sample 500 mg".to_owned(),
            dose: "1 tablet".to_owned(),
            route: "oral".to_owned(),
            frequency: "twice daily".to_owned(),
            duration_days: 5,
            quantity: Some("10 tablets".to_owned()),
            instructions: Some("after food".to_owned()),
        }],
        advice: Some("Rest".to_owned()),
        follow_up_on: Some(Date::constant(1970, 1, 8)),
        valid_until: Some(Date::constant(1970, 1, 31)),
        verification: Verification {
            code: "SAMPLE".to_owned(),
            url: "https://example.org/verify/SAMPLE".to_owned(),
            signature: "00:00".to_owned(),
        },
        language: language.to_owned(),
    }
}
