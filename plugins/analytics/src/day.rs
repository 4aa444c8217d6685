//! One doctor's day as it is stored. Pure: events in, numbers out.

use consilium_plugin_sdk::{
    PluginError,
    contract::{
        Money,
        analytics::{ConsultationEnded, ConsultationRated, DoctorDay},
    },
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Sums from which averages are made when asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Day {
    /// Ids of the events counted here.
    counted: BTreeSet<String>,
    sessions: u32,
    seconds: u64,
    ratings: u32,
    stars: u64,
    /// Minor units by currency.
    earnings: BTreeMap<String, i64>,
    patients: BTreeSet<String>,
    /// Whether an event was counted since it was read.
    #[serde(skip)]
    pub(crate) changed: bool,
}

impl Day {
    /// Counts a consultation.
    pub(crate) fn end(&mut self, event: &str, ended: &ConsultationEnded) {
        if !self.counts(event) {
            return;
        }
        self.sessions += 1;
        let seconds = ended.ended_at.as_second() - ended.started_at.as_second();
        self.seconds += u64::try_from(seconds).unwrap_or(0);
        self.patients.insert(ended.patient_id.clone());
        if let Some(Money { amount_minor, currency }) = &ended.fee {
            let sum = self.earnings.entry(currency.clone()).or_default();
            *sum = sum.saturating_add(*amount_minor);
        }
    }

    /// Counts a rating.
    pub(crate) fn rate(&mut self, event: &str, rated: &ConsultationRated) -> Result<(), PluginError> {
        if !(1..=5).contains(&rated.rating) {
            return Err(PluginError::permanent("event_invalid", "a rating is 1 to 5"));
        }
        if self.counts(event) {
            self.ratings += 1;
            self.stars += u64::from(rated.rating);
        }
        Ok(())
    }

    /// True once per event.
    fn counts(&mut self, event: &str) -> bool {
        let first = self.counted.insert(event.to_owned());
        self.changed |= first;
        first
    }

    pub(crate) fn report(&self, date: Date) -> DoctorDay {
        let average = self.seconds.checked_div(u64::from(self.sessions)).unwrap_or(0);
        DoctorDay {
            date,
            sessions: self.sessions,
            average_duration_seconds: u32::try_from(average).unwrap_or(u32::MAX),
            average_rating: (self.ratings > 0).then(|| self.stars as f64 / f64::from(self.ratings)),
            earnings: self
                .earnings
                .iter()
                .map(|(currency, sum)| Money { amount_minor: *sum, currency: currency.clone() })
                .collect(),
            patients: u32::try_from(self.patients.len()).unwrap_or(u32::MAX),
        }
    }
}
