//! What may leave: the event types that can be subscribed to, and of each the fields that are sent. Nothing else of
//! an event ever does, and what is sent must have the shape that stands here, so that no free text can slip through.

use consilium_kernel::EventEnvelope;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What a field must look like to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A UUID.
    Id,
    /// An instant, RFC 3339.
    Time,
    /// A word that the API defines, such as `in_person`.
    Word,
    /// A whole number.
    Number,
    /// An IANA time zone.
    Zone,
    /// A plugin's id: lower case words joined by dashes, such as `video-jitsi`.
    Plugin,
}

/// One field of an event.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// What it is called inside.
    pub from: &'static str,
    /// What subscribers know it by.
    pub name: &'static str,
    /// What it must look like.
    pub shape: Shape,
}

/// An event that can be subscribed to.
#[derive(Debug, Clone, Copy)]
pub struct PublicEvent {
    /// `appointment_booked`, …
    pub event_type: &'static str,
    /// What is sent of it, besides `facility_id` and `version`.
    pub fields: &'static [Field],
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { from: name, name, shape }
}

const fn id(name: &'static str) -> Field {
    field(name, Shape::Id)
}

const fn time(name: &'static str) -> Field {
    field(name, Shape::Time)
}

const fn word(name: &'static str) -> Field {
    field(name, Shape::Word)
}

const fn number(name: &'static str) -> Field {
    field(name, Shape::Number)
}

const APPOINTMENT: &[Field] = &[
    Field { from: "id", name: "appointment_id", shape: Shape::Id },
    id("doctor_id"),
    id("patient_id"),
    id("consultation_id"),
    word("status"),
    word("visit_type"),
    time("starts_at"),
    time("ends_at"),
    field("time_zone", Shape::Zone),
    time("previous_starts_at"),
    word("by"),
];

const MESSAGE: &[Field] = &[
    id("consultation_id"),
    id("appointment_id"),
    id("doctor_id"),
    id("patient_id"),
    id("message_id"),
    id("sender_id"),
    number("seq"),
];

const PARTICIPANT: &[Field] =
    &[id("consultation_id"), id("appointment_id"), id("doctor_id"), id("patient_id"), id("user_id"), word("role")];

const PRESCRIPTION: &[Field] = &[
    id("prescription_id"),
    id("consultation_id"),
    id("doctor_id"),
    id("patient_id"),
    id("dispatch_id"),
    word("status"),
];

const FOLLOW_UP: &[Field] = &[
    Field { from: "id", name: "follow_up_id", shape: Shape::Id },
    id("doctor_id"),
    id("patient_id"),
    id("after_consultation_id"),
    id("appointment_id"),
    word("status"),
    word("visit_type"),
    time("starts_at"),
    time("ends_at"),
    time("expires_at"),
];

const ISSUE: &[Field] = &[
    id("issue_id"),
    id("consultation_id"),
    id("patient_id"),
    id("reporter_id"),
    id("assignee_id"),
    word("reporter_role"),
    word("category"),
    word("severity"),
    word("status"),
];

const CREDENTIAL: &[Field] = &[id("doctor_id"), id("user_id"), id("file_id"), word("kind")];

const DOCTOR: &[Field] = &[id("doctor_id"), id("user_id")];

const fn event(event_type: &'static str, fields: &'static [Field]) -> PublicEvent {
    PublicEvent { event_type, fields }
}

/// The type of the event that a test sends; nobody subscribes to it.
pub const PING: &str = "ping";
/// The type of the event that tells of a subscription that was disabled.
pub const DISABLED: &str = "webhook_subscription_disabled";

