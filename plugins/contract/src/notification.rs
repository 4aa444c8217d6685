//! `notification/1`: carries a message to a person over one channel.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The contract's name in manifests.
pub const CONTRACT: &str = "notification/1";

/// What became of a message, told by the provider's webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryStatus {
    /// The provider's name for the message.
    pub reference: String,
    /// How far it is.
    pub status: DeliveryState,
    /// When, by the provider's clock.
    pub at: Timestamp,
    /// Why it did not arrive, in a word for operators: `unknown_number`, `mailbox_full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Taken by the provider.
    Accepted,
    /// On its way.
    Sent,
    /// Arrived.
    Delivered,
    /// Opened by the recipient.
    Read,
    /// Will not arrive, this time.
    Failed,
    /// Nothing will ever arrive at this address.
    AddressInvalid,
    /// The recipient wants nothing more.
    Unsubscribed,
}
