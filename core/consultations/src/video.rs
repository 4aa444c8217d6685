//! The way into a video room, as consultations ask for it. Which provider answers is not their business.

use consilium_kernel::{ConsultationId, FacilityId, Refusal, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::model::{Consultation, Part};

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
}

impl std::fmt::Debug for VideoGrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VideoGrant({}, …)", self.provider)
    }
}

/// Gives the way into video rooms; implemented over the plugins.
#[async_trait::async_trait]
pub trait VideoAccess: Send + Sync {
    /// The way into the room for one participant.
    async fn access(&self, room: &VideoRoom, participant: &VideoParticipant) -> Result<VideoGrant, Refusal>;
    /// Closes the room. Closing it twice is fine.
    async fn end_room(&self, room: &VideoRoom) -> Result<(), Refusal>;
}
