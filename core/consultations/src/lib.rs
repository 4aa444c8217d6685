//! Consultations: the meeting of a doctor and a patient, its waiting room, chat and notes.
//!
//! A consultation is materialised from its accepted appointment by the first command that reaches it. Its actor
//! serialises what happens in it; the waiting line is a projection of consultations and owns nothing.
//!
//! | command | who | events |
//! |---|---|---|
//! | `join`, `leave` | participants | `participant_joined`, `participant_left` |
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
//! `waiting_line_changed`.

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
mod signals;
mod store;
mod timers;
mod video;

pub use actor::{Action, Command, Reply};
pub use annotations::{Annotations, AnnotationsId, NewAnnotations, Stroke, Tool};
pub use appointments::AppointmentFollower;
pub use backup::{BackupLink, Because, offer_backup_link};
pub use consilium_chat::{ChatPolicy, MessageHistory, MessagePage, Reader};
pub use files::SharedFilePage;
pub use history::{PastConsultation, consultation_for_clinician, past_consultations};
pub use line::{WaitingPatient, WaitingPlace};
pub use media::{Media, MediaChange};
pub use model::{
    Consultation, Joined, LeftBecause, Message, NewMessage, Part, Participant, ReadMark, Status, VisitType,
};
pub use notes::{Amendment, AmendmentId, AmendmentText, Notes, NotesText, Signed, Signer};
pub use quality::{Direction, MeasuredMedia, Measurement, ParticipantQuality, QualityAdvice, QualityMinute, Reported};
pub use ratings::{ConsultationRating, RatingDraft, RatingId, RatingPage, RatingTag};
pub use refusal::ConsultationRefusal;
pub use service::{Consultations, Policy};
pub use signals::SignalKind;
pub use timers::AbandonmentTimer;
pub use video::{
    Capabilities, Capability, IceServer, VideoAccess, VideoChoice, VideoFailure, VideoGrant, VideoParticipant,
    VideoReport, VideoRoom, VideoWatch, VideoWish, video_facility, video_reported,
};

use consilium_db::{Result, Session};
use consilium_kernel::{ConsultationId, DoctorId};

/// The consultation as it stands, materialised or not; `None` when no appointment ever led to it.
pub fn consultation(session: &mut Session<'_>, id: ConsultationId) -> Result<Option<Consultation>> {
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
