//! Files, and what is said about them.

use consilium_kernel::{ConsultationId, DoctorId, FacilityId, Id, PatientId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::media::MediaType;

/// Marks the id of a file; has no values.
pub enum File {}
/// Names one file.
pub type FileId = Id<File>;

/// What a file is for. Decides whose key it is kept under, and who may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// To be shared in this consultation.
    Consultation { consultation_id: ConsultationId },
    /// To be shared in this thread.
    Thread { thread_id: ThreadId },
    /// The patient's own record.
    Record,
    /// A document that the doctor who uploads it is to be verified by.
    Credential,
}

/// Where people show each other files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A consultation.
    Consultation(ConsultationId),
    /// A thread outside visits.
    Thread(ThreadId),
    /// The verification of a doctor, in which administrators of the facility see it.
    Verification(DoctorId),
}

impl Place {
    pub(crate) fn id(self) -> uuid::Uuid {
        match self {
            Self::Consultation(id) => id.uuid(),
            Self::Thread(id) => id.uuid(),
            Self::Verification(id) => id.uuid(),
        }
    }

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Consultation(_) => "consultation",
            Self::Thread(_) => "thread",
            Self::Verification(_) => "verification",
        }
    }
}

impl Purpose {
    pub(crate) fn consultation(self) -> Option<ConsultationId> {
        match self {
            Self::Consultation { consultation_id } => Some(consultation_id),
            Self::Thread { .. } | Self::Record | Self::Credential => None,
        }
    }

    pub(crate) fn thread(self) -> Option<ThreadId> {
        match self {
            Self::Thread { thread_id } => Some(thread_id),
            Self::Consultation { .. } | Self::Record | Self::Credential => None,
        }
    }
}

/// Where a file stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Not all of it is there.
    Uploading,
    /// All there; being checked and moved to the store.
    Scanning,
    /// To be had.
    Available,
    /// A scanner found something; the bytes are gone.
    Infected,
    /// Given up by its owner; the bytes go.
    Deleted,
}

/// A wish to upload.
#[derive(Clone)]
pub struct NewUpload {
    /// Bytes that will come.
    pub length: u64,
    /// What it is called, 1 to 255 characters.
    pub name: String,
    /// What the client said of it, to be repeated as it was.
    pub declared: String,
    /// What it is for.
    pub purpose: Purpose,
}

/// A file without its bytes. Prints nothing of its name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its id.
    pub id: FileId,
    /// Whose rows it belongs to.
    pub facility_id: FacilityId,
    /// Who uploaded it.
    pub owner_id: UserId,
    /// The patient whom it is about; nobody for a credential.
    pub patient_id: Option<PatientId>,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it stands.
    pub status: Status,
    /// What it is called.
    pub name: String,
    /// What the client said of it.
    pub declared: String,
    /// What it is, by its content; `None` until enough of it is there.
    pub media_type: Option<MediaType>,
    /// Bytes it has, or will have.
    pub length: u64,
    /// Bytes that are there for good.
    pub received: u64,
    /// Bytes on disk that count.
    pub(crate) spooled: u64,
    /// SHA-256 of the content, once it is available.
    pub sha256: Option<Vec<u8>>,
    /// Whether a scanner looked at it.
    pub scanned: bool,
    /// When an unfinished upload is forgotten.
    pub expires_at: Timestamp,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Grows with every change but those of `received`.
    pub version: i64,
}

impl StoredFile {
    /// Under whose key it is kept: the patient's, or else its owner's.
    pub(crate) fn subject(&self) -> uuid::Uuid {
        self.patient_id.map_or(self.owner_id.uuid(), |patient| patient.uuid())
    }
}

impl std::fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredFile({}, {}, {}/{})", self.id, self.status, self.received, self.length)
    }
}

/// A file in a consultation, thread or verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedFile {
    /// The file.
    pub file: StoredFile,
    /// Who shared it.
    pub shared_by: UserId,
    /// When.
    pub shared_at: Timestamp,
    /// The number of the event that told of it there.
    pub seq: i64,
}
