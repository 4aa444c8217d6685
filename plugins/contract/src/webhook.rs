//! `webhook/1`: what a provider posts to the platform, believed only after the plugin has verified
//! it, and understood only after it is stored.
//!
//! Any plugin may fulfil it beside its own kind. A request at `POST /webhooks/{plugin}` is shown to
//! [`Verify`] at once; if it is genuine, the host stores it under its delivery id, answers the
//! provider, and has it explained by [`Read`] afterwards, as often as it takes.

use crate::{Bytes, calls, notification::DeliveryStatus, payment::PaymentStatus, pharmacy::Dispatch, video::Recording};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The contract's name in manifests.
pub const CONTRACT: &str = "webhook/1";

/// Asks whether a request comes from the provider. Errors: `webhook_forged` (no or a wrong
/// signature), `webhook_stale` (signed too long ago, or in the future), `webhook_malformed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verify {
    /// Names in lower case; repeated headers are joined by a comma.
    pub headers: BTreeMap<String, String>,
    /// What follows the question mark, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The exact bytes, because signatures are over bytes.
    pub body: Bytes,
    /// The host's clock when it arrived.
    pub received_at: Timestamp,
}

/// It is genuine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verified {
    /// The same for every repetition of this delivery and for no other, 1 to 200 bytes: the host
    /// keeps one delivery per id. The provider's event id, or a hash of the body.
    pub delivery_id: String,
    /// What to answer at once where the provider asks a question instead of telling something, such
    /// as a challenge when the webhook is registered. Nothing is stored then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<WebhookReply>,
}

/// An HTTP response to the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookReply {
    /// 200 to 299.
    pub status: u16,
    /// Response headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Response body.
    #[serde(default)]
    pub body: Bytes,
}

/// Asks what a verified delivery means. May be asked more than once for one delivery, so it has no
/// effect but its answer. An error that is not retryable sets the delivery aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Read {
    /// From [`Verified`].
    pub delivery_id: String,
    /// As in [`Verify`].
    pub headers: BTreeMap<String, String>,
    /// As in [`Verify`].
    pub body: Bytes,
    /// As in [`Verify`].
    pub received_at: Timestamp,
}

/// What a delivery means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookFacts {
    /// In order; empty when it says nothing that matters here.
    pub events: Vec<WebhookEvent>,
}

/// A fact in the platform's words, whoever the provider is. Facts may come late, twice, or in the
/// wrong order: each says when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum WebhookEvent {
    /// Somebody came into a room.
    ParticipantJoined(Attendance),
    /// Somebody left a room.
    ParticipantLeft(Attendance),
    /// A room took up its work.
    RoomStarted(RoomChange),
    /// A room is closed.
    RoomEnded(RoomChange),
    /// A recording can be fetched.
    RecordingReady {
        /// As in [`crate::video::Room`].
        room: String,
        /// The file.
        recording: Recording,
    },
    /// A pharmacy did something with a prescription.
    PrescriptionStatus(Dispatch),
    /// A payment or a refund moved.
    PaymentStatus(PaymentStatus),
    /// A message arrived, or did not.
    DeliveryStatus(DeliveryStatus),
    /// Genuine, but of a type that the platform has no word for.
    Other {
        /// The provider's name for it.
        #[serde(rename = "type")]
        kind: String,
    },
    /// A fact that a later minor version has a word for. Plugins never answer it.
    #[serde(other)]
    Unrecognised,
}

/// Somebody came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attendance {
    /// As in [`crate::video::Room`].
    pub room: String,
    /// The platform's id of the person, from [`crate::video::Participant`], where the provider
    /// hands it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<String>,
    /// When, by the provider's clock.
    pub at: Timestamp,
}

/// A room began or ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomChange {
    /// As in [`crate::video::Room`].
    pub room: String,
    /// When, by the provider's clock.
    pub at: Timestamp,
}

calls!(
    Verify => "webhook.verify" -> Verified,
    Read => "webhook.read" -> WebhookFacts,
);
