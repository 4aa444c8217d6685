//! Everything that the server tells on topics, in one place: a new event or signal gets its line in [`events`] or
//! [`signals`], and its data a shape below. The AsyncAPI document is made from these, and the journeys check every
//! frame against it: an event that is not here, or that holds a field not written here, fails them.

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

use super::{
    payloads::{Annotate, Cursor, Typing, WebRtc},
    presence::Present,
};
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
        told::<ParticipantInvited>("participant_invited", "Somebody may join; also told to them").with_ids(),
        told::<ParticipantInvited>("invitation_withdrawn", "Somebody may not join any more; also told to them")
            .with_ids(),
        told::<EmergencyRaised>("emergency_raised", "The waiting patient cannot wait").with_ids(),
        told::<DeviceChecked>("device_checked", "Somebody tried camera, microphone and network").with_ids(),
        told::<DoctorDelayed>("doctor_delayed", "The doctor is late, or no longer"),
        told::<VideoSwitched>("video_provider_switched", "Another provider serves it").with_ids(),
        told::<VideoState>("video_unavailable", "No provider serves it").with_ids(),
        told::<VideoState>("video_restored", "Its provider serves it again").with_ids(),
        told::<MessageSent>("message_sent", "A message; its `seq` is the event's"),
        told::<MessageChanged>("message_edited", "A message says something else now"),
        told::<MessageChanged>("message_deleted", "A message was taken back"),
        told::<MessageRead>("message_read", "Somebody has read up to here"),
        told::<MediaChanged>("media_changed", "Somebody's microphone or camera was turned on or off"),
        told::<Somebody>("screen_share_started", "Somebody shares their screen"),
        told::<Somebody>("screen_share_stopped", "Somebody shares their screen no longer"),
        told::<Somebody>("hand_raised", "Somebody wants to say something"),
        told::<Somebody>("hand_lowered", "Somebody does not want to say something any more"),
        told::<AnnotationsSaved>("annotations_saved", "A drawing on the shared screen was kept"),
        told::<FileShared>("file_shared", "Somebody shows the others a file"),
        told::<RecordingFacts>("recording_requested", "Somebody asks whether it may be recorded; `user_id` is who"),
        told::<RecordingFacts>("recording_consent_given", "A participant consents to being recorded"),
        told::<RecordingFacts>("recording_refused", "A participant does not consent: nothing is recorded any more"),
        told::<RecordingFacts>("recording_consent_withdrawn", "A participant takes the consent back"),
        told::<RecordingFacts>("recording_started", "Everybody has consented: from now on it is recorded"),
        told::<RecordingFacts>("recording_stopped", "It is not recorded any more"),
        told::<RecordingFacts>("recording_lapsed", "The wish to record was taken back, or came to nothing"),
        told::<RecordingFacts>("recording_progress", "How far a recording is processed"),
        told::<RecordingFacts>("recording_ready", "A recording can be played"),
        told::<RecordingFacts>("recording_failed", "There is nothing to be played of a recording"),
        told::<RecordingFacts>("recording_deleted", "A recording is gone"),
        told::<BackupLinkOffered>("backup_link_offered", "Another way to meet").with_ids(),
        told::<IssueFacts>("issue_reported", "Somebody reported that something does not work"),
        told::<IssueFacts>("issue_resolved", "Support says that it works again"),
        told::<WaitingPosition>("waiting_position_changed", "The patient's place in the line"),
        told::<Prescription>("prescription_issued", "A prescription was issued"),
        told::<Prescription>("prescription_sent", "It was handed to a pharmacy"),
        told::<Prescription>("prescription_status_changed", "The pharmacy reports"),
        told::<Prescription>("prescription_withdrawn", "Its doctor withdrew it"),
        // thread:<id>, beside those of messages
        told::<ThreadParticipantAdded>("participant_added", "Somebody is in it from now on"),
        told::<ThreadParticipantRemoved>("participant_removed", "Somebody is in it no longer"),
        told::<ThreadChanged>("thread_closed", "Nobody can write in it any more"),
        told::<ThreadChanged>("thread_reopened", "It can be written in again"),
        // waiting_room:<doctor_id>
        told::<WaitingLine>("waiting_line_changed", "The line in front of a doctor"),
        told::<WaitingRoomChanged>("waiting_room_changed", "When patients without an appointment are taken"),
        // user:me
        told::<Notification>("notification", "Something new in the caller's inbox"),
        told::<ThreadOpened>("thread_opened", "The caller is in a thread from now on"),
        told::<FileFacts>("file_stored", "A file of the caller's was checked and can be read"),
        told::<FileFacts>("file_infected", "A file of the caller's holds something harmful"),
        told::<FileFacts>("file_deleted", "A file of the caller's is gone"),
        told::<CredentialFacts>("credential_submitted", "The calling doctor showed a document to whoever verifies"),
        told::<CredentialFacts>("credential_withdrawn", "The calling doctor took a document back"),
    ]
}

