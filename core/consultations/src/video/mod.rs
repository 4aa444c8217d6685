//! The way into a video room, as consultations ask providers for it. How a provider is reached is not their business.

mod choice;
mod closing;
mod failover;
mod reports;
mod switch;
mod watch;

use consilium_kernel::{ConsultationId, FacilityId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

pub use choice::{CAPABILITY, Capabilities, Capability, ENDED, FIRST_CHOICE, RECOVERED, REPORTED, VideoChoice};
pub use closing::RoomClosingTimer;
pub(crate) use closing::close_rooms;
pub use reports::{VideoReport, video_facility, video_reported};
pub use watch::VideoWatch;

use crate::model::{Consultation, Part, VisitType};

/// The consultation that a room is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoRoom {
    /// The consultation; the same one always leads to the same room.
    pub consultation_id: ConsultationId,
    /// Whose providers are meant.
    pub facility_id: FacilityId,
    /// The booked start.
    pub starts_at: Timestamp,
    /// The booked end.
    pub ends_at: Timestamp,
    /// Without a picture.
    pub audio_only: bool,
}

impl VideoRoom {
    /// The room of a consultation.
    pub(crate) fn of(consultation: &Consultation) -> Self {
        Self {
            consultation_id: consultation.id,
            facility_id: consultation.facility_id,
            starts_at: consultation.starts_at,
            ends_at: consultation.ends_at,
            audio_only: consultation.visit_type == crate::VisitType::Audio,
        }
    }
}

/// Somebody who is to be let into a room.
#[derive(Clone, PartialEq, Eq)]
pub struct VideoParticipant {
    /// The account.
    pub user_id: UserId,
    /// The doctor moderates.
    pub role: Part,
    /// As shown to the others.
    pub display_name: String,
}

/// A STUN or TURN server, shaped like the W3C's `RTCIceServer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// `stun:`, `turn:` and `turns:` URLs.
    pub urls: Vec<String>,
    /// TURN only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// TURN only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// One participant's way into a room. Minted on every join and never stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoGrant {
    /// The provider's plugin.
    pub provider: String,
    /// The number of the provider's choice: whoever hears of a higher one joins again.
    pub version: i64,
    /// The room's name at the provider.
    pub room: String,
    /// A page to open, for providers that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_url: Option<String>,
    /// For the provider's SDK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// For media between the participants themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ice_servers: Option<Vec<IceServer>>,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What a client must be able to do, any of them; empty when nothing is known.
    #[serde(skip)]
    pub ways: Capabilities,
}

impl VideoGrant {
    /// Whether a client with these capabilities can use it; one that says nothing can do everything.
    pub(crate) fn fits(&self, able: Option<&Capabilities>) -> bool {
        self.ways.is_empty() || able.is_none_or(|able| !self.ways.is_disjoint(able))
    }
}

impl std::fmt::Debug for VideoGrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VideoGrant({}, …)", self.provider)
    }
}

/// Whose providers are meant, and which one is preferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoWish {
    /// Whose.
    pub facility_id: FacilityId,
    /// The doctor's favourite.
    pub preferred: Option<String>,
}

/// Why a provider did not serve: a code that holds nothing of patients and no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoFailure(pub String);

/// Video providers; implemented over the plugins. Every call is bounded in time.
#[async_trait::async_trait]
pub trait VideoAccess: Send + Sync {
    /// The providers that can be asked now, in the order of preference.
    async fn providers(&self, wish: &VideoWish) -> Vec<String>;
    /// What is known against a provider now: a code such as `breaker_open`.
    async fn trouble(&self, provider: &str) -> Option<String>;
    /// The provider's name of the room, which is made if it is not there. The same consultation leads to the same
    /// room.
    async fn create_room(&self, provider: &str, room: &VideoRoom) -> Result<String, VideoFailure>;
    /// The way into the room that the provider calls `name`, for one participant.
    async fn access(
        &self,
        provider: &str,
        name: &str,
        room: &VideoRoom,
        participant: &VideoParticipant,
    ) -> Result<VideoGrant, VideoFailure>;
    /// Closes the room that the provider calls `name`. Closing it twice is fine.
    async fn end_room(&self, provider: &str, name: &str) -> Result<(), VideoFailure>;
}

impl Consultation {
    /// Whether it is held in a video room.
    pub(crate) fn has_room(&self) -> bool {
        matches!(self.visit_type, VisitType::Video | VisitType::Audio)
    }

    /// The provider that serves it now.
    pub fn video(&self) -> Option<&VideoChoice> {
        self.videos.last().filter(|choice| choice.left_at.is_none())
    }

    /// The number of the newest choice; 0 before the first one.
    pub(crate) fn video_number(&self) -> i64 {
        self.videos.last().map_or(0, |choice| choice.number)
    }

    /// What the clients of all participants can do; `None` when none of them said.
    pub(crate) fn able(&self) -> Option<Capabilities> {
        let said = self.participants.iter().filter_map(|participant| participant.capabilities.as_ref());
        said.cloned().reduce(|all, one| &all & &one)
    }
}
