//! What may be reported and when, who handles issues, and where an issue may go. Pure.

use consilium_consultations::Consultation;
use consilium_kernel::{CommandMeta, FieldError, Refusal, Role, Timestamp, User};
use jiff::SignedDuration;

use crate::{
    model::{IssueDraft, IssueStatus},
    refusal::SupportRefusal::{Resolved, TooLate, TooManyIssues},
};

/// Characters of what somebody writes at most.
const LONGEST: usize = 2_000;
/// Bytes of diagnostics at most.
const LARGEST: usize = 8 * 1024;
/// Reports of one participant within [`WITHIN`] at most.
const MOST_REPORTS: i64 = 5;
/// See [`MOST_REPORTS`].
pub(crate) const WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// Until when an ended consultation's issues are taken.
const AFTERWARDS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The draft with its words trimmed, or everything that is wrong with it.
pub(crate) fn check(mut draft: IssueDraft) -> Result<IssueDraft, Refusal> {
    let mut errors = Vec::new();
    draft.description = checked(&draft.description, "/description", &mut errors);
    if let Some(diagnostics) = &draft.diagnostics {
        let mut wrong = |code: &'static str, detail: String| {
            errors.push(FieldError { pointer: "/diagnostics".to_owned(), code: code.into(), detail });
        };
        if !diagnostics.is_object() {
            wrong("invalid", "is not an object".to_owned());
        } else if diagnostics.to_string().len() > LARGEST {
            wrong("too_long", format!("has more than {LARGEST} bytes"));
        }
    }
    if errors.is_empty() { Ok(draft) } else { Err(Refusal::invalid(errors)) }
}

/// What somebody of support writes, trimmed.
pub(crate) fn words(text: &str, pointer: &str) -> Result<String, Refusal> {
    let mut errors = Vec::new();
    let text = checked(text, pointer, &mut errors);
    if errors.is_empty() { Ok(text) } else { Err(Refusal::invalid(errors)) }
}

fn checked(text: &str, pointer: &str, errors: &mut Vec<FieldError>) -> String {
    let text = text.trim();
    let (code, detail) = match text.chars().count() {
        0 => ("required", "must not be empty".to_owned()),
        count if count > LONGEST => ("too_long", format!("has more than {LONGEST} characters")),
        _ => return text.to_owned(),
    };
    errors.push(FieldError { pointer: pointer.to_owned(), code: code.into(), detail });
    String::new()
}

/// Issues are reported before, during and for a week after a consultation, a few at a time.
pub(crate) fn may_report(consultation: &Consultation, recent: i64, now: Timestamp) -> Result<(), Refusal> {
    let ended = consultation.ended_at.filter(|_| consultation.status.is_over());
    if ended.is_some_and(|ended| now >= ended.saturating_add(AFTERWARDS).unwrap_or(Timestamp::MAX)) {
        return Err(TooLate.refusal());
    }
    if recent >= MOST_REPORTS {
        let retry_after = u32::try_from(WITHIN.as_secs()).ok();
        return Err(Refusal { retry_after, ..TooManyIssues.refusal() });
    }
    Ok(())
}

/// Somebody of the facility's support, or an administrator; nobody else is told that there are issues.
pub(crate) fn handler(meta: &CommandMeta) -> Result<&User, Refusal> {
    let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
    user.filter(|user| handles(user.role)).ok_or(Refusal::not_found())
}

/// The roles that issues can be given to.
pub(crate) fn handles(role: Role) -> bool {
    matches!(role, Role::Support | Role::Admin)
}

/// What is resolved stays resolved.
pub(crate) fn may_change(status: IssueStatus) -> Result<(), Refusal> {
    match status {
        IssueStatus::Open | IssueStatus::Assigned => Ok(()),
        IssueStatus::Resolved => Err(Resolved.refusal()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{Category, Severity};

    fn wrong(description: &str, diagnostics: Option<Value>) -> Vec<String> {
        let (category, severity) = (Category::Video, Severity::Low);
        let draft = IssueDraft { category, severity, description: description.to_owned(), diagnostics };
        match check(draft) {
            Ok(_) => Vec::new(),
            Err(refusal) => refusal.errors.iter().map(|error| format!("{} {}", error.pointer, error.code)).collect(),
        }
    }

    #[test]
    fn reports_keep_within_their_bounds() {
        assert_eq!(wrong(" black picture ", Some(json!({"browser": "x"}))), [""; 0]);
        assert_eq!(wrong(" \n", None), ["/description required"]);
        assert_eq!(wrong(&"x".repeat(LONGEST + 1), None), ["/description too_long"]);
        for odd in [json!([]), json!("x"), json!(1), Value::Null] {
            assert_eq!(wrong("x", Some(odd)), ["/diagnostics invalid"]);
        }
        assert_eq!(
            wrong("", Some(json!({"log": "x".repeat(LARGEST)}))),
            ["/description required", "/diagnostics too_long"]
        );
    }

    #[test]
    fn what_is_resolved_stays_so() {
        assert!(may_change(IssueStatus::Open).is_ok() && may_change(IssueStatus::Assigned).is_ok());
        assert_eq!(may_change(IssueStatus::Resolved).unwrap_err().code, "invalid_transition");
        assert!(words("  ", "/text").is_err());
    }
}
