//! `notification/1`: carries a message to one person over one channel. What becomes of it comes as
//! `delivery_status` by [`crate::webhook`].

use crate::{Reconciled, Sensitive, calls, fhir::Priority};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The contract's name in manifests.
pub const CONTRACT: &str = "notification/1";

/// Sends one message. The platform has chosen the recipient, the channel, the hour and the words;
/// the plugin carries them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Send {
    /// The same key is sent once, however often it is asked.
    pub idempotency_key: String,
    /// To whom, which also says over which channel.
    pub to: Recipient,
    /// E-mail only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The words: of a text message, of an e-mail, of a push message, or to be spoken.
    pub text: String,
    /// E-mail only: the same in HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// What it is about, from the platform's catalogue: `appointment_accepted`, `verification`.
    /// Providers use it to choose a registered template or a route.
    pub category: String,
    /// BCP 47, the language of the words.
    pub language: String,
    /// How soon.
    #[serde(default)]
    pub priority: Priority,
    /// After this it is worth nothing, and must not arrive any more where the provider can help it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// To whom, and over which channel. In-app messages are the platform's own and never come here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum Recipient {
    /// An e-mail address.
    Email {
        /// RFC 5321 mailbox.
        address: String,
        /// For the `To` header.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A text message.
    Sms {
        /// E.164.
        phone: String,
    },
    /// A call in which a machine speaks.
    Voice {
        /// E.164.
        phone: String,
    },
    /// A browser's push subscription (RFC 8030, RFC 8291).
    Push {
        /// Where to push.
        endpoint: Sensitive,
        /// The browser's public key, base64url.
        p256dh: String,
        /// The browser's authentication secret, base64url.
        auth: Sensitive,
    },
}

/// The provider has taken it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sent {
    /// The provider's name for the message.
    pub reference: String,
    /// How far it is already.
    pub status: DeliveryState,
}

/// Asks what became of a message with this key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reconcile {
    /// Of [`Send`].
    pub idempotency_key: String,
}

/// What became of a message, told by the provider's webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

calls!(
    Send => "notification.send" -> Sent,
    Reconcile => "notification.reconcile" -> Reconciled<Sent>,
);
