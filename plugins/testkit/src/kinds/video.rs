//! `video/1`: a consultation with doctor and patient.

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
    if access.provider.is_empty() || access.room.is_empty() {
        return Err("provider or room is empty".to_owned());
    }
    let link = access.join_url.as_ref().map(|url| url.expose());
    if link.is_none() && access.token.is_none() && access.signalling.is_none() {
        return Err("there is neither join_url nor token nor signalling: no way in".to_owned());
    }
    if let Some(link) = link {
        if link.contains("{{secret:") {
            return Err(
                "join_url holds a placeholder that nobody fills in: the host does so in requests only".to_owned()
            );
        }
        let page = link.starts_with("https://") || link.starts_with("http://");
        let socket = link.starts_with("wss://") || link.starts_with("ws://");
        if !(page || socket && access.token.is_some()) {
            return Err("join_url is no address of a page, nor one for an SDK with its token".to_owned());
        }
    }
    if access.expires_at > until {
        return Err("access lasts longer than was asked for".to_owned());
    }
    Ok(())
}
