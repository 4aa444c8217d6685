//! Recordings, what was agreed about them, and their parts.

use consilium_consultations::Part;
use consilium_files::MediaType;
use consilium_kernel::{ConsultationId, EntityRef, FacilityId, Id, PatientId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// Marks the id of a recording; has no values.
pub enum RecordingMark {}
/// Names one recording.
pub type RecordingId = Id<RecordingMark>;

macro_rules! words {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $word:ident,)+ })+) => {$(
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter,
            IntoStaticStr,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $word,)+ }
    )+};
}
pub(crate) use words;

words! {
    /// What is recorded.
    pub enum Media {
        /// Cameras and microphones.
        Video,
        /// Microphones.
        Audio,
        /// A shared screen.
        Screen,
    }

    /// Where a recording stands.
    pub enum Status {
        /// Asked for; not everybody has consented.
        Requested,
        /// Going on.
        Recording,
        /// Over; what was recorded before may still come in for a moment.
        Stopped,
        /// Its segments are being joined.
        Processing,
        /// To be played.
        Ready,
        /// There is nothing to be played.
        Failed,
        /// Somebody refused before it began.
        Refused,
        /// Taken back, or the consultation ended, before it began.
        Lapsed,
        /// Its bytes are gone, or on their way.
        Deleted,
    }

    /// Why a recording stopped.
    pub enum StopReason {
        /// A participant stopped it.
        Stopped,
        /// Somebody who was to consent refused.
        ConsentRefused,
        /// Somebody took their consent back.
        ConsentWithdrawn,
        /// Somebody came who had not consented.
        ConsentMissing,
        /// The consultation ended.
        ConsultationEnded,
    }

    /// Why there is nothing to be played.
    pub enum FailReason {
        /// No segment ever came.
        NothingRecorded,
        /// Its bytes could not be joined, again and again.
        NotProcessed,
        /// Its patient's records were erased.
        Erased,
    }

    /// What somebody said to being recorded.
    pub enum Decision {
        /// Yes.
        Given,
        /// No.
        Refused,
        /// No longer.
        Withdrawn,
    }
}

/// What a participant said, when, and to which text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Whose it is.
    pub user_id: UserId,
    /// As what they took part.
    pub role: Part,
    /// What they said.
    pub decision: Decision,
    /// The version of the text that they were shown.
    pub text_version: String,
    /// When.
    pub decided_at: Timestamp,
}

/// A recording without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Its id.
    pub id: RecordingId,
    /// Whose rows it belongs to.
    pub facility_id: FacilityId,
    /// What is recorded.
    pub consultation_id: ConsultationId,
    /// Under whose key it is kept.
    pub patient_id: PatientId,
    /// Who asked for it, and whose client records.
    pub requested_by: UserId,
    /// What is recorded of it.
    pub media: Media,
    /// Where it stands.
    pub status: Status,
    /// Why it stopped, once it has.
    pub stopped_because: Option<StopReason>,
    /// Why it failed, if it did.
    pub failed_because: Option<FailReason>,
    /// The version of the text that everybody is to be shown.
    pub text_version: String,
    /// What participants said, oldest first; the newest of an account counts.
    pub consents: Vec<Consent>,
    /// By the content of its first segment.
    pub media_type: Option<MediaType>,
    /// Segments that are kept, or were before they were joined.
    pub segments: i64,
    /// Their bytes.
    pub received: u64,
    /// Bytes of the whole, once it is ready.
    pub length: Option<u64>,
    /// SHA-256 of the whole, once it is ready.
    pub sha256: Option<Vec<u8>>,
    /// How long it plays; `None` where nothing could find that out.
    pub duration_ms: Option<i64>,
    /// A JPEG picture out of it, in base64; `None` where nothing could make one.
    pub thumbnail: Option<String>,
    /// `ffmpeg`, or `none` when the segments were only joined.
    pub processed_with: Option<String>,
    /// Of processing, 0 to 100.
    pub progress: i32,
    /// Whether it must not be deleted.
    pub held: bool,
    /// The video provider that made it; `None` when a client did.
    pub provider: Option<String>,
    /// Of a provider's: the recording whose consents it was made under, and whose consents are its own.
    pub agreed_in: Option<RecordingId>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When everybody had consented.
    pub started_at: Option<Timestamp>,
    /// When it stopped.
    pub stopped_at: Option<Timestamp>,
    /// Until when segments of a stopped one are kept.
    pub closes_at: Option<Timestamp>,
    /// When it could be played first.
    pub ready_at: Option<Timestamp>,
    /// When it is deleted, unless it is held.
    pub expires_at: Option<Timestamp>,
    /// Grows with every change but those of segments and progress.
    pub version: i64,
}

impl Recording {
    /// One that was asked for just now; nobody has said anything yet.
    pub(crate) fn requested(
        id: RecordingId,
        (facility_id, consultation_id, patient_id): (FacilityId, ConsultationId, PatientId),
        requested_by: UserId,
        media: Media,
        text_version: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            facility_id,
            consultation_id,
            patient_id,
            requested_by,
            media,
            status: Status::Requested,
            stopped_because: None,
            failed_because: None,
            text_version: text_version.to_owned(),
            consents: Vec::new(),
            media_type: None,
            segments: 0,
            received: 0,
            length: None,
            sha256: None,
            duration_ms: None,
            thumbnail: None,
            processed_with: None,
            progress: 0,
            held: false,
            provider: None,
            agreed_in: None,
            requested_at: now,
            started_at: None,
            stopped_at: None,
            closes_at: None,
            ready_at: None,
            expires_at: None,
            version: 1,
        }
    }

    /// How events and the audit log name it.
    pub(crate) fn entity(&self) -> EntityRef {
        EntityRef::new("recording", self.id.uuid())
    }

    /// What an account said last.
    pub fn consent_of(&self, user: UserId) -> Option<Decision> {
        self.consents.iter().rev().find(|consent| consent.user_id == user).map(|consent| consent.decision)
    }
}

/// A segment on its way in.
#[derive(Debug, Clone)]
pub struct NewSegment {
    /// From 1, without gaps.
    pub number: i64,
    /// Its bytes.
    pub bytes: bytes::Bytes,
}

/// A segment that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its number.
    pub number: i64,
    /// Its bytes.
    pub length: u64,
    /// Their SHA-256.
    pub sha256: Vec<u8>,
}
