//! Issues and their history. What somebody wrote is never printed by `Debug`.

use std::fmt;

use consilium_consultations::{BackupLink, Part};
use consilium_kernel::{ConsultationId, EntityRef, FacilityId, Id, PatientId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// Marks the id of an issue; has no values.
pub enum IssueMark {}
/// Names one issue.
pub type IssueId = Id<IssueMark>;

/// What does not work.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Category {
    /// No sound, or bad sound.
    Audio,
    /// No picture, or a bad one.
    Video,
    /// Sharing a screen.
    ScreenShare,
    /// Messages or files.
    Chat,
    /// Coming in, or staying in.
    Connection,
    /// Camera, microphone, browser.
    Device,
    /// Anything else.
    Other,
}

impl Category {
    /// Whether another video provider may help.
    pub(crate) fn is_media(self) -> bool {
        matches!(self, Self::Audio | Self::Video | Self::ScreenShare | Self::Connection)
    }
}

/// How bad it is for whoever reports it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// A nuisance.
    Low,
    /// The consultation goes on with difficulty.
    Medium,
    /// It cannot go on like this.
    High,
}

/// Where an issue stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum IssueStatus {
    /// Nobody has it yet.
    Open,
    /// Somebody is at it.
    Assigned,
    /// Done.
    Resolved,
}

/// What somebody reports.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct IssueDraft {
    /// What does not work.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// In their words: 1 to 2,000 characters.
    pub description: String,
    /// What their client knows of itself: a JSON object of at most 8 KiB.
    pub diagnostics: Option<serde_json::Value>,
}

/// An issue.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// Its id.
    pub id: IssueId,
    /// Where.
    pub facility_id: FacilityId,
    /// In which consultation.
    pub consultation_id: ConsultationId,
    /// Under whose key it is sealed.
    pub patient_id: PatientId,
    /// Who reported it.
    pub reporter_id: UserId,
    /// As what they take part.
    pub reporter_role: Part,
    /// What does not work.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: IssueStatus,
    /// Who handles it.
    pub assignee_id: Option<UserId>,
    /// In the reporter's words.
    pub description: String,
    /// What the reporter's client knew.
    pub diagnostics: Option<serde_json::Value>,
    /// When it was reported.
    pub reported_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
}

impl Issue {
    /// How events and the audit log name it.
    pub fn entity(&self) -> EntityRef {
        EntityRef::new("support_issue", self.id.uuid())
    }
}

/// What happened to an issue.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EntryKind {
    /// Somebody reported it.
    Reported,
    /// Both sides were offered another way.
    BackupLinkOffered,
    /// The consultation went on at another video provider.
    ProviderSwitched,
    /// There was no other video provider.
    ProviderKept,
    /// Somebody was given it.
    Assigned,
    /// Somebody wrote.
    Commented,
    /// It was done.
    Resolved,
}

/// One line of an issue's history.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: uuid::Uuid,
    /// What happened.
    pub kind: EntryKind,
    /// Who did it; `None` for the platform.
    pub author_id: Option<UserId>,
    /// What they wrote, or which provider.
    pub text: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What a report is answered with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IssueReported {
    /// The issue.
    pub issue: Issue,
    /// Another way to meet; `None` when the consultation is over.
    pub backup: Option<BackupLink>,
}

/// Which issues are listed.
#[derive(Debug, Clone, Default)]
pub struct IssueFilter {
    /// Only this status.
    pub status: Option<IssueStatus>,
    /// Only this severity.
    pub severity: Option<Severity>,
    /// How many, 1 to 100; 20 when not said.
    pub limit: Option<i64>,
    /// Where the page before ended.
    pub cursor: Option<IssueId>,
}

/// A part of the list, the newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct IssuePage {
    /// The issues.
    pub items: Vec<Issue>,
    /// Where the next page begins.
    pub next_cursor: Option<IssueId>,
}

impl fmt::Debug for IssueDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssueDraft({}, {})", self.category, self.severity)
    }
}

impl fmt::Debug for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issue({}, {}, {}, {})", self.id, self.category, self.severity, self.status)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({})", self.kind)
    }
}
