//! The envelope in which every event leaves its module.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::ids::{EventId, FacilityId};

/// Which entity something is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EntityRef {
    /// `appointment`, `consultation`, …
    pub kind: String,
    /// Its id.
    pub id: Uuid,
}

impl EntityRef {
    /// The entity `kind` with this id.
    pub fn new(kind: &str, id: Uuid) -> Self {
        Self { kind: kind.to_owned(), id }
    }
}

/// A fact that was committed. Delivered at least once, in order per entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventEnvelope {
    /// Past tense, snake case: `appointment_booked`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Which shape `data` has; a changed shape gets the next number.
    pub schema: u16,
    /// The same on every delivery, so that a subscriber can recognise a repetition.
    pub id: EventId,
    /// What it happened to.
    pub entity: EntityRef,
    /// The entity's version after the event.
    pub version: i64,
    /// Whose rows it belongs to.
    pub facility: FacilityId,
    /// When it was committed.
    pub at: Timestamp,
    /// The W3C trace it came from.
    pub trace: Option<String>,
    /// The event itself.
    pub data: serde_json::Value,
}
