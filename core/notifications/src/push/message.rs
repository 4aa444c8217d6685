//! What a browser is told: that something is new, of which sort, and where in the web client it is. No name, no time, no
//! text: it is shown on locked screens.

use consilium_kernel::{DeliveryId, Timestamp};
use jiff::SignedDuration;
use serde_json::json;

use crate::{content::Content, model::Kind};

/// All messages have this length, so that the length of what is encrypted tells nothing.
const LENGTH: usize = 192;
/// Push services keep nothing longer than four weeks.
const LONGEST_LIFE: i64 = 28 * 24 * 3600;

/// The JSON that the service worker reads: `{"id", "about", "url"}`.
pub(super) fn body(id: DeliveryId, content: &Content) -> Vec<u8> {
    let (about, url) = about(content);
    let message = json!({ "id": id, "about": about, "url": url });
    format!("{message:<LENGTH$}", message = message.to_string()).into_bytes()
}

/// The sort, of which clients know the words, and the page.
fn about(content: &Content) -> (&'static str, String) {
    match content {
        Content::Appointment(appointment) => ("appointment", format!("/appointments/{}", appointment.id)),
        Content::FollowUp { .. } => ("appointment", "/appointments".to_owned()),
        Content::Messages { thread_id: Some(thread), .. } => ("message", format!("/messages/{thread}")),
        Content::Messages { consultation_id: Some(id), .. } => ("message", format!("/consultations/{id}")),
        Content::Token { .. } | Content::Account { .. } | Content::Verification { .. } => ("account", inbox()),
        Content::Messages { .. } | Content::Consultation { .. } | Content::Prescription { .. } => ("news", inbox()),
    }
}

fn inbox() -> String {
    "/inbox".to_owned()
}

/// How long the push service keeps it for a browser that is not there: as long as it is worth reading.
pub(super) fn seconds_to_live(expires_at: Timestamp, now: Timestamp) -> i64 {
    expires_at.duration_since(now).max(SignedDuration::ZERO).as_secs().min(LONGEST_LIFE)
}

/// Whether it is worth waking a device for (RFC 8030, section 5.3).
pub(super) fn urgency(kind: Kind) -> &'static str {
    match kind {
        Kind::Reminder1h | Kind::AppointmentCancelled | Kind::AppointmentRescheduled | Kind::SecurityAlert => "high",
        _ => "normal",
    }
}
