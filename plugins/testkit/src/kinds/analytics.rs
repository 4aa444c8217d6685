//! `analytics/1`: a consultation is counted, once.

use super::{Effect, Sample, id};
use crate::session::{Session, Trouble};
use consilium_plugin_host::contract::{
    Call,
    analytics::{DoctorReport, OnEvents, Report},
};
use serde_json::{Value, json};

pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::of::<OnEvents>(batch(0)), Sample::of::<Report>(question(0))]
}

fn batch(number: u64) -> Value {
    let event = |kind: &str, position: u64, data: Value| {
        json!({
            "id": id(5, number * 10 + position), "type": kind, "schema": 1, "version": 1, "facility": id(9, 0),
            "entity": {"kind": "consultation", "id": id(1, number)}, "at": "2026-11-20T09:20:00Z", "data": data,
        })
    };
    let ended = json!({
        "consultation_id": id(1, number), "doctor_id": id(2, number), "patient_id": id(3, number),
        "started_at": "2026-11-20T09:00:00Z", "ended_at": "2026-11-20T09:20:00Z", "time_zone": "Asia/Dhaka",
        "fee": {"amount_minor": 150_000, "currency": "BDT"},
    });
    let rated = json!({
        "consultation_id": id(1, number), "doctor_id": id(2, number), "ended_at": "2026-11-20T09:20:00Z",
        "time_zone": "Asia/Dhaka", "rating": 5,
    });
    json!({"events": [event("consultation_ended", 1, ended), event("consultation_rated", 2, rated)]})
}

fn question(number: u64) -> Value {
    json!({"doctor_id": id(2, number), "from": "2026-11-19", "to": "2026-11-21"})
}

/// Has the batch counted and commits what that changes, as the core does.
async fn count(session: &Session, number: u64) -> Result<DoctorReport, Trouble> {
    let counted = session.ask::<OnEvents>(batch(number)).await?;
    session
        .commit(&counted.writes)
        .map_err(|e| Trouble::new(OnEvents::METHOD, format!("its writes cannot be committed: {e}")))?;
    session.ask::<Report>(question(number)).await
}

pub(super) async fn effect(session: &Session, number: u64) -> Result<Effect, Trouble> {
    let report = count(session, number).await?;
    Ok(Effect { method: OnEvents::METHOD, left: json!(report), distinct: false })
}

pub(super) async fn story(session: &Session, number: u64) -> Result<(), Trouble> {
    let report = count(session, number).await?;
    let sees = session.manifest.permissions.events.iter().any(|event| event == "consultation_ended");
    let sessions: u32 = report.days.iter().map(|day| day.sessions).sum();
    if sees && sessions != 1 {
        return Err(Trouble::new(Report::METHOD, format!("one consultation ended, {sessions} are reported")));
    }
    Ok(())
}
