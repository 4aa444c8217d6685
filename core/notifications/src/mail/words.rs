//! What templates can mention.

use consilium_kernel::{TimeZone, Timestamp};
use jiff::Zoned;
use serde::Serialize;
use url::Url;

use crate::{
    content::{Content, Payload},
    model::Audience,
    records::Contact,
};

/// An instant as a wall clock shows it. Templates put it into words, because every language does so differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Moment {
    year: i16,
    /// 1 to 12.
    month: i8,
    day: i8,
    /// 1 (Monday) to 7.
    weekday: i8,
    /// `09:30`.
    time: String,
    /// `Asia/Dhaka`.
    zone: String,
    /// `+06:00`.
    offset: String,
}

impl Moment {
    pub(super) fn new(instant: Timestamp, zone: &TimeZone) -> Self {
        let local: Zoned = instant.to_zoned(zone.rules().clone());
        Self {
            year: local.year(),
            month: local.month(),
            day: local.day(),
            weekday: local.weekday().to_monday_one_offset(),
            time: local.strftime("%H:%M").to_string(),
            zone: zone.name().to_owned(),
            offset: local.strftime("%:z").to_string(),
        }
    }
}

/// The variables of every template; what does not apply is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Words {
    /// `patient`, `doctor` or `account`.
    pub audience: Audience,
    /// What to call the recipient.
    pub name: String,
    /// What the product calls itself.
    pub platform: String,
    /// Where it is.
    pub home: String,
    /// Where the consultation takes place; stays the same whatever carries the video.
    pub link: Option<String>,
    /// The doctor's public name.
    pub doctor_name: Option<String>,
    /// The start, by the recipient's clock.
    pub starts: Option<Moment>,
    /// Until when the time is kept, by the recipient's clock.
    pub expires: Option<Moment>,
    /// The start by the doctor's clock, if that is another one.
    pub starts_there: Option<Moment>,
    /// The start before it was moved, by the recipient's clock.
    pub previously: Option<Moment>,
    /// `video`, `audio`, `chat` or `in_person`.
    pub visit_type: Option<String>,
    /// Where the appointment stands.
    pub status: Option<String>,
    /// The secret that the mail carries.
    pub token: Option<String>,
    /// What the administrator wrote.
    pub reason: Option<String>,
}

impl Words {
    pub(super) fn new(payload: &Payload, contact: &Contact, platform: &str, base_url: &Url) -> Self {
        let appointment = payload.content.appointment();
        let (token, reason) = match &payload.content {
            Content::Token { token, .. } => (Some(token.clone()), None),
            Content::Verification { reason, .. } => (None, reason.clone()),
            _ => (None, None),
        };
        let here = &contact.time_zone;
        let (kept, expires, kind) = match &payload.content {
            Content::FollowUp { starts_at, expires_at, visit_type, .. } => {
                (*starts_at, *expires_at, Some(visit_type.to_string()))
            }
            _ => (None, None, None),
        };
        Self {
            audience: payload.audience,
            name: one_line(&format!("{} {}", contact.given_name, contact.family_name)),
            platform: platform.to_owned(),
            home: base_url.to_string(),
            link: appointment.and_then(|it| it.consultation_id).map(|id| join_link(base_url, &id.to_string())),
            doctor_name: payload.doctor_name.as_deref().map(one_line),
            starts: appointment.map(|it| it.starts_at).or(kept).map(|start| Moment::new(start, here)),
            expires: expires.map(|end| Moment::new(end, here)),
            starts_there: appointment
                .filter(|it| it.time_zone.name() != here.name())
                .map(|it| Moment::new(it.starts_at, &it.time_zone)),
            previously: appointment.and_then(|it| it.previous_starts_at).map(|instant| Moment::new(instant, here)),
            visit_type: appointment.map(|it| it.visit_type.to_string()).or(kind),
            status: appointment.map(|it| it.status.to_string()),
            token,
            reason,
        }
    }
}

/// The link that is resolved to a room when somebody follows it.
fn join_link(base_url: &Url, consultation: &str) -> String {
    format!("{}/c/{consultation}", base_url.as_str().trim_end_matches('/'))
}

/// Text that came from people, without line breaks and other control characters: one that gets into a header or a
/// calendar must not begin a new line there.
pub(super) fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() || is_separator(c) { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Line and paragraph separators, and the marks that turn the writing direction.
fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