/// Those that are kept nowhere.
pub fn signals() -> Vec<Told> {
    vec![
        told::<Typing>("typing", "Somebody writes in the chat"),
        told::<WebRtc>("signal", "A WebRTC offer, answer or ICE candidate"),
        told::<Cursor>("cursor", "Somebody points at a place of the shared screen"),
        told::<Annotate>("annotate", "Somebody draws on the shared screen"),
        told::<Present>("presence", "How somebody stands to the conversation now"),
        told::<QualityAdvice>("quality_advice", "What the caller's connection carries now, to the caller"),
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
        /// `left`, `dropped`, `ended` or `withdrawn`.
        reason: String,
    }
    ParticipantAdmitted { user_id: Option<Uuid>, role: String }
    ConsultationStarted { started_at: Instant }
    ConsultationEnded {
        status: String,
        started_at: Option<Instant>,
        ended_at: Instant,
        duration_seconds: i64,
        /// Whether a timer ended it.
        automatic: bool,
        /// Accounts that have been there.
        participants: i64,
        /// Times that somebody's connection was lost for good.
        interruptions: i64,
        /// In its chat.
        messages: i64,
    }
    ConsultationMoved { starts_at: Instant, ends_at: Instant }
    ParticipantInvited { invitation_id: Uuid, user_id: Uuid, role: String }
    EmergencyRaised { waiting_since: Option<Instant> }
    DeviceChecked { user_id: Uuid, role: String, check: DeviceFound }
    /// What a check of somebody's devices found.
    DeviceFound {
        /// `ok`, `blocked`, `missing`, `failed` or `unchecked`.
        camera: String,
        /// As of the camera.
        microphone: String,
        bandwidth_kbps: Option<i32>,
        browser: Option<String>,
        checked_at: Instant,
    }
    DoctorDelayed {
        doctor_id: Uuid,
        /// 0 when the doctor is late no longer.
        minutes: i64,
        until: Option<Instant>,
        reason: Option<String>,
        text: Option<String>,
        /// Of the patient who is told.
        #[schema(nullable = false)] position: Option<i32>,
        /// Of the patient who is told.
        #[schema(nullable = false)] expected_wait_seconds: Option<i64>,
    }
    VideoSwitched { from: String, to: String, reason: String, version: i64 }
    VideoState { provider: Option<String>, reason: String, version: Option<i64> }
    /// As it stands now: of one that was edited or deleted since, what a [`MessageChanged`] says of it.
    MessageSent {
        /// Of a consultation's chat.
        #[schema(nullable = false)] consultation_id: Option<Uuid>,
        /// Of a thread.
        #[schema(nullable = false)] thread_id: Option<Uuid>,
        id: Uuid,
        sender_id: Uuid,
        client_message_id: String,
        /// Null once it is deleted.
        #[schema(required)] body: Option<String>,
        /// Files that are shown with it.
        #[schema(nullable = false)] attachments: Option<Vec<Uuid>>,
        sent_at: Instant,
        /// Once it was edited or deleted: its own number again.
        #[schema(nullable = false)] message_seq: Option<i64>,
        #[schema(nullable = false)] edited_at: Option<Instant>,
        #[schema(nullable = false)] deleted_at: Option<Instant>,
    }
    MessageChanged {
        /// Of a consultation's chat.
        #[schema(nullable = false)] consultation_id: Option<Uuid>,
        /// Of a thread.
        #[schema(nullable = false)] thread_id: Option<Uuid>,
        id: Uuid,
        /// Which event the message is.
        message_seq: i64,
        sender_id: Uuid,
        client_message_id: String,
        /// Null once it is deleted.
        #[schema(required)] body: Option<String>,
        /// Files that are shown with it.
        #[schema(nullable = false)] attachments: Option<Vec<Uuid>>,
        sent_at: Instant,
        #[schema(nullable = false)] edited_at: Option<Instant>,
        #[schema(nullable = false)] deleted_at: Option<Instant>,
    }
    MessageRead { user_id: Uuid, seq: i64 }
    MediaChanged { user_id: Uuid, microphone: bool, camera: bool }
    /// Whom an event is about.
    Somebody { user_id: Uuid }
    AnnotationsSaved { id: Uuid, author_id: Uuid, saved_at: Instant }
    FileShared {
        /// Of a consultation.
        #[schema(nullable = false)] consultation_id: Option<Uuid>,
        /// Of a thread.
        #[schema(nullable = false)] thread_id: Option<Uuid>,
        file_id: Uuid,
        shared_by: Uuid,
        kind: Option<String>,
        size_bytes: i64,
        /// With which message.
        #[schema(nullable = false)] message_id: Option<Uuid>,
    }
    BackupLinkOffered {
        /// `quality` or `issue`.
        reason: String,
        /// Whose connection it is, with `quality`.
        #[schema(nullable = false)] user_id: Option<Uuid>,
        /// Which issue, with `issue`.
        #[schema(nullable = false)] issue_id: Option<Uuid>,
        path: String,
        next_provider: Option<String>,
        emergency_contacts: Vec<String>,
    }
    IssueFacts {
        issue_id: Uuid,
        consultation_id: Uuid,
        patient_id: Uuid,
        facility_id: Uuid,
        reporter_id: Uuid,
        reporter_role: String,
        category: String,
        severity: String,
        status: String,
        assignee_id: Option<Uuid>,
    }
    RecordingFacts {
        recording_id: Uuid,
        consultation_id: Uuid,
        patient_id: Uuid,
        facility_id: Uuid,
        /// `video`, `audio` or `screen`.
        media: String,
        /// After the event.
        status: String,
        /// The version of the text that participants are shown.
        text_version: String,
        /// Of processing, in percent.
        progress: i32,
        /// `stopped`, `consent_refused`, `consent_withdrawn`, `consent_missing` or `consultation_ended`.
        stopped_because: Option<String>,
        /// `nothing_recorded`, `not_processed` or `erased`.
        failed_because: Option<String>,
        /// Who asks, answers or deletes; null otherwise.
        user_id: Option<Uuid>,
    }
    ThreadParticipantAdded { thread_id: Uuid, user_id: Uuid, role: String }
    ThreadParticipantRemoved { thread_id: Uuid, user_id: Uuid }
    ThreadChanged { thread_id: Uuid, by: Option<Uuid> }
    ThreadOpened { thread_id: Uuid, kind: String }
    FileFacts {
        file_id: Uuid,
        owner_id: Uuid,
        /// Null for a doctor's credentials.
        patient_id: Option<Uuid>,
        consultation_id: Option<Uuid>,
        thread_id: Option<Uuid>,
        status: String,
        kind: Option<String>,
        size_bytes: i64,
    }
    CredentialFacts {
        doctor_id: Uuid,
        user_id: Uuid,
        file_id: Uuid,
        /// `licence`, `diploma` or `identity`.
        kind: String,
    }
    QualityAdvice {
        /// `video` (everything), `audio` or `chat`.
        advice: String,
    }
    WaitingPosition { position: i32, expected_wait_seconds: i64 }
    WaitingLine { doctor_id: Uuid, waiting: Vec<WaitingEntry> }
    WaitingEntry {
        consultation_id: Uuid,
        patient_id: Uuid,
        position: i32,
        expected_wait_seconds: i64,
        /// `booked` or `walk_in`.
        kind: String,
        is_emergency: bool,
        /// 1 (at once) to 5 (not urgent).
        #[schema(nullable = false)] triage_level: Option<i32>,
        starts_at: Instant,
        waiting_since: Option<Instant>,
        #[schema(nullable = false)] device_check: Option<DeviceFound>,
    }
    WaitingRoomChanged { doctor_id: Uuid, walk_ins: String }
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
