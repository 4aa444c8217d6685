//! Counts per doctor and day from events, and answers reports.
//!
//! The key `day/<doctor>/<date>` holds one [`Day`], with the ids of the events counted in it: an
//! event that comes again finds itself there. Every event belongs to exactly one day, that of the
//! consultation's end in the doctor's time zone. Nothing is written here; the host commits the
//! writes of an answer together with its cursor.

mod day;

use consilium_plugin_sdk::{
    AnalyticsSink, Host, Plugin, PluginError,
    contract::{
        Event,
        analytics::{ConsultationEnded, ConsultationRated, DoctorReport, EventsCounted, OnEvents, Report},
        host::{KvList, KvWrite},
    },
    export_plugin,
};
use day::Day;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::{BTreeMap, btree_map::Entry};

const LONGEST_RANGE_DAYS: i32 = 366;
/// A month at a time: a busy day has some tens of kilobytes, and a list may not pass 4 MiB.
const PAGE: u32 = 31;

/// Nothing to configure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// The plugin. It holds nothing: whatever it knows is in the store.
pub struct Analytics;

impl Plugin for Analytics {
    type Config = Config;

    fn create(_: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self)
    }
}

impl AnalyticsSink for Analytics {
    fn on_events(&self, host: &Host<'_>, request: OnEvents) -> Result<EventsCounted, PluginError> {
        let mut days = Touched { host, days: BTreeMap::new() };
        for event in request.events {
            match (event.kind.as_str(), event.schema) {
                ("consultation_ended", 1) => {
                    let ended: ConsultationEnded = data(&event)?;
                    days.of(&ended.doctor_id, ended.ended_at, &ended.time_zone)?.end(&event.id, &ended);
                }
                ("consultation_rated", 1) => {
                    let rated: ConsultationRated = data(&event)?;
                    days.of(&rated.doctor_id, rated.ended_at, &rated.time_zone)?.rate(&event.id, &rated)?;
                }
                // Something newer than this plugin, or nothing to count.
                _ => {}
            }
        }
        Ok(EventsCounted { writes: days.writes()? })
    }

    fn report(&self, host: &Host<'_>, request: Report) -> Result<DoctorReport, PluginError> {
        let range = request.from.until(request.to).map_err(|e| invalid("range_invalid", &e))?.get_days();
        if !(0..=LONGEST_RANGE_DAYS).contains(&range) {
            let message = format!("a report covers up to {LONGEST_RANGE_DAYS} days, forwards");
            return Err(PluginError::permanent("range_invalid", message));
        }
        let prefix = format!("day/{}/", request.doctor_id);
        let mut from = format!("{prefix}{}", request.from);
        let mut days = Vec::new();
        loop {
            let list = KvList { prefix: prefix.clone(), from: Some(from.clone()), limit: PAGE };
            let entries = host.kv_list(&list)?;
            let full = entries.len() == PAGE as usize;
            for entry in entries {
                let date = entry.key.strip_prefix(&prefix).unwrap_or_default();
                let date: Date = date.parse().map_err(|e| invalid("store_invalid", &e))?;
                if date > request.to {
                    return Ok(DoctorReport { days });
                }
                let day: Day = parse(entry.value, "store_invalid")?;
                days.push(day.report(date));
                // The next page begins right after this key.
                from = format!("{}\0", entry.key);
            }
            if !full {
                return Ok(DoctorReport { days });
            }
        }
    }
}

/// The days that a batch touches, each read once.
struct Touched<'a> {
    host: &'a Host<'a>,
    /// By key: the version read, and the day as it is now.
    days: BTreeMap<String, (u64, Day)>,
}

impl Touched<'_> {
    fn of(&mut self, doctor: &str, at: Timestamp, zone: &str) -> Result<&mut Day, PluginError> {
        let zone = TimeZone::get(zone).map_err(|e| invalid("event_invalid", &e))?;
        let key = format!("day/{doctor}/{}", at.to_zoned(zone).date());
        match self.days.entry(key) {
            Entry::Occupied(known) => Ok(&mut known.into_mut().1),
            Entry::Vacant(unknown) => {
                let stored = self.host.kv_get(unknown.key())?;
                let version = stored.as_ref().map_or(0, |entry| entry.version);
                let day = match stored {
                    Some(entry) => parse(entry.value, "store_invalid")?,
                    None => Day::default(),
                };
                Ok(&mut unknown.insert((version, day)).1)
            }
        }
    }

    fn writes(self) -> Result<Vec<KvWrite>, PluginError> {
        let changed = self.days.into_iter().filter(|(_, (_, day))| day.changed);
        changed
            .map(|(key, (version, day))| {
                let value = serde_json::to_value(day).map_err(|e| invalid("store_invalid", &e))?;
                Ok(KvWrite { key, value: Some(value), expected: Some(version) })
            })
            .collect()
    }
}

fn data<T: DeserializeOwned>(event: &Event) -> Result<T, PluginError> {
    parse(event.data.clone(), "event_invalid")
}

fn parse<T: DeserializeOwned>(value: serde_json::Value, code: &str) -> Result<T, PluginError> {
    serde_json::from_value(value).map_err(|e| invalid(code, &e))
}

fn invalid(code: &str, error: &dyn std::fmt::Display) -> PluginError {
    PluginError::permanent(code, error.to_string())
}

export_plugin!(Analytics, kinds: [analytics], manifest: "../plugin.toml");

#[cfg(test)]
mod tests;
