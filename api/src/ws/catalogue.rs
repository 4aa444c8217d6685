//! Everything that the server tells on topics, in one place: a new event or signal gets its line in [`events`] or
//! [`signals`], and its data a shape below. The AsyncAPI document is made from these, and the journeys check every
//! frame against it: an event that is not here, or that holds a field not written here, fails them.

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

use super::payloads::{Annotate, Cursor, Typing, WebRtc};
use crate::http::consultations::VideoResponse;

/// The shape of some data, with those it refers to.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Its name among the document's schemas.
    pub name: fn() -> std::borrow::Cow<'static, str>,
    schema: fn() -> RefOr<Schema>,
    parts: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    /// The shape of this type.
    pub fn of<T: ToSchema>() -> Self {
        Self { name: T::name, schema: T::schema, parts: T::schemas }
    }

    /// As JSON Schema.
    pub fn schema(self) -> Value {
        serde_json::to_value((self.schema)()).unwrap_or_default()
    }

    /// Those it refers to, by name.
    pub fn parts(self) -> Vec<(String, Value)> {
        let mut parts = Vec::new();
        (self.parts)(&mut parts);
        parts.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default())).collect()
    }
}

/// An event or a signal.
pub struct Told {
    /// As it stands in its frame.
    pub name: &'static str,
    /// What has happened.
    pub summary: &'static str,
    /// Of its data.
    pub shape: Shape,
    /// Whether its data holds the ids of the consultation too: [`Ids`].
    pub ids: bool,
}

fn told<T: ToSchema>(name: &'static str, summary: &'static str) -> Told {
    Told { name, summary, shape: Shape::of::<T>(), ids: false }
}

impl Told {
    fn with_ids(self) -> Self {
        Self { ids: true, ..self }
    }
}

/// The stored, numbered ones.
pub fn events() -> Vec<Told> {
    vec![
        // consultation:<id>
        told::<ParticipantJoined>("participant_joined", "Somebody came").with_ids(),
        told::<ParticipantLeft>("participant_left", "Somebody is gone").with_ids(),
        told::<ParticipantAdmitted>("participant_admitted", "The waiting patient was let in").with_ids(),
        told::<ConsultationStarted>("consultation_started", "Doctor and patient began").with_ids(),
        told::<ConsultationEnded>("consultation_ended", "It is over").with_ids(),
        told::<ConsultationMoved>("consultation_moved", "Its appointment was moved").with_ids(),
        told::<VideoSwitched>("video_provider_switched", "Another provider serves it").with_ids(),
        told::<VideoState>("video_unavailable", "No provider serves it").with_ids(),
        told::<VideoState>("video_restored", "Its provider serves it again").with_ids(),
        told::<MessageSent>("message_sent", "A message; its `seq` is the event's"),
        told::<MessageRead>("message_read", "Somebody has read up to here"),
        told::<MediaChanged>("media_changed", "Somebody's microphone or camera was turned on or off"),
        told::<Somebody>("screen_share_started", "Somebody shares their screen"),
        told::<Somebody>("screen_share_stopped", "Somebody shares their screen no longer"),
        told::<Somebody>("hand_raised", "Somebody wants to say something"),
        told::<Somebody>("hand_lowered", "Somebody does not want to say something any more"),
        told::<AnnotationsSaved>("annotations_saved", "A drawing on the shared screen was kept"),
        told::<WaitingPosition>("waiting_position_changed", "The patient's place in the line"),
        told::<Prescription>("prescription_issued", "A prescription was issued"),
        told::<Prescription>("prescription_sent", "It was handed to a pharmacy"),
        told::<Prescription>("prescription_status_changed", "The pharmacy reports"),
        told::<Prescription>("prescription_withdrawn", "Its doctor withdrew it"),
        // waiting_room:<doctor_id>
        told::<WaitingLine>("waiting_line_changed", "The line in front of a doctor"),
        // user:me
        told::<Notification>("notification", "Something new in the caller's inbox"),
    ]
}

/// Those that are kept nowhere.
pub fn signals() -> Vec<Told> {
    vec![
        told::<Typing>("typing", "Somebody writes in the chat"),
        told::<WebRtc>("signal", "A WebRTC offer, answer or ICE candidate"),
        told::<Cursor>("cursor", "Somebody points at a place of the shared screen"),
        told::<Annotate>("annotate", "Somebody draws on the shared screen"),
        told::<WayIn>("admitted", "The way in, to the patient who was let in"),
        told::<WayIn>("video_access", "A new way in, to each participant, after a change of the provider"),
    ]
}

/// An instant: RFC 3339 in UTC.
#[derive(ToSchema)]
#[schema(value_type = String, format = "date-time")]
pub struct Instant(#[allow(dead_code, reason = "only its shape is wanted")] String);

macro_rules! shapes {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(ToSchema)]
        #[allow(dead_code, reason = "only its shape is wanted; modules write the data")]
        pub struct $name { $($(#[$field_meta])* $field: $type),* }
    )*};
}

shapes! {
    /// What a consultation belongs to.
    Ids { consultation_id: Uuid, appointment_id: Uuid, doctor_id: Uuid, patient_id: Uuid, facility_id: Uuid }
    ParticipantJoined { user_id: Uuid, role: String, reconnected: bool, status: String }
    ParticipantLeft {
        user_id: Uuid,
        role: String,
        /// `left`, `dropped` or `ended`.
        reason: String,
    }
    ParticipantAdmitted { user_id: Option<Uuid>, role: String }
    ConsultationStarted { started_at: Instant }
    ConsultationEnded { status: String, started_at: Option<Instant>, ended_at: Instant, duration_seconds: i64 }
    ConsultationMoved { starts_at: Instant, ends_at: Instant }
    VideoSwitched { from: String, to: String, reason: String, version: i64 }
    VideoState { provider: Option<String>, reason: String, version: Option<i64> }
    MessageSent {
        consultation_id: Uuid,
        id: Uuid,
        sender_id: Uuid,
        client_message_id: String,
        body: String,
        sent_at: Instant,
    }
    MessageRead { user_id: Uuid, seq: i64 }
    MediaChanged { user_id: Uuid, microphone: bool, camera: bool }
    /// Whom an event is about.
    Somebody { user_id: Uuid }
    AnnotationsSaved { id: Uuid, author_id: Uuid, saved_at: Instant }
    WaitingPosition { position: i32, expected_wait_seconds: i64 }
    WaitingLine { doctor_id: Uuid, waiting: Vec<WaitingEntry> }
    WaitingEntry {
        consultation_id: Uuid,
        patient_id: Uuid,
        position: i32,
        expected_wait_seconds: i64,
        is_emergency: bool,
        starts_at: Instant,
        waiting_since: Option<Instant>,
    }
    Prescription {
        prescription_id: Uuid,
        consultation_id: Uuid,
        doctor_id: Uuid,
        patient_id: Uuid,
        facility_id: Uuid,
        status: String,
        dispatch_id: Option<Uuid>,
    }
    Notification {
        id: Uuid,
        kind: String,
        appointment_id: Option<Uuid>,
        at: Instant,
        read_at: Option<Instant>,
        text: NotificationText,
    }
    /// What to show: clients put the words.
    NotificationText {
        key: String,
        #[schema(value_type = Object)]
        params: Value,
    }
    WayIn { video: VideoResponse }
}
