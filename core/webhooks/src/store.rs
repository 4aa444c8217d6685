//! The tables of subscriptions and deliveries.

mod deliveries;
mod queue;
mod subscriptions;

use consilium_db::Result;
use consilium_kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::signature::Secret;

pub use deliveries::{Page, deliveries, delivery, enqueue, forget, requeue};
pub use queue::{Attempt, Claimed, Due, backlog, begin_replay, claim, is_due, release, replay_page, settle};
pub use subscriptions::{change, count, delete, find, insert, list, secrets, told, version};

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    webhook_subscription (id) {
        id -> Uuid,
        facility_id -> Uuid,
        endpoint -> Binary,
        description -> Text,
        event_types -> Text,
        disabled_because -> Nullable<Text>,
        failing_since -> Nullable<Instant>,
        replay_until -> Nullable<Instant>,
        replay_at -> Nullable<Instant>,
        replay_id -> Nullable<BigInt>,
        paused_until -> Instant,
        claimed_until -> Instant,
        claim -> BigInt,
        served_at -> Instant,
        created_at -> Instant,
        updated_at -> Instant,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    webhook_delivery (id) {
        id -> Uuid,
        subscription_id -> Uuid,
        event_id -> Uuid,
        event_type -> Text,
        payload -> Text,
        status -> Text,
        attempts -> Integer,
        next_attempt_at -> Instant,
        last_attempt_at -> Nullable<Instant>,
        status_code -> Nullable<Integer>,
        duration_ms -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        created_at -> Instant,
        version -> BigInt,
    }
}

/// What is sealed of a subscription: the address, which may hold a token, and the secrets.
#[derive(Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// Where events are sent.
    pub url: String,
    /// Signs.
    pub secret: Secret,
    /// Replaced ones, which sign too until subscribers have learnt the new one.
    pub previous: Vec<Previous>,
}

/// A replaced secret.
#[derive(Clone, Serialize, Deserialize)]
pub struct Previous {
    /// It signs.
    pub secret: Secret,
    /// Until then.
    pub until: Timestamp,
}

/// A word of a column as the enum it stands for.
fn known<T: std::str::FromStr>(word: &str) -> Result<T> {
    word.parse().map_err(|_| consilium_db::Error::Setup(format!("a webhook has the unknown word {word:?}")))
}
