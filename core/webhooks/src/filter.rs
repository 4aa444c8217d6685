//! Which events a subscription wants: exact types, or all that begin alike.

use serde::{Deserialize, Serialize};

use crate::catalogue::EVENTS;

/// One entry of `event_types`: `appointment_booked`, `appointment_*`, or `*` for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventFilter(String);

impl EventFilter {
    /// The entry, if there is an event that it wants.
    pub fn parse(text: &str) -> Option<Self> {
        let filter = Self(text.to_owned());
        EVENTS.iter().any(|event| filter.wants(event.event_type)).then_some(filter)
    }

    /// Whether it wants events of this type.
    pub fn wants(&self, event_type: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => event_type.starts_with(prefix),
            None => self.0 == event_type,
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether any of `filters` wants events of this type.
pub fn wanted(filters: &[EventFilter], event_type: &str) -> bool {
    filters.iter().any(|filter| filter.wants(event_type))
}
