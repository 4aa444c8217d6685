//! `events/1`: is told what happens on the platform, to tell it on: to a registry, a data warehouse,
//! a hospital's bus.

use crate::{Call, Event, Permissions, host::KvWrite};
use serde::{Deserialize, Serialize};

/// The contract's name in manifests.
pub const CONTRACT: &str = "events/1";

/// A batch of events, in order per entity, at least once. The event's id is the key by which a
/// repetition is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnEvents {
    /// Only of types that the manifest asks for.
    pub events: Vec<Event>,
}

/// The batch is dealt with, and does not come again. When it cannot be, for now, answer a retryable
/// error: all of it comes again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventsTaken {
    /// Events that this plugin can never take; the host sets them aside and shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedEvent>,
    /// Changes of the plugin's own store, committed by the host together with its cursor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<KvWrite>,
}

/// An event that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RejectedEvent {
    /// The event's id.
    pub id: String,
    /// Why, as a stable machine code.
    pub code: String,
    /// Why, in a sentence for operators without patient data.
    pub message: String,
}

impl Call for OnEvents {
    const METHOD: &'static str = "events.on_events";
    type Reply = EventsTaken;

    fn restrict(&mut self, permissions: &Permissions) {
        self.events.retain(|event| permissions.events.contains(&event.kind));
    }
}
