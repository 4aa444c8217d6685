//! Events as analytics plugins see them: the fields of the contract and no others, so that no patient's words
//! ever reach a plugin that only counts. Of types that the contract does not describe, plugins learn that they
//! happened.

use consilium_db::{Result, Session};
use consilium_kernel::{DoctorId, EventEnvelope};
use consilium_plugin_host::contract::Event;
use serde_json::{Map, Value, json};

/// The fields that the contract describes, by event type; what is not here is taken from the doctor.
const SHOWN: &[(&str, &[&str])] = &[
    ("consultation_ended", &["consultation_id", "doctor_id", "patient_id", "started_at", "ended_at"]),
    ("consultation_rated", &["consultation_id", "doctor_id", "ended_at", "rating"]),
];

/// The event for a plugin; `None` when there is nothing to count in it.
pub(crate) fn shown(session: &mut Session<'_>, event: &EventEnvelope) -> Result<Option<Event>> {
    let data = match SHOWN.iter().find(|(event_type, _)| *event_type == event.event_type) {
        Some((_, fields)) => match counted(session, &event.data, fields)? {
            Some(data) => data,
            None => return Ok(None),
        },
        None => json!({}),
    };
    Ok(Some(consilium_feeder::event(event, data)))
}

/// The fields with the doctor's zone, which decides the day, and fee. `None` for a consultation that never took
/// place: nobody came, or it was given up.
fn counted(session: &mut Session<'_>, data: &Value, fields: &[&str]) -> Result<Option<Value>> {
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
    shown.insert("time_zone".to_owned(), json!(doctor.time_zone.name()));
    if let Some(fee) = doctor.consultation_fee {
        shown.insert("fee".to_owned(), json!(fee));
    }
    Ok(Some(Value::Object(shown)))
}
