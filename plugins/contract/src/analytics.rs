//! `analytics/1`: counts what happened, answers what was counted.

use crate::{Call, Event, Money, Permissions, calls, host::KvWrite};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// The contract's name in manifests.
pub const CONTRACT: &str = "analytics/1";

/// A batch of events, in order, at least once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnEvents {
    /// Only of types that the manifest asks for.
    pub events: Vec<Event>,
}

/// What the batch changes. The host commits the writes together with its cursor: either the events
/// are counted and passed, or neither. A write whose expected version is gone makes the host send
/// the batch again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventsCounted {
    /// In the plugin's own key-value store.
    pub writes: Vec<KvWrite>,
}

/// Data of a `consultation_ended` event (schema 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConsultationEnded {
    /// The consultation.
    pub consultation_id: String,
    /// Who held it.
    pub doctor_id: String,
    /// Who was treated.
    pub patient_id: String,
    /// When it really began.
    pub started_at: Timestamp,
    /// When it really ended.
    pub ended_at: Timestamp,
    /// IANA name of the doctor's zone, which decides the day.
    pub time_zone: String,
    /// What the doctor earned by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Money>,
}

/// Data of a `consultation_rated` event (schema 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConsultationRated {
    /// The consultation.
    pub consultation_id: String,
    /// Whose consultation it was.
    pub doctor_id: String,
    /// When the consultation ended: a rating counts for its day.
    pub ended_at: Timestamp,
    /// IANA name of the doctor's zone.
    pub time_zone: String,
    /// 1 to 5.
    pub rating: u8,
}

/// Asks for one doctor's days, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// Whose.
    pub doctor_id: String,
    /// First day, in the doctor's time zone.
    pub from: Date,
    /// Last day, at most 366 days after the first.
    pub to: Date,
}

/// The days on which something happened, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DoctorReport {
    /// One entry per day with at least one session or rating.
    pub days: Vec<DoctorDay>,
}

/// One doctor's day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DoctorDay {
    /// In the doctor's time zone.
    pub date: Date,
    /// Consultations ended.
    pub sessions: u32,
    /// Mean length; 0 when there were no sessions.
    pub average_duration_seconds: u32,
    /// Mean of 1 to 5, absent without ratings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_rating: Option<f64>,
    /// One entry per currency.
    pub earnings: Vec<Money>,
    /// Different patients seen.
    pub patients: u32,
}

impl Call for OnEvents {
    const METHOD: &'static str = "analytics.on_events";
    type Reply = EventsCounted;

    fn restrict(&mut self, permissions: &Permissions) {
        self.events.retain(|event| permissions.events.contains(&event.kind));
    }
}

calls!(Report => "analytics.report" -> DoctorReport);
