//! The platform's event envelope as plugins see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that happened, delivered at least once and in order per entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// Unique; a replayed event keeps its id.
    pub id: String,
    /// Past tense, lower snake case: `consultation_ended`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Schema number of `data`.
    pub schema: u32,
    /// The entity it happened to.
    pub entity: Entity,
    /// Version of that entity after the event.
    pub version: u64,
    /// Facility it belongs to.
    pub facility: String,
    /// When it happened.
    pub at: Timestamp,
    /// What the event type says, e.g. [`crate::analytics::ConsultationEnded`].
    pub data: Value,
}

/// Which entity an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entity {
    /// `consultation`, `appointment`, …
    pub kind: String,
    /// Its id.
    pub id: String,
}
