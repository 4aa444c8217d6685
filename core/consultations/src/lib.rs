//! Consultations: the meeting of a doctor and a patient, its waiting room, chat and notes.
//!
//! A consultation is materialised from its accepted appointment by the first command that reaches it. Its actor
//! serialises what happens in it; the waiting line is a projection of consultations and owns nothing.
//!
//! | command | who | events |
//! |---|---|---|
//! | `join`, `leave` | participants | `participant_joined`, `participant_left` |
//! | `walk_in` | patients, staff for a patient | `participant_joined`, and scheduling's `appointment_walked_in` |
//! | `check_device` | participants | `device_checked` |
//! | `raise_emergency` | the waiting patient | `emergency_raised` |
//! | `invite`, `withdraw_invitation` | the doctor | `participant_invited`, `invitation_withdrawn` |
//! | `delay`, `take_walk_ins` | the doctor, nurses | `doctor_delayed`, `waiting_room_changed` |
//! | `admit`, `start`, `end` | the doctor | `participant_admitted`, `consultation_started`, `consultation_ended` |
//! | `send_message`, `mark_read` | participants | `message_sent`, `message_read` (topic only) |
//! | `edit_message`, `delete_message` | who sent it | `message_edited`, `message_deleted` |
//! | `share_file` | participants | `file_shared` |
//! | `signal` | participants | none: told to whoever is there, kept nowhere |
//! | `change_media` | participants | `media_changed`, `screen_share_started`, `screen_share_stopped`, `hand_raised`, `hand_lowered` (topic only) |
//! | `save_annotations` | participants | `annotations_saved` |
//! | none: providers fail | the platform | `video_provider_chosen` (not on the topic), `video_provider_switched`, `video_unavailable`, `video_restored` |
//! | `put_notes`, `sign_notes`, `amend_notes` | the doctor | `notes_updated`, `notes_signed`, `notes_amended` (never on the topic) |
//! | `rate` | the patient, once it is completed | `consultation_rated` (never on the topic) |
//! | `report_quality` | participants in the room | `quality_advised` (never on the topic), `backup_link_offered` |
//! | `switch_video` | the doctor | `video_provider_switched` |
//!
//! Topics: `consultation:<id>` with these events and `waiting_position_changed`; `waiting_room:<doctor_id>` with
//! `waiting_line_changed` and what a doctor must hear at once.

mod actor;
mod annotations;
mod appointments;
mod backup;
mod chat;
mod commands;
mod decide;
mod facts;
mod files;
mod history;
mod invitations;
mod line;
mod media;
mod model;
mod notes;
mod quality;
mod queries;
mod ratings;
mod record;
mod refusal;
mod service;
mod sessions;
mod signals;
mod store;
mod timers;
mod video;
mod walk_in;

pub use actor::{Action, Command, Reply};
pub use annotations::{Annotations, AnnotationsId, NewAnnotations, Stroke, Tool};
pub use appointments::AppointmentFollower;
pub use backup::{BackupLink, Because, offer_backup_link};
pub use consilium_chat::{ChatPolicy, MessageHistory, MessagePage, Reader};
pub use files::SharedFilePage;
pub use history::{PastConsultation, consultation_for_clinician, past_consultations};
pub use invitations::Invitee;
pub use line::{Delay, DelayReason, NewDelay, WaitingPatient, WaitingPlace, WaitingRoom, WalkIns};
pub use media::{Media, MediaChange};
pub use model::{
    AppointmentKind, Client, Connection, Consultation, Device, DeviceCheck, DeviceState, Invitation, InvitationId,
    Joined, LeftBecause, Message, NewMessage, Part, Participant, ReadMark, Status, Summary, VisitType,
};
pub use notes::{Amendment, AmendmentId, AmendmentText, Notes, NotesText, Signed, Signer};
pub use quality::{Direction, MeasuredMedia, Measurement, ParticipantQuality, QualityAdvice, QualityMinute, Reported};
pub use ratings::{ConsultationRating, RatingDraft, RatingId, RatingPage, RatingTag};
pub use refusal::ConsultationRefusal;
pub use service::{Consultations, Policy};
pub use sessions::{ParticipantSession, SessionPage};
pub use signals::SignalKind;
pub use timers::AbandonmentTimer;
pub use video::{
    Capabilities, Capability, IceServer, RoomClosingTimer, VideoAccess, VideoChoice, VideoFailure, VideoGrant,
    VideoParticipant, VideoReport, VideoRoom, VideoWatch, VideoWish, video_facility, video_reported,
};
pub use walk_in::{NewWalkIn, WalkedIn};

use consilium_db::{Result, Session};
use consilium_kernel::{ConsultationId, DoctorId, Timestamp, UserId};

/// The consultation as it stands, materialised or not; `None` when no appointment ever led to it.
pub fn consultation(session: &mut Session<'_>, id: ConsultationId) -> Result<Option<Consultation>> {
    store::find(session, id)
}

/// Who was there at any time between these two, as far as their connections tell.
pub fn there_between(
    session: &mut Session<'_>,
    id: ConsultationId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<UserId>> {
    store::there_between(session, id, (from, until))
}

/// The consultation that is, or was, held in the room that `provider` calls `room`.
pub fn consultation_in_room(session: &mut Session<'_>, provider: &str, room: &str) -> Result<Option<Consultation>> {
    let Some(id) = store::consultation_in(session, provider, room)? else { return Ok(None) };
    store::find(session, id)
}

/// The live topic of a consultation.
pub fn topic(id: ConsultationId) -> String {
    format!("consultation:{id}")
}

/// The live topic of a doctor's waiting room.
pub fn waiting_room_topic(doctor: DoctorId) -> String {
    format!("waiting_room:{doctor}")
}
