//! The people in a consultation: what each is in it, who was invited, and why somebody went.

use consilium_kernel::{Id, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::video::Capabilities;

/// What somebody is in one consultation. All but doctor and patient are invited by the doctor.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Part {
    /// Leads it.
    Doctor,
    /// Is treated.
    Patient,
    /// Another doctor, who gives advice.
    SecondDoctor,
    /// Assists.
    Nurse,
    /// Translates.
    Interpreter,
}

/// Why somebody is no longer there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LeftBecause {
    /// They left.
    Left,
    /// Their connection was lost and did not come back in time.
    Dropped,
    /// The consultation ended.
    Ended,
    /// Their invitation was withdrawn.
    Withdrawn,
}

/// Somebody who has been in a consultation, or has read in its chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The account.
    pub user_id: UserId,
    /// What they are in it.
    pub role: Part,
    /// Whether they are there now.
    pub present: bool,
    /// When they last came; `None` for somebody who only wrote or read.
    pub joined_at: Option<Timestamp>,
    /// Up to which `seq` they have read the chat.
    pub read_seq: i64,
    /// Which ways into a video room their client can go; `None` when it did not say.
    pub capabilities: Option<Capabilities>,
}

/// Names one invitation.
pub type InvitationId = Id<Invitation>;

/// Somebody whom the doctor asked to join. They accept by joining.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who may come.
    pub user_id: UserId,
    /// As what.
    pub role: Part,
    /// Since when.
    pub invited_at: Timestamp,
    /// Until when, if it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}
