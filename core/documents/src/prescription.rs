//! The prescription: what it states, and how that reaches its template.

use jiff::civil::Date;
use jiff::{Unit, Zoned};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use typst::foundations::{Array, Bytes, Datetime, Dict, IntoValue, Value, dict};
use typst_layout::PagedDocument;
use typst_pdf::Timestamp;

use crate::error::DocumentError;
use crate::inputs::{date, line, lines};
use crate::typesetter;

/// The template that [`prescription_pdf`] uses; a starting point for a hospital's own. Its head
/// lists the data it is given.
pub const PRESCRIPTION_TEMPLATE: &str = include_str!("../templates/prescription.typ");

/// Characters in all fields together. About 60 pages.
const LONGEST: usize = 200_000;

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
    let pages = prescription_pages(template, document)?;
    let timestamp = timestamp(&document.issued_at).ok_or(DocumentError::IssuedAt)?;
    typesetter::pdf(&pages, &document.verification.code, timestamp)
}

/// Tries a template on a sample in each language and on a bare minimum of data, so that a fault is
/// found when it is configured and not when a patient waits.
///
/// # Errors
/// [`DocumentError::Template`] with line and column, or [`DocumentError::Export`] when the result
/// is not accessible (for example an image without `alt`).
pub fn check_prescription_template(template: &str) -> Result<(), DocumentError> {
    for language in ["en", "bn", "ar"] {
        prescription_pdf_with(template, &sample(language))?;
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
    prescription_pdf_with(template, &bare).map(|_| ())
}

pub(crate) fn prescription_pages(
    template: &str,
    document: &PrescriptionDocument,
) -> Result<PagedDocument, DocumentError> {
    let actual = document.characters();
    if actual > LONGEST {
        return Err(DocumentError::TooLong { actual, limit: LONGEST });
    }
    let issued_at = datetime(&document.issued_at).ok_or(DocumentError::IssuedAt)?;
    typesetter::pages(template, document.inputs(issued_at)?, issued_at)
}

impl PrescriptionDocument {
    fn characters(&self) -> usize {
        let fixed = [
            &self.facility.name,
            &self.facility.address,
            &self.doctor.name,
            &self.doctor.licence_number,
            &self.doctor.specialty,
            &self.patient.name,
            &self.diagnosis,
            &self.verification.code,
            &self.verification.url,
            &self.verification.signature,
            &self.language,
        ];
        let medicines = self.medicines.iter().flat_map(|m| {
            let texts = [&m.name, &m.dose, &m.route, &m.frequency];
            texts.into_iter().chain(&m.quantity).chain(&m.instructions)
        });
        let texts = fixed.into_iter().chain(medicines);
        let texts = texts.chain(&self.patient.allergies).chain(&self.advice);
        // A row costs about as much as forty characters even when it is empty.
        texts.map(|text| text.chars().count()).sum::<usize>() + 40 * self.medicines.len()
    }

    fn inputs(&self, issued_at: Datetime) -> Result<Dict, DocumentError> {
        let medicines: Array = self.medicines.iter().map(|medicine| medicine.inputs().into_value()).collect();
        Ok(dict! {
            "language" => primary_subtag(&self.language),
            "facility" => dict! {
                "name" => line(&self.facility.name),
                "address" => lines(&self.facility.address),
            },
            "doctor" => dict! {
                "name" => line(&self.doctor.name),
                "licence" => line(&self.doctor.licence_number),
                "specialty" => line(&self.doctor.specialty),
            },
            "patient" => dict! {
                "name" => line(&self.patient.name),
                "birth-date" => date(self.patient.birth_date),
                "age" => self.age(),
                "allergies" => lines(or_empty(&self.patient.allergies)),
            },
            "issued-at" => issued_at,
            "time-zone" => time_zone(&self.issued_at),
            "diagnosis" => lines(&self.diagnosis),
            "medicines" => medicines,
            "advice" => lines(or_empty(&self.advice)),
            "follow-up-on" => date(self.follow_up_on),
            "valid-until" => date(self.valid_until),
            "verification" => dict! {
                "code" => line(&self.verification.code),
                "url" => self.verification.url.clone(),
                "shown-url" => line(&self.verification.url),
                "signature" => line(&self.verification.signature),
                "qr" => qr_svg(&self.verification.url)?,
            },
        })
    }

    /// `(years: 34, months: 2)` on the day of issue; `none` without a birth date or with one later
    /// than that day.
    fn age(&self) -> Value {
        let born = self.patient.birth_date;
        born.filter(|born| *born <= self.issued_at.date())
            .and_then(|born| self.issued_at.date().since((Unit::Year, born)).ok())
            .map(|age| {
                dict! { "years" => i64::from(age.get_years()), "months" => i64::from(age.get_months()) }
            })
            .into_value()
    }
}

impl Medicine {
    fn inputs(&self) -> Dict {
        dict! {
            "name" => line(&self.name),
            "dose" => line(&self.dose),
            "route" => line(&self.route),
            "frequency" => line(&self.frequency),
            "days" => i64::from(self.duration_days),
            "quantity" => line(or_empty(&self.quantity)),
            "instructions" => lines(or_empty(&self.instructions)),
        }
    }
}

fn or_empty(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

/// "bn" of "bn-BD"; English when it is no tag at all, because Typst accepts only such codes.
fn primary_subtag(tag: &str) -> String {
    let primary = tag.split(['-', '_']).next().unwrap_or("").to_ascii_lowercase();
    let valid = matches!(primary.len(), 2 | 3) && primary.bytes().all(|b| b.is_ascii_lowercase());
    if valid { primary } else { "en".to_owned() }
}

/// "Asia/Dhaka, UTC+06:00"; only the offset when the zone has no name.
fn time_zone(at: &Zoned) -> String {
    let seconds = at.offset().seconds();
    let (sign, size) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
    let offset = format!("UTC{sign}{:02}:{:02}", size / 3600, size / 60 % 60);
    match at.time_zone().iana_name() {
        Some(name) => format!("{name}, {offset}"),
        None => offset,
    }
}

fn datetime(at: &Zoned) -> Option<Datetime> {
    let small = |n: i8| u8::try_from(n).ok();
    Datetime::from_ymd_hms(
        i32::from(at.year()),
        small(at.month())?,
        small(at.day())?,
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
    )
}

fn timestamp(at: &Zoned) -> Option<Timestamp> {
    (0..=9999).contains(&at.year()).then_some(())?;
    Timestamp::new_local(datetime(at)?, at.offset().seconds() / 60)
}

/// Error correction M (15 %) survives a crease or a stamp on paper.
fn qr_svg(url: &str) -> Result<Bytes, DocumentError> {
    if url.is_empty() {
        return Err(DocumentError::VerificationUrl);
    }
    let code = QrCode::with_error_correction_level(url, EcLevel::M).map_err(|_| DocumentError::VerificationUrl)?;
    let svg = code.render::<svg::Color<'_>>().quiet_zone(true).min_dimensions(200, 200).build();
    Ok(Bytes::from_string(svg))
}

/// A made-up prescription that uses every field.
pub(crate) fn sample(language: &str) -> PrescriptionDocument {
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
