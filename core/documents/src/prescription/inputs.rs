//! How a prescription reaches its template; the template's head lists the same.

use jiff::{Unit, Zoned};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use typst::foundations::{Array, Bytes, Datetime, Dict, IntoValue, Value, dict};
use typst_pdf::Timestamp;

use super::{Medicine, PrescriptionDocument};
use crate::error::DocumentError;
use crate::inputs::{date, line, lines};

impl PrescriptionDocument {
    pub(super) fn characters(&self) -> usize {
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

    pub(super) fn inputs(&self, issued_at: Datetime) -> Result<Dict, DocumentError> {
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

pub(super) fn datetime(at: &Zoned) -> Option<Datetime> {
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

pub(super) fn timestamp(at: &Zoned) -> Option<Timestamp> {
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
