//! How a participant's connection is: what clients measure, what is kept of it, and what follows.

use consilium_kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::model::Part;

/// Which way media flows, as the client that measures sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Direction {
    /// From the others.
    Inbound,
    /// To the others.
    Outbound,
}

/// What flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MeasuredMedia {
    /// Voices.
    Audio,
    /// Faces.
    Video,
    /// A shared screen.
    Screen,
}

/// One interval of one line, as <https://www.w3.org/TR/webrtc-stats/> lets a client compute it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// When the interval ended.
    pub at: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// What.
    pub media: MeasuredMedia,
    /// Kilobits a second.
    pub bitrate_kbps: u32,
    /// 0 to 100.
    pub packet_loss_percent: f64,
    /// Milliseconds.
    pub jitter_ms: u32,
    /// Milliseconds there and back.
    pub round_trip_ms: u32,
    /// Absent for audio.
    #[serde(default)]
    pub frames_per_second: Option<u32>,
}

/// One line of one minute: means over its measurements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct QualityMinute {
    /// When the minute began.
    pub minute: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// What.
    pub media: MeasuredMedia,
    /// How many measurements.
    pub samples: i32,
    /// Kilobits a second.
    pub bitrate_kbps: i64,
    /// 0 to 100.
    pub packet_loss_percent: f64,
    /// Milliseconds.
    pub jitter_ms: i64,
    /// Milliseconds.
    pub round_trip_ms: i64,
    /// `None` when none were counted.
    pub frames_per_second: Option<i64>,
}

/// How much a connection carries: what its participant is advised to use.
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
pub enum QualityAdvice {
    /// Everything.
    Video,
    /// Voices only.
    Audio,
    /// The chat only.
    Chat,
}

/// What a participant was last advised, and what the next advice follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub advice: QualityAdvice,
    /// The minute in which the last report came.
    pub open_minute: Timestamp,
    /// Bad minutes in a row.
    pub bad_run: i32,
    /// Good minutes in a row.
    pub good_run: i32,
    /// Whether another way was offered since it went badly.
    pub offered: bool,
    /// Reports in the open minute.
    pub batches: i32,
}

/// What a report is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// How many measurements were taken.
    pub accepted: usize,
    /// What to use.
    pub advice: QualityAdvice,
}

/// One participant's connection over the consultation.
#[derive(Debug, Clone, PartialEq)]
pub struct ParticipantQuality {
    /// Whose.
    pub user_id: UserId,
    /// As what they take part.
    pub role: Option<Part>,
    /// What they are advised to use.
    pub advice: QualityAdvice,
    /// Oldest first.
    pub minutes: Vec<QualityMinute>,
}
