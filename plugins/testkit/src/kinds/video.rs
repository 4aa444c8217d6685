//! `video/2`, or `video/1` through its adapter: a consultation with doctor and patient.

use super::{Effect, Sample, id, in_hours};
use crate::session::{Session, Trouble};
use consilium_plugin_host::{
    CallError,
    contract::{
        Call,
        video::{CreateRoom, EndRoom, Join, Recordings, VideoAccess},
    },
};
use serde_json::{Value, json};

pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<CreateRoom>(json!({
            "idempotency_key": "sample", "consultation_id": id(1, 0), "title": "Consultation",
            "starts_at": "2026-11-20T09:00:00Z", "ends_at": "2026-11-20T09:30:00Z", "facility_id": id(9, 0),
        })),
        Sample::of::<Join>(join("room-1", 0, "patient", "2099-01-01T00:00:00Z")),
        Sample::of::<EndRoom>(json!({"room": "room-1"})),
    ]
}

pub(super) async fn samples_of_made(session: &Session, number: u64) -> Result<Vec<Sample>, Trouble> {
    let room = create(session, number).await?;
    let until = in_hours(session, 2).to_string();
    Ok(vec![
        Sample::of::<Join>(join(&room, number, "doctor", &until)),
        Sample::of::<Join>(join(&room, number, "patient", &until)),
        Sample::of::<Recordings>(recordings(&room, number)),
        Sample::of::<EndRoom>(json!({"room": room})),
    ])
}

fn recordings(room: &str, number: u64) -> Value {
    json!({"room": room, "consultation_id": id(1, number)})
}

fn join(room: &str, number: u64, role: &str, expires_at: &str) -> Value {
    let (person, name) =
        if role == "doctor" { (id(2, number), "Dr. Kamal Hossain") } else { (id(3, number), "Ada Rahman") };
    json!({
        "room": room, "consultation_id": id(1, number), "expires_at": expires_at,
        "participant": {"id": person, "role": role, "display_name": name},
    })
}

async fn create(session: &Session, number: u64) -> Result<String, Trouble> {
    let request = json!({
        "idempotency_key": format!("room-of-{number}"), "consultation_id": id(1, number), "title": "Consultation",
        "starts_at": in_hours(session, 0), "ends_at": in_hours(session, 1), "facility_id": id(9, 0),
    });
    let room = session.ask::<CreateRoom>(request).await?.room;
    if room.is_empty() { Err(Trouble::new(CreateRoom::METHOD, "the room has no name")) } else { Ok(room) }
}

pub(super) async fn effect(session: &Session, number: u64) -> Result<Effect, Trouble> {
    let room = create(session, number).await?;
    Ok(Effect { method: CreateRoom::METHOD, left: json!(room), distinct: true })
}

pub(super) async fn story(session: &Session, number: u64) -> Result<String, Trouble> {
    let room = create(session, number).await?;
    let until = in_hours(session, 2);
    for role in ["doctor", "patient"] {
        let access = session.ask::<Join>(join(&room, number, role, &until.to_string())).await?;
        check_access(&access, until).map_err(|what| Trouble::new(Join::METHOD, format!("for the {role}, {what}")))?;
    }
    match session.ask::<Recordings>(recordings(&room, number)).await {
        Err(Trouble { error: Some(CallError::Plugin(error)), .. }) if error.code == "not_supported" => {}
        // A plugin built before there were recordings does not know the call.
        Err(Trouble { error: Some(CallError::InvalidRequest(_)), .. }) => {}
        other => drop(other?),
    }
    session.ask::<EndRoom>(json!({"room": room})).await?;
    let again = session.ask::<EndRoom>(json!({"room": room})).await;
    again.map(|_| room).map_err(|trouble| Trouble { what: format!("the second time: {}", trouble.what), ..trouble })
}

fn check_access(access: &VideoAccess, until: jiff::Timestamp) -> Result<(), String> {
    if access.room.is_empty() {
        return Err("room is empty".to_owned());
    }
    if access.ways.is_empty() {
        return Err("ways is empty: no way in".to_owned());
    }
    let kinds: Vec<_> = access.ways.iter().map(std::mem::discriminant).collect();
    if (1..kinds.len()).any(|place| kinds.iter().take(place).any(|kind| kinds.get(place) == Some(kind))) {
        return Err("ways has two of a kind: a client cannot tell which to go".to_owned());
    }
    if let Some(url) = access.page().map(|url| url.expose()) {
        if url.contains("{{secret:") {
            return Err("url holds a placeholder that nobody fills in: the host does so in requests only".to_owned());
        }
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err("url is no address of a page".to_owned());
        }
    }
    if access.expires_at > until {
        return Err("access lasts longer than was asked for".to_owned());
    }
    Ok(())
}
