//! The rules: what may stand on a prescription, and what follows from where it stands. Pure.

use consilium_consultations::Status as ConsultationStatus;
use consilium_documents::unsupported_characters;
use consilium_kernel::{FieldError, Refusal, Timestamp};
use jiff::{ToSpan, civil::Date};

use crate::{
    model::{DispatchStatus, Medicine, MedicineDraft, Prescription, PrescriptionDraft},
    refusal::PrescribingRefusal::{AlreadyDispensed, AlreadySent, Expired, NotStarted, Withdrawn},
    template::{TemplateContent, TemplateDraft},
};

/// Medicines on one prescription at most.
const MOST_MEDICINES: usize = 30;
/// Years ahead that a follow-up may lie.
const FURTHEST_FOLLOW_UP: i16 = 5;

/// What a doctor prescribes, every field being right.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub diagnosis: String,
    pub medicines: Vec<Medicine>,
    pub advice: Option<String>,
    pub follow_up_on: Option<Date>,
}

/// Prescriptions are written while doctor and patient meet, and afterwards.
pub(crate) fn may_prescribe_in(consultation: ConsultationStatus) -> Result<(), Refusal> {
    match consultation {
        ConsultationStatus::InProgress | ConsultationStatus::Completed => Ok(()),
        _ => Err(NotStarted.refusal()),
    }
}

/// Whether it may go to a pharmacy on the day `today`.
pub(crate) fn may_send(prescription: &Prescription, today: Date) -> Result<(), Refusal> {
    if prescription.withdrawn_at.is_some() {
        return Err(Withdrawn.refusal());
    }
    match prescription.dispatch.as_ref().map(|dispatch| dispatch.status) {
        Some(DispatchStatus::Dispensed) => Err(AlreadyDispensed.refusal()),
        Some(status) if !status.is_final() => Err(AlreadySent.refusal()),
        _ if prescription.document.valid_until < today => Err(Expired.refusal()),
        _ => Ok(()),
    }
}

/// Whether its doctor may take it back.
pub(crate) fn may_withdraw(prescription: &Prescription) -> Result<(), Refusal> {
    if prescription.withdrawn_at.is_some() {
        return Err(Withdrawn.refusal());
    }
    match &prescription.dispatch {
        Some(dispatch) if dispatch.status == DispatchStatus::Dispensed => Err(AlreadyDispensed.refusal()),
        _ => Ok(()),
    }
}

/// Whether its medicines may still be taken on the day of `now` at its place: not withdrawn, and within the longest
/// course, counted from the day of issue or, for one that may yet be dispensed, from now.
pub(crate) fn is_running(prescription: &Prescription, now: Timestamp) -> bool {
    let document = &prescription.document;
    let day = |at: Timestamp| at.to_zoned(document.facility.time_zone.rules().clone()).date();
    let today = day(now);
    let longest = document.medicines.iter().map(|medicine| i64::from(medicine.duration_days)).max().unwrap_or(0);
    let taken_until = day(document.issued_at).saturating_add(longest.days());
    let may_come = may_send(prescription, today).is_ok()
        || prescription.dispatch.as_ref().is_some_and(|dispatch| !dispatch.status.is_final());
    prescription.withdrawn_at.is_none() && (today <= taken_until || (may_come && today <= document.valid_until))
}

/// The draft as an order, or every field that is wrong. `today` is the doctor's.
pub(crate) fn check(draft: &PrescriptionDraft, today: Date) -> Result<Order, Refusal> {
    let mut checks = Checks(Vec::new());
    let order = Order {
        diagnosis: checks.text("/diagnosis", &draft.diagnosis, 2_000),
        medicines: checks.medicines(&draft.medicines),
        advice: checks.optional("/advice", draft.advice.as_deref(), 4_000),
        follow_up_on: draft.follow_up_on.as_deref().and_then(|text| checks.follow_up(text, today)),
    };
    if checks.0.is_empty() { Ok(order) } else { Err(Refusal::invalid(checks.0)) }
}

