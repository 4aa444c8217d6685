//! Events as analytics plugins see them: the fields of the contract and no others, so that no patient's words
//! ever reach a plugin that only counts. Of types that the contract does not describe, plugins learn that they
//! happened.

use consilium_db::{Result, Session};
use consilium_kernel::{DoctorId, EventEnvelope};
use consilium_plugin_host::contract::Event;
use serde_json::{Map, Value, json};

const ENDED: &str = "consultation_ended";

/// The fields that the contract describes, by event type; what is not here is taken from the doctor.
const SHOWN: &[(&str, &[&str])] = &[
    (ENDED, &["consultation_id", "doctor_id", "patient_id", "started_at", "ended_at"]),
    ("consultation_rated", &["consultation_id", "doctor_id", "ended_at", "rating"]),
];

/// The event for a plugin; `None` when there is nothing to count in it.
pub(crate) fn shown(session: &mut Session<'_>, event: &EventEnvelope) -> Result<Option<Event>> {
    let data = match SHOWN.iter().find(|(event_type, _)| *event_type == event.event_type) {
        Some((event_type, fields)) => match counted(session, event_type, &event.data, fields)? {
            Some(data) => data,
            None => return Ok(None),
        },
        None => json!({}),
    };
    Ok(Some(consilium_feeder::event(event, data)))
}

/// The fields with the doctor's zone, which decides the day, and fee, both as they were at the end. `None` for a
/// consultation that never took place: nobody came, or it was given up.
fn counted(session: &mut Session<'_>, event_type: &str, data: &Value, fields: &[&str]) -> Result<Option<Value>> {
    if data.get("status").is_some_and(|status| status != "completed") {
        return Ok(None);
    }
    let mut shown = Map::new();
    for field in fields {
        match data.get(*field).filter(|value| !value.is_null()) {
            Some(value) => shown.insert((*field).to_owned(), value.clone()),
            None => return Ok(None),
        };
    }
    let doctor: Option<DoctorId> = data.get("doctor_id").and_then(|id| id.as_str()?.parse().ok());
    let Some(doctor) = doctor.map(|id| consilium_people::doctor(session, id)).transpose()?.flatten() else {
        return Ok(None);
    };
    let zone = data.get("time_zone").cloned().unwrap_or_else(|| json!(doctor.time_zone.name()));
    shown.insert("time_zone".to_owned(), zone);
    // Events of before do not say what was owed; those that do may say that it was nothing.
    let owed = match data.get("fee") {
        Some(fee) => fee.clone(),
        None if event_type == ENDED => json!(doctor.consultation_fee),
        None => Value::Null,
    };
    if !owed.is_null() {
        shown.insert("fee".to_owned(), owed);
    }
    Ok(Some(Value::Object(shown)))
}
