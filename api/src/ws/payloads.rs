//! What commands and signals carry. A field that is not known is refused, as over HTTP; only what passes between
//! clients (`signal`, `typing`) may hold more than is written here.

use consilium_consultations::MediaChange;
use consilium_kernel::Refusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::media::StrokeBody;

/// How far the chat was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRead {
    /// Up to and including this event of the topic.
    #[schema(minimum = 0)]
    pub seq: i64,
}

/// What a message is to say instead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EditedMessage)]
pub struct EditMessage {
    /// Which.
    pub message_id: Uuid,
    /// All of the new text.
    #[schema(min_length = 1, max_length = 8000)]
    pub body: String,
}

/// A message to take back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeletedMessage)]
pub struct DeleteMessage {
    /// Which.
    pub message_id: Uuid,
}

/// Microphone and camera; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMedia {
    #[serde(default)]
    #[schema(nullable = false)]
    microphone: Option<bool>,
    #[serde(default)]
    #[schema(nullable = false)]
    camera: Option<bool>,
}

/// The own screen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareScreen {
    /// Whether it is shared from now on.
    sharing: bool,
}

/// The own hand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RaiseHand {
    /// False lowers it.
    #[serde(default = "yes")]
    raised: bool,
}

fn yes() -> bool {
    true
}

impl From<SetMedia> for MediaChange {
    fn from(SetMedia { microphone, camera }: SetMedia) -> Self {
        Self::Devices { microphone, camera }
    }
}

impl From<ShareScreen> for MediaChange {
    fn from(ShareScreen { sharing }: ShareScreen) -> Self {
        Self::Screen { sharing }
    }
}

impl From<RaiseHand> for MediaChange {
    fn from(RaiseHand { raised }: RaiseHand) -> Self {
        Self::Hand { raised }
    }
}

/// Which part of setting up a WebRTC connection a signal is.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalPart {
    Offer,
    Answer,
    Ice,
}

/// A WebRTC offer, answer or ICE candidate.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct WebRtc {
    pub kind: SignalPart,
    /// The account it is for; everybody in the room when absent.
    pub to: Option<Uuid>,
    /// Names the sender's RTCPeerConnection.
    pub call: Option<String>,
    /// The receiver's one that it is meant for, once the sender knows it.
    pub re: Option<String>,
    /// Of an offer or an answer.
    pub sdp: Option<String>,
    /// Of a candidate: an RTCIceCandidateInit.
    #[schema(value_type = Option<Object>)]
    pub candidate: Option<serde_json::Value>,
}

/// Points at a place of a shared screen.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// From the left edge (0) to the right one (1).
    #[schema(minimum = 0, maximum = 1)]
    x: f64,
    /// From the upper edge (0) to the lower one (1).
    #[schema(minimum = 0, maximum = 1)]
    y: f64,
    /// Whose screen; the one that is shared when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    of: Option<Uuid>,
}

/// Draws on a shared screen, or wipes what one has drawn.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Annotate {
    /// One more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    stroke: Option<StrokeBody>,
    /// Instead of a stroke.
    #[serde(default)]
    clear: bool,
    /// Whose screen; the one that is shared when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    of: Option<Uuid>,
}

/// Whether the caller consents to being recorded.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerRecording {
    pub recording_id: Uuid,
    /// False refuses, or takes the consent back.
    pub given: bool,
    /// The version of the text that was shown.
    pub text_version: String,
}

/// Ends a recording; one that has not begun is taken back.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopRecording {
    pub recording_id: Uuid,
}

/// Writes in the chat at this moment, or no longer.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct Typing {
    #[schema(nullable = false)]
    typing: Option<bool>,
}

impl Cursor {
    pub fn check(&self) -> Result<(), Refusal> {
        for (pointer, place) in [("/data/x", self.x), ("/data/y", self.y)] {
            if !(0.0..=1.0).contains(&place) {
                return Err(Refusal::field(pointer, "out_of_range", "is not between 0 and 1"));
            }
        }
        Ok(())
    }
}

impl Annotate {
    pub fn check(&self) -> Result<(), Refusal> {
        match (&self.stroke, self.clear) {
            (Some(stroke), false) => {
                let errors = consilium_consultations::Stroke::from(stroke.clone()).check("/data/stroke");
                if errors.is_empty() { Ok(()) } else { Err(Refusal::invalid(errors)) }
            }
            (None, true) => Ok(()),
            _ => Err(Refusal::field("/data", "invalid", "holds either a stroke or clear")),
        }
    }
}
