//! Threads and who is in them.

use consilium_kernel::{DoctorId, FacilityId, PatientId, Role, ThreadId, Timestamp, User, UserId};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// Who writes with whom.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ThreadKind {
    /// A patient with those who treat the patient.
    Care,
    /// Clinicians of a facility among themselves.
    Clinicians,
}

/// What somebody is in a thread.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Part {
    /// Whose care it is about.
    Patient,
    /// Treats.
    Doctor,
    /// Assists.
    Nurse,
    /// Dispenses.
    Pharmacist,
}

/// Which threads a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ThreadState {
    /// Can be written in.
    Open,
    /// Can be read.
    Closed,
}

/// Somebody in a thread.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadParticipant {
    /// The account.
    pub user_id: UserId,
    /// What to call them: the account's names. Empty where nobody reads it.
    pub name: String,
    /// What they are in it.
    pub role: Part,
    /// When they came.
    pub added_at: Timestamp,
    /// Up to which `seq` they have read.
    pub read_seq: i64,
}

impl std::fmt::Debug for ThreadParticipant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ThreadParticipant({}, {})", self.user_id, self.role)
    }
}

/// A thread.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// Whose rows it belongs to.
    pub facility_id: FacilityId,
    /// Who writes with whom.
    pub kind: ThreadKind,
    /// Whose care it is about; of threads of kind `care`.
    pub patient_id: Option<PatientId>,
    /// What it is about, in words of whoever opened it.
    pub subject: String,
    /// Who opened it.
    pub opened_by: UserId,
    /// When.
    pub opened_at: Timestamp,
    /// When it was closed, while it is.
    pub closed_at: Option<Timestamp>,
    /// When somebody last wrote, or it was opened.
    pub active_at: Timestamp,
    /// Who is in it now.
    pub participants: Vec<ThreadParticipant>,
    /// Grows with every change but messages.
    pub version: i64,
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Thread({}, {}, version {})", self.id, self.kind, self.version)
    }
}

impl Thread {
    /// What is known of an account that is in it.
    pub fn participant(&self, user: UserId) -> Option<&ThreadParticipant> {
        self.participants.iter().find(|participant| participant.user_id == user)
    }

    /// Under whose key it is sealed.
    pub(crate) fn sealed_under(&self) -> uuid::Uuid {
        self.patient_id.map_or(self.facility_id.uuid(), consilium_kernel::Id::uuid)
    }
}

/// A thread in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadSummary {
    /// The thread.
    pub thread: Thread,
    /// How many messages of others the reader has not read.
    pub unread: i64,
}

/// Somebody to have in a thread: doctors are known by their profile, others by their account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invited {
    /// A doctor.
    DoctorId(DoctorId),
    /// Anybody.
    UserId(UserId),
}

/// A thread to open. Whoever opens it is in it, and so is the patient.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenThread {
    /// Who writes with whom.
    pub kind: ThreadKind,
    /// Whose care it is about; patients need not say that it is theirs.
    pub patient_id: Option<PatientId>,
    /// 1 to 200 characters.
    pub subject: String,
    /// Who else is in it.
    pub participants: Vec<Invited>,
}

impl std::fmt::Debug for OpenThread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenThread({}, {} others)", self.kind, self.participants.len())
    }
}

/// Somebody who is, or may come to be, in a thread, as the other modules know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) user_id: UserId,
    pub(crate) role: Role,
    /// Whether they treat the thread's patient: a doctor by an appointment, a nurse with any doctor of the facility.
    pub(crate) treats: bool,
    /// Of a doctor: whether the facility has verified the licence.
    pub(crate) verified: bool,
}

/// Whoever asks, as their token says.
pub(crate) fn part_of(user: &User) -> Option<Part> {
    match user.role {
        Role::Patient => Some(Part::Patient),
        Role::Doctor => Some(Part::Doctor),
        Role::Nurse => Some(Part::Nurse),
        Role::Pharmacist => Some(Part::Pharmacist),
        Role::Support | Role::Admin => None,
    }
}

/// Which part of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many, 1 to 100; 20 when not said.
    pub limit: Option<i64>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// One page of a list, most recently active first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}
