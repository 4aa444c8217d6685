//! What others are told: the shapes of the consultation's events in the outbox and on its topic.

use consilium_db::{Result, Tx, outbox::Fact};
use consilium_kernel::{ConsultationId, EntityRef};
use serde_json::{Map, Value, json};

use crate::{
    decide::Event,
    model::{Consultation, Part, Status},
    store, topic, waiting_room_topic,
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
        if let Some((event_type, mut details)) = fact(&state, after, event) {
            if matches!(event, Event::Ended { .. }) {
                summarise(tx, after, &mut details)?;
            }
            let data = with_context(after, details.clone());
            let kept = match event {
                Event::Ended { status, .. } => terms(tx, after, *status, data.clone())?,
                _ => data.clone(),
            };
            let fact = Fact {
                entity: entity(after.id),
                version: state.version,
                event_type,
                schema: SCHEMA,
                subject,
                data: &kept,
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
    for event in events {
        tell_elsewhere(tx, after, event, &told)?;
    }
    Ok(())
}

/// Adds to the event that is kept what the doctor is owed, and in which zone the day ended, as they are now: who counts
/// later must not take the fee or the zone of then. Nothing is owed for what was not completed.
fn terms(tx: &mut Tx<'_>, after: &Consultation, status: Status, mut data: Value) -> Result<Value> {
    let Some(doctor) = consilium_people::doctor(tx, after.doctor_id)? else { return Ok(data) };
    if let Value::Object(data) = &mut data {
        let fee = doctor.consultation_fee.filter(|_| status == Status::Completed);
        data.insert("fee".to_owned(), json!(fee));
        data.insert("time_zone".to_owned(), json!(doctor.time_zone.name()));
    }
    Ok(data)
}

/// Tells those who do not watch the consultation: whoever was invited, and the doctor in front of the waiting room.
fn tell_elsewhere(tx: &mut Tx<'_>, after: &Consultation, event: &Event, told: &[(&str, Value)]) -> Result<()> {
    let (topic, event_type) = match event {
        Event::Invited { invitation } => (format!("user:{}", invitation.user_id), "participant_invited"),
        Event::InvitationWithdrawn { user_id, .. } => (format!("user:{user_id}"), "invitation_withdrawn"),
        Event::EmergencyRaised => (waiting_room_topic(after.doctor_id), "emergency_raised"),
        Event::DeviceChecked { role: Part::Patient, .. } => (waiting_room_topic(after.doctor_id), "device_checked"),
        _ => return Ok(()),
    };
    if let Some((_, data)) = told.iter().find(|(name, _)| *name == event_type) {
        tx.publish(&topic, event_type, after.patient_id.uuid(), data)?;
    }
    Ok(())
}

/// Adds what the consultation came down to, and whether somebody ended it.
fn summarise(tx: &mut Tx<'_>, after: &Consultation, data: &mut Value) -> Result<()> {
    let summary = store::summary(tx, after)?;
    let Value::Object(data) = data else { return Ok(()) };
    data.insert("automatic".to_owned(), json!(tx.meta().principal.user_id().is_none()));
    data.insert("participants".to_owned(), json!(summary.participants));
    data.insert("interruptions".to_owned(), json!(summary.interruptions));
    data.insert("messages".to_owned(), json!(summary.messages));
    Ok(())
}

/// The event as others know it, without the ids of its consultation; `None` for what is nobody else's business.
fn fact(state: &Consultation, after: &Consultation, event: &Event) -> Option<(&'static str, Value)> {
    let told = match event {
        Event::Joined { user_id, role, reconnected, .. } => (
            "participant_joined",
            json!({"user_id": user_id, "role": role, "reconnected": reconnected, "status": after.status}),
        ),
        Event::Left { user_id, role, because, .. } => {
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
        Event::EmergencyRaised => ("emergency_raised", json!({"waiting_since": after.waiting_since})),
        Event::DeviceChecked { user_id, role, check } => {
            ("device_checked", json!({"user_id": user_id, "role": role, "check": check}))
        }
        Event::Invited { invitation } => (
            "participant_invited",
            json!({"invitation_id": invitation.id, "user_id": invitation.user_id, "role": invitation.role}),
        ),
        Event::InvitationWithdrawn { id, user_id, role, .. } => {
            ("invitation_withdrawn", json!({"invitation_id": id, "user_id": user_id, "role": role}))
        }
        Event::Opened
        | Event::Waited { .. }
        | Event::Placed { .. }
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
