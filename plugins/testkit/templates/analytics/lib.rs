//! Counts consultations per doctor and day. The host commits what `on_events` answers together with
//! its own place in the events, so nothing is counted twice or forgotten.

use consilium_plugin_sdk::contract::{analytics::*, host::KvWrite};
use consilium_plugin_sdk::{AnalyticsSink, Host, Plugin, PluginError, export_plugin};
use jiff::{civil::Date, tz::TimeZone};
use serde_json::json;
use std::collections::BTreeMap;

/// What the operator configures: nothing.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// The plugin.
pub struct AcmeVideo;

/// What is kept of a doctor's day.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct Day {
    sessions: u32,
    seconds: u64,
    patients: Vec<String>,
}

impl Plugin for AcmeVideo {
    type Config = Config;

    fn create(_: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self)
    }
}

impl AnalyticsSink for AcmeVideo {
    fn on_events(&self, host: &Host<'_>, request: OnEvents) -> Result<EventsCounted, PluginError> {
        // One write per key: several events of a batch may fall on one day.
        let mut days = BTreeMap::<String, (Day, u64)>::new();
        let mut writes = Vec::new();
        for event in request.events.into_iter().filter(|event| event.kind == "consultation_ended") {
            let seen = format!("seen/{}", event.id);
            if host.kv_get(&seen)?.is_some() || writes.iter().any(|write: &KvWrite| write.key == seen) {
                continue;
            }
            let ended: ConsultationEnded = serde_json::from_value(event.data).map_err(unreadable)?;
            let zone = TimeZone::get(&ended.time_zone).map_err(unreadable)?;
            let date = ended.ended_at.to_zoned(zone).date();
            let key = format!("day/{}/{date}", ended.doctor_id);
            if !days.contains_key(&key) {
                days.insert(key.clone(), stored(host, &key)?);
            }
            if let Some((day, _)) = days.get_mut(&key) {
                let seconds = ended.ended_at.as_second().saturating_sub(ended.started_at.as_second());
                day.sessions = day.sessions.saturating_add(1);
                day.seconds = day.seconds.saturating_add(u64::try_from(seconds).unwrap_or_default());
                if !day.patients.contains(&ended.patient_id) {
                    day.patients.push(ended.patient_id);
                }
            }
            writes.push(KvWrite { key: seen, value: Some(json!(true)), expected: Some(0) });
        }
        for (key, (day, version)) in days {
            writes.push(KvWrite { key, value: Some(json!(day)), expected: Some(version) });
        }
        Ok(EventsCounted { writes })
    }

    fn report(&self, host: &Host<'_>, request: Report) -> Result<DoctorReport, PluginError> {
        let days = request.from.series(jiff::Span::new().days(1)).take_while(|date| *date <= request.to).take(367);
        let days = days.map(|date| Ok((date, stored(host, &format!("day/{}/{date}", request.doctor_id))?.0)));
        let days = days.collect::<Result<Vec<_>, PluginError>>()?;
        Ok(DoctorReport { days: days.into_iter().filter(|(_, day)| day.sessions > 0).map(told).collect() })
    }
}

/// A day as it is stored, with its version; a new one has version 0.
fn stored(host: &Host<'_>, key: &str) -> Result<(Day, u64), PluginError> {
    let Some(entry) = host.kv_get(key)? else { return Ok((Day::default(), 0)) };
    Ok((serde_json::from_value(entry.value).map_err(unreadable)?, entry.version))
}

fn told((date, day): (Date, Day)) -> DoctorDay {
    let average = day.seconds / u64::from(day.sessions.max(1));
    DoctorDay {
        date,
        sessions: day.sessions,
        average_duration_seconds: u32::try_from(average).unwrap_or(u32::MAX),
        average_rating: None,
        earnings: Vec::new(),
        patients: u32::try_from(day.patients.len()).unwrap_or(u32::MAX),
    }
}

fn unreadable(error: impl std::fmt::Display) -> PluginError {
    PluginError::permanent("unreadable", error.to_string())
}

export_plugin!(AcmeVideo, kinds: [analytics], manifest: "../plugin.toml");
