//! Subscriptions and deliveries, and where they stand.

use consilium_kernel::{EventId, Id, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::{filter::EventFilter, signature::Secret};

/// Names one subscription.
pub type SubscriptionId = Id<Subscription>;
/// Names one delivery.
pub type DeliveryId = Id<Delivery>;

/// Why a subscription is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DisabledBecause {
    /// Somebody wanted it so.
    Asked,
    /// The endpoint answered 410.
    Gone,
    /// Nothing but failures for days.
    Failing,
}

/// An endpoint and what it is told. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Where events are sent.
    pub url: String,
    /// What it is for, in its administrator's words.
    pub description: String,
    /// Which events.
    pub event_types: Vec<EventFilter>,
    /// Why it is not served; `None` while it is.
    pub disabled_because: Option<DisabledBecause>,
    /// The first failure after the last success.
    pub failing_since: Option<Timestamp>,
    /// Whether past events are being sent again.
    pub replaying: bool,
    /// When the last of the replaced secrets stops signing.
    pub previous_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i64,
}

/// A subscription with its secret: the answer to creating it, and to rotating the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithSecret {
    /// The subscription.
    pub subscription: Subscription,
    /// Never shown again.
    pub secret: Secret,
}

/// What somebody wants to be told, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscription {
    /// Where events are to be sent.
    pub url: String,
    /// Which events.
    pub event_types: Vec<String>,
    /// What it is for.
    pub description: String,
    /// Whether it is served from now on.
    pub enabled: bool,
}

/// What changes, unchecked; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionPatch {
    /// Where events are to be sent.
    pub url: Option<String>,
    /// Which events.
    pub event_types: Option<Vec<String>>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it is served. True also forgets past failures.
    pub enabled: Option<bool>,
}

/// Where a delivery stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryStatus {
    /// Waits for its first attempt.
    Queued,
    /// The last attempt failed and another will follow.
    Failed,
    /// The endpoint took it.
    Delivered,
    /// Given up: a dead letter, until somebody retries it.
    Dead,
}

/// One event for one subscription: no body and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The `webhook-id`, the same on every attempt and replay.
    pub event_id: EventId,
    /// What happened.
    pub event_type: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts since it was queued.
    pub attempts: i32,
    /// When the next attempt is due, while there is one.
    pub next_attempt_at: Option<Timestamp>,
    /// When the last attempt ended.
    pub last_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    pub status_code: Option<i32>,
    /// How long the last attempt took.
    pub duration_ms: Option<i64>,
    /// Why the last attempt failed: `timeout`, `http_500`, …
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Which part of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many, 1 to 100; 20 when not said.
    pub limit: Option<i64>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// One page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}