/// The list. An event that is not in it goes to nobody.
pub const EVENTS: &[PublicEvent] = &[
    event("account_registered", &[id("user_id"), word("role")]),
    event("appointment_accepted", APPOINTMENT),
    event("appointment_booked", APPOINTMENT),
    event("appointment_cancelled", APPOINTMENT),
    event("appointment_completed", APPOINTMENT),
    event("appointment_no_show", APPOINTMENT),
    event("appointment_rejected", APPOINTMENT),
    event("appointment_rescheduled", APPOINTMENT),
    event("appointment_walked_in", APPOINTMENT),
    event("availability_changed", &[id("doctor_id")]),
    event(
        "consultation_ended",
        &[
            id("consultation_id"),
            id("appointment_id"),
            id("doctor_id"),
            id("patient_id"),
            word("status"),
            time("started_at"),
            time("ended_at"),
            number("duration_seconds"),
        ],
    ),
    event(
        "consultation_moved",
        &[
            id("consultation_id"),
            id("appointment_id"),
            id("doctor_id"),
            id("patient_id"),
            time("starts_at"),
            time("ends_at"),
        ],
    ),
    event(
        "consultation_started",
        &[id("consultation_id"), id("appointment_id"), id("doctor_id"), id("patient_id"), time("started_at")],
    ),
    event("credential_submitted", CREDENTIAL),
    event("credential_withdrawn", CREDENTIAL),
    event("doctor_delayed", &[id("doctor_id"), time("until"), number("minutes")]),
    event("doctor_updated", DOCTOR),
    event("doctor_verification_requested", &[id("doctor_id"), id("user_id")]),
    event("doctor_verified", &[id("doctor_id"), id("user_id"), word("decision")]),
    event("email_verified", &[id("user_id")]),
    event(
        "emergency_raised",
        &[id("consultation_id"), id("appointment_id"), id("doctor_id"), id("patient_id"), time("waiting_since")],
    ),
    event("follow_up_confirmed", FOLLOW_UP),
    event("follow_up_declined", FOLLOW_UP),
    event("follow_up_expired", FOLLOW_UP),
    event("follow_up_held", FOLLOW_UP),
    event("follow_up_unplaced", FOLLOW_UP),
    event("invitation_withdrawn", PARTICIPANT),
    event("issue_assigned", ISSUE),
    event("issue_reported", ISSUE),
    event("issue_resolved", ISSUE),
    event("message_deleted", MESSAGE),
    event("message_edited", MESSAGE),
    event("message_sent", MESSAGE),
    event("participant_admitted", PARTICIPANT),
    event("participant_invited", PARTICIPANT),
    event("participant_joined", PARTICIPANT),
    event("participant_left", PARTICIPANT),
    event("patient_updated", &[id("patient_id"), id("user_id")]),
    event(
        "plugin_event",
        &[field("plugin", Shape::Plugin), Field { from: "type", name: "plugin_event_type", shape: Shape::Word }],
    ),
    event("prescription_issued", PRESCRIPTION),
    event("prescription_sent", PRESCRIPTION),
    event("prescription_status_changed", PRESCRIPTION),
    event("prescription_withdrawn", PRESCRIPTION),
    event(
        "video_provider_switched",
        &[
            id("consultation_id"),
            id("appointment_id"),
            id("doctor_id"),
            id("patient_id"),
            field("from", Shape::Plugin),
            field("to", Shape::Plugin),
        ],
    ),
    event(DISABLED, &[id("subscription_id"), word("reason")]),
];

/// The public event of this type.
pub fn find(event_type: &str) -> Option<&'static PublicEvent> {
    EVENTS.iter().find(|event| event.event_type == event_type)
}

/// What is sent of an event's data; `None` for what goes to nobody.
pub fn shown(event: &EventEnvelope) -> Option<Map<String, Value>> {
    let public = find(&event.event_type)?;
    let mut data = Map::new();
    for field in public.fields {
        if let Some(value) = event.data.get(field.from).filter(|value| fits(field.shape, value)) {
            data.insert(field.name.to_owned(), value.clone());
        }
    }
    Some(data)
}

/// The body that subscribers get of an event; `None` for what goes to nobody.
pub fn body(event: &EventEnvelope) -> Option<String> {
    let mut data = shown(event)?;
    data.insert("facility_id".to_owned(), json!(event.facility));
    data.insert("version".to_owned(), json!(event.version));
    Some(written(&event.event_type, event.at, data))
}

/// The body of a test event.
pub fn ping(subscription: uuid::Uuid, at: Timestamp) -> String {
    let mut data = Map::new();
    data.insert("subscription_id".to_owned(), json!(subscription));
    written(PING, at, data)
}

/// `type`, `timestamp` and `data`, as Standard Webhooks recommends.
fn written(event_type: &str, at: Timestamp, data: Map<String, Value>) -> String {
    json!({"type": event_type, "timestamp": at, "data": data}).to_string()
}

fn fits(shape: Shape, value: &Value) -> bool {
    match shape {
        Shape::Number => value.is_i64(),
        Shape::Id => value.as_str().is_some_and(|text| text.parse::<uuid::Uuid>().is_ok()),
        Shape::Time => value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok()),
        Shape::Word => value.as_str().is_some_and(|text| {
            (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        }),
        Shape::Plugin => value.as_str().is_some_and(|text| {
            let word = |word: &str| {
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            };
            text.len() <= 64 && text.split('-').all(word)
        }),
        Shape::Zone => value.as_str().is_some_and(|text| text.parse::<consilium_kernel::TimeZone>().is_ok()),
    }
}
