//! What a rating may be, and when it may be given. Pure.

use std::time::Duration;

use consilium_kernel::{FieldError, Refusal, Timestamp};

use super::RatingDraft;
use crate::{
    model::{Consultation, Status},
    refusal::ConsultationRefusal::{AlreadyRated, InvalidTransition, RatingClosed},
};

/// Characters of the patient's words at most.
const LONGEST: usize = 2_000;

/// The rating without blank words.
pub(super) fn check(mut draft: RatingDraft) -> Result<RatingDraft, Refusal> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, code: &'static str, detail: String| {
        errors.push(FieldError { pointer: pointer.to_owned(), code: code.into(), detail });
    };
    if !(1..=5).contains(&draft.rating) {
        wrong("/rating", "out_of_range", "is 1 to 5".to_owned());
    }
    draft.text = draft.text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if draft.text.as_ref().is_some_and(|text| text.chars().count() > LONGEST) {
        wrong("/text", "too_long", format!("has more than {LONGEST} characters"));
    }
    if errors.is_empty() { Ok(draft) } else { Err(Refusal::invalid(errors)) }
}

/// A completed one, once, while it is remembered.
pub(super) fn may_rate(
    consultation: &Consultation,
    rated: bool,
    rating_for: Duration,
    now: Timestamp,
) -> Result<(), Refusal> {
    if rated {
        return Err(AlreadyRated.refusal());
    }
    let Some(ended) = consultation.ended_at.filter(|_| consultation.status == Status::Completed) else {
        return Err(InvalidTransition.refusal().because("Only a completed consultation is rated."));
    };
    if now >= ended.saturating_add(rating_for).unwrap_or(Timestamp::MAX) {
        return Err(RatingClosed.refusal());
    }
    Ok(())
}
