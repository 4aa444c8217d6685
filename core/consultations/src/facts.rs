//! What others are told: the shapes of the consultation's events in the outbox and on its topic.

use consilium_db::{Result, Tx, outbox::Fact};
use consilium_kernel::{ConsultationId, EntityRef};
use serde_json::{Map, Value, json};

use crate::{
    decide::Event,
    model::{Consultation, Part},
    topic,
};

/// The kind of timer that gives up a consultation nobody is in.
pub(crate) const ABANDONMENT: &str = "consultation_abandoned";
/// The shape of all events of this module.
const SCHEMA: u16 = 1;

/// A consultation as events name it.
pub(crate) fn entity(id: ConsultationId) -> EntityRef {
    EntityRef::new("consultation", id.uuid())
}

/// Emits the events, then publishes them on the consultation's topic.
pub(crate) fn tell(tx: &mut Tx<'_>, before: &Consultation, after: &Consultation, events: &[Event]) -> Result<()> {
    let subject = after.patient_id.uuid();
    let mut state = before.clone();
    let mut told = Vec::new();
    for event in events {
        state.take(event);
        if let Some((event_type, details)) = fact(&state, after, event) {
            let data = with_context(after, details.clone());
            let fact = Fact {
                entity: entity(after.id),
                version: state.version,
                event_type,
                schema: SCHEMA,
                subject,
                data: &data,
            };
            // Which provider, and why: names and codes, without which the audit log told of a change and not its cause.
            tx.emit_with(fact, event_type.starts_with("video_").then_some(&details))?;
            told.push((event_type, data));
        }
    }
    // Clients learn of their first provider by joining.
    for (event_type, data) in told.iter().filter(|(event_type, _)| *event_type != "video_provider_chosen") {
        tx.publish(&topic(after.id), event_type, subject, data)?;
    }
    Ok(())
}

/// The event as others know it, without the ids of its consultation; `None` for what is nobody else's business.
fn fact(state: &Consultation, after: &Consultation, event: &Event) -> Option<(&'static str, Value)> {
    let told = match event {
        Event::Joined { user_id, role, reconnected, .. } => (
            "participant_joined",
            json!({"user_id": user_id, "role": role, "reconnected": reconnected, "status": after.status}),
        ),
        Event::Left { user_id, role, because } => {
            ("participant_left", json!({"user_id": user_id, "role": role, "reason": because}))
        }
        Event::Admitted => {
            let patient = after.participants.iter().find(|participant| participant.role == Part::Patient);
            let user_id = patient.map(|participant| participant.user_id);
            ("participant_admitted", json!({"user_id": user_id, "role": Part::Patient}))
        }
        Event::Started { at } => ("consultation_started", json!({"started_at": at})),
        Event::Ended { status, at } => {
            let seconds = state.started_at.map_or(0, |started| at.duration_since(started).as_secs());
            let details = json!({
                "status": status, "started_at": state.started_at, "ended_at": at, "duration_seconds": seconds,
            });
            ("consultation_ended", details)
        }
        Event::Moved { starts_at, ends_at } => {
            ("consultation_moved", json!({"starts_at": starts_at, "ends_at": ends_at}))
        }
        Event::VideoChosen { provider, reason, .. } => {
            let version = state.video_number();
            match state.videos.iter().rev().nth(1) {
                None => ("video_provider_chosen", json!({"provider": provider, "reason": reason, "version": version})),
                Some(before) if before.provider == *provider => {
                    ("video_restored", json!({"provider": provider, "reason": reason, "version": version}))
                }
                Some(before) => (
                    "video_provider_switched",
                    json!({"from": before.provider, "to": provider, "reason": reason, "version": version}),
                ),
            }
        }
        Event::VideoLost { reason, .. } => {
            let last = state.videos.last();
            let (provider, version) = (last.map(|choice| &choice.provider), last.map(|choice| choice.number));
            ("video_unavailable", json!({"provider": provider, "reason": reason, "version": version}))
        }
        Event::Opened
        | Event::Waited { .. }
        | Event::Able { .. }
        | Event::MessageSent { .. }
        | Event::MessageRead { .. } => return None,
    };
    Some(told)
}

/// Adds the ids by which subscribers find what an event belongs to.
pub(crate) fn with_context(consultation: &Consultation, details: Value) -> Value {
    let mut data = Map::new();
    data.insert("consultation_id".to_owned(), json!(consultation.id));
    data.insert("appointment_id".to_owned(), json!(consultation.appointment_id));
    data.insert("doctor_id".to_owned(), json!(consultation.doctor_id));
    data.insert("patient_id".to_owned(), json!(consultation.patient_id));
    data.insert("facility_id".to_owned(), json!(consultation.facility_id));
    if let Value::Object(details) = details {
        data.extend(details);
    }
    Value::Object(data)
}
