//! When notes may be written, signed and amended. Pure.

use consilium_kernel::{FieldError, Refusal};

use super::{AmendmentText, NotesText};
use crate::{
    model::Status,
    refusal::ConsultationRefusal::{InvalidTransition, NotesEmpty, NotesNotSigned, NotesSigned},
};

/// Characters of one field at most.
const LONGEST: usize = 20_000;
/// Characters of the reason for an amendment at most.
const LONGEST_REASON: usize = 1_000;
/// Amendments of one consultation's notes at most.
const MOST_AMENDMENTS: usize = 100;

/// Only a draft is replaced.
pub(super) fn may_replace(signed: bool) -> Result<(), Refusal> {
    if signed { Err(NotesSigned.refusal()) } else { Ok(()) }
}

/// Something is signed, once, and after doctor and patient have met or failed to.
pub(super) fn may_sign(status: Status, text: &NotesText, signed: bool) -> Result<(), Refusal> {
    may_replace(signed)?;
    if matches!(status, Status::Scheduled | Status::Waiting) {
        return Err(InvalidTransition.refusal().because("Notes are signed once the consultation has begun."));
    }
    if text.fields().iter().all(|(_, text)| text.trim().is_empty()) {
        return Err(NotesEmpty.refusal());
    }
    Ok(())
}

/// Only what is signed is amended.
pub(super) fn may_amend(signed: bool, amendments: usize) -> Result<(), Refusal> {
    if !signed {
        return Err(NotesNotSigned.refusal());
    }
    if amendments >= MOST_AMENDMENTS {
        return Err(InvalidTransition.refusal().because("These notes were amended as often as notes can be."));
    }
    Ok(())
}

/// Nothing is too long.
pub(super) fn check_notes(text: &NotesText) -> Result<(), Refusal> {
    let long = text.fields().into_iter().filter(|(_, text)| text.chars().count() > LONGEST);
    let errors: Vec<FieldError> = long
        .map(|(pointer, _)| FieldError {
            pointer: pointer.to_owned(),
            code: "too_long".into(),
            detail: format!("has more than {LONGEST} characters"),
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Refusal::invalid(errors)) }
}

/// An amendment says something, and why.
pub(super) fn check_amendment(amendment: &AmendmentText) -> Result<(), Refusal> {
    let mut errors = Vec::new();
    let fields = [("/text", &amendment.text, LONGEST), ("/reason", &amendment.reason, LONGEST_REASON)];
    for (pointer, text, most) in fields {
        let (code, detail) = match text.trim().chars().count() {
            0 => ("required", "must not be empty".to_owned()),
            count if count > most => ("too_long", format!("has more than {most} characters")),
            _ => continue,
        };
        errors.push(FieldError { pointer: pointer.to_owned(), code: code.into(), detail });
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal::invalid(errors)) }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    fn code(outcome: Result<(), Refusal>) -> String {
        outcome.map_or_else(|refusal| refusal.code.into_owned(), |()| "ok".to_owned())
    }

    #[test]
    fn a_draft_is_signed_once_and_only_then_amended() {
        let some = NotesText { plan: "rest".to_owned(), ..NotesText::default() };
        for status in Status::iter() {
            let begun = !matches!(status, Status::Scheduled | Status::Waiting);
            let expected = if begun { "ok" } else { "invalid_transition" };
            assert_eq!(code(may_sign(status, &some, false)), expected, "{status}");
            assert_eq!(code(may_sign(status, &some, true)), "notes_signed");
        }
        let blank = NotesText { subjective: " \n".to_owned(), ..NotesText::default() };
        assert_eq!(code(may_sign(Status::Completed, &blank, false)), "notes_empty");
        assert_eq!((code(may_replace(false)), code(may_replace(true))), ("ok".to_owned(), "notes_signed".to_owned()));
        assert_eq!(code(may_amend(false, 0)), "notes_not_signed");
        assert_eq!(code(may_amend(true, MOST_AMENDMENTS - 1)), "ok");
        assert_eq!(code(may_amend(true, MOST_AMENDMENTS)), "invalid_transition");
    }

    #[test]
    fn an_amendment_says_what_and_why() {
        let amendment = |text: &str, reason: &str| AmendmentText { text: text.to_owned(), reason: reason.to_owned() };
        assert_eq!(code(check_amendment(&amendment("left, not right", "slip"))), "ok");
        for wrong in [amendment("", "slip"), amendment("left", " "), amendment("left", &"x".repeat(1_001))] {
            assert_eq!(code(check_amendment(&wrong)), "invalid");
        }
        let long = NotesText { objective: "x".repeat(LONGEST + 1), ..NotesText::default() };
        assert_eq!(code(check_notes(&long)), "invalid");
    }
}