/// A template, or every field that is wrong: what is kept in one can be prescribed.
pub(crate) fn check_template(draft: &TemplateDraft) -> Result<TemplateContent, Refusal> {
    let mut checks = Checks(Vec::new());
    let content =
        TemplateContent { name: checks.text("/name", &draft.name, 100), medicines: checks.medicines(&draft.medicines) };
    if checks.0.is_empty() { Ok(content) } else { Err(Refusal::invalid(checks.0)) }
}

struct Checks(Vec<FieldError>);

impl Checks {
    fn wrong(&mut self, pointer: &str, code: &'static str, detail: &str) {
        self.0.push(FieldError { pointer: pointer.to_owned(), code: code.into(), detail: detail.to_owned() });
    }

    fn medicines(&mut self, drafts: &[MedicineDraft]) -> Vec<Medicine> {
        if drafts.is_empty() || drafts.len() > MOST_MEDICINES {
            self.wrong("/medicines", "out_of_range", "must have 1 to 30 entries");
        }
        let checked = drafts.iter().take(MOST_MEDICINES).enumerate();
        checked.map(|(place, medicine)| self.medicine(place, medicine)).collect()
    }

    fn medicine(&mut self, place: usize, draft: &MedicineDraft) -> Medicine {
        let at = |field: &str| format!("/medicines/{place}/{field}");
        Medicine {
            name: self.text(&at("name"), &draft.name, 200),
            dose: self.text(&at("dose"), &draft.dose, 100),
            route: self.text(&at("route"), &draft.route, 100),
            frequency: self.text(&at("frequency"), &draft.frequency, 100),
            duration_days: self.number(&at("duration_days"), draft.duration_days, 365),
            quantity: draft.quantity.map(|quantity| self.number(&at("quantity"), quantity, 10_000)),
            instructions: self.optional(&at("instructions"), draft.instructions.as_deref(), 1_000),
        }
    }

    fn number(&mut self, pointer: &str, number: i64, most: u32) -> u32 {
        let fine = u32::try_from(number).ok().filter(|number| (1..=most).contains(number));
        fine.unwrap_or_else(|| {
            self.wrong(pointer, "out_of_range", &format!("must lie between 1 and {most}"));
            0
        })
    }

    /// What is not given and what is empty are the same.
    fn optional(&mut self, pointer: &str, text: Option<&str>, most: usize) -> Option<String> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        Some(self.text(pointer, text, most))
    }

    fn text(&mut self, pointer: &str, text: &str, most: usize) -> String {
        let text = text.trim();
        if text.is_empty() {
            self.wrong(pointer, "required", "must not be empty");
        } else if text.chars().count() > most {
            self.wrong(pointer, "too_long", &format!("must have at most {most} characters"));
        } else if text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t') {
            self.wrong(pointer, "invalid", "must not hold control characters");
        } else {
            // A pharmacist must be able to read what is signed.
            let unprintable = unsupported_characters(text);
            if !unprintable.is_empty() {
                let shown: Vec<_> = unprintable.iter().take(5).map(|c| format!("{c} (U+{:04X})", *c as u32)).collect();
                self.wrong(pointer, "unprintable", &format!("cannot be printed: {}", shown.join(", ")));
            }
        }
        text.to_owned()
    }

    fn follow_up(&mut self, text: &str, today: Date) -> Option<Date> {
        // `Date` would take a whole date-time and drop the time.
        let date: Option<Date> = (text.len() == 10).then(|| text.parse().ok()).flatten();
        match date {
            None => self.wrong("/follow_up_on", "invalid", "is not a date such as 2026-12-31"),
            Some(date) if date < today => self.wrong("/follow_up_on", "in_the_past", "must not lie in the past"),
            Some(date) if date.year() > today.year() + FURTHEST_FOLLOW_UP => {
                self.wrong("/follow_up_on", "out_of_range", "must lie within the next five years");
            }
            Some(_) => {}
        }
        date
    }
}

#[cfg(test)]
mod tests;
