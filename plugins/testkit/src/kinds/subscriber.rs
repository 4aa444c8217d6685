//! `events/1`: is told what happened, also twice.

use super::{Effect, Sample, id};
use crate::session::{Session, Trouble};
use consilium_plugin_host::contract::{Call, subscriber::OnEvents};
use serde_json::{Value, json};

pub(super) fn samples(events: &[String]) -> Vec<Sample> {
    vec![Sample::of::<OnEvents>(batch(events, 0))]
}

/// One event of each type that the plugin asks for.
fn batch(types: &[String], number: u64) -> Value {
    let events = types.iter().zip(0..).map(|(kind, position)| {
        let entity = kind.split('_').next().unwrap_or_default();
        let mut data = json!({
            "doctor_id": id(2, number), "patient_id": id(3, number), "time_zone": "Asia/Dhaka",
            "started_at": "2026-11-20T09:00:00Z", "ended_at": "2026-11-20T09:20:00Z",
        });
        if let Some(data) = data.as_object_mut() {
            data.insert(format!("{entity}_id"), json!(id(1, number)));
        }
        json!({
            "id": id(5, number * 100 + position), "type": kind, "schema": 1, "version": 1 + position,
            "facility": id(9, 0), "entity": {"kind": entity, "id": id(1, number)}, "at": "2026-11-20T09:20:00Z",
            "data": data,
        })
    });
    json!({"events": events.collect::<Vec<_>>()})
}

/// Has the batch taken and commits what that changes, as the core does. Answers ids that were rejected.
async fn take(session: &Session, number: u64) -> Result<Vec<String>, Trouble> {
    let request = batch(&session.manifest.permissions.events, number);
    let taken = session.ask::<OnEvents>(request.clone()).await?;
    let wrong = |what: String| Trouble::new(OnEvents::METHOD, what);
    session.commit(&taken.writes).map_err(|e| wrong(format!("its writes cannot be committed: {e}")))?;
    let sent = request.pointer("/events").and_then(Value::as_array).cloned().unwrap_or_default();
    for rejected in &taken.rejected {
        let known = sent.iter().any(|event| event.pointer("/id").is_some_and(|id| *id == rejected.id));
        if !known || rejected.code.is_empty() || rejected.message.is_empty() {
            return Err(wrong(format!("it rejects {:?}, which was not sent, or without a reason", rejected.id)));
        }
    }
    Ok(taken.rejected.into_iter().map(|rejected| rejected.id).collect())
}

pub(super) async fn effect(session: &Session, number: u64) -> Result<Effect, Trouble> {
    Ok(Effect { method: OnEvents::METHOD, left: json!(take(session, number).await?), distinct: false })
}

pub(super) async fn story(session: &Session, number: u64) -> Result<(), Trouble> {
    if session.manifest.permissions.events.is_empty() {
        return Err(Trouble::new(OnEvents::METHOD, "permissions.events names nothing, so it is told nothing"));
    }
    let first = take(session, number).await?;
    let again = take(session, number).await?;
    if first == again {
        return Ok(());
    }
    Err(Trouble::new(OnEvents::METHOD, format!("first it rejects {first:?}, the second time {again:?}")))
}
