//! What makes a subscription wrong, told field by field.

use consilium_egress::checked;
use consilium_kernel::FieldError;

use crate::{catalogue::EVENTS, filter::EventFilter};

fn field(pointer: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError { pointer: pointer.to_owned(), code: code.into(), detail: detail.into() }
}

/// One line of at most 200 characters.
pub fn check_description(text: &str, wrong: &mut Vec<FieldError>) {
    if text.chars().count() > 200 {
        wrong.push(field("/description", "too_long", "A description has at most 200 characters."));
    }
    if text.chars().any(char::is_control) {
        wrong.push(field("/description", "invalid", "A description is one line of text."));
    }
}

/// The filters; wrong ones are named with what there is.
pub fn check_types(types: &[String], wrong: &mut Vec<FieldError>) -> Vec<EventFilter> {
    if types.is_empty() {
        wrong.push(field("/event_types", "required", "At least one event type is needed; `*` is all of them."));
    }
    if types.len() > EVENTS.len() {
        wrong.push(field("/event_types", "too_many", format!("There are only {} event types.", EVENTS.len())));
        return Vec::new();
    }
    let mut filters = Vec::new();
    for (place, text) in types.iter().enumerate() {
        match EventFilter::parse(text) {
            Some(filter) if filters.contains(&filter) => {}
            Some(filter) => filters.push(filter),
            None => {
                let known: Vec<&str> = EVENTS.iter().map(|event| event.event_type).collect();
                let detail = format!(
                    "There is no such event. There are {}; `appointment_*` is all that begin so.",
                    known.join(", ")
                );
                wrong.push(field(&format!("/event_types/{place}"), "unknown_event_type", detail));
            }
        }
    }
    filters
}

/// Whether events may be sent there, as far as can be told before the name is looked up.
pub fn check_url(url: &str, allow_private: bool, wrong: &mut Vec<FieldError>) {
    if let Err((code, detail)) = checked(url, allow_private) {
        wrong.push(field("/url", code, detail));
    }
}
