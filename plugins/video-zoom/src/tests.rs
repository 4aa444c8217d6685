//! What the plugin keeps and forgets; the whole of it against a contract server is in
//! `tests/tests/providers`.

use super::*;
use consilium_plugin_sdk::{
    contract::{Bytes, host::HttpFetched, video::Participant},
    testing::FakeHost,
};
use serde_json::{Value, json};

fn host() -> FakeHost {
    FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap()).with_secret("client_secret", "secret").answering(|request| {
        let answer = match (request.method.as_str(), request.url.as_str()) {
            (_, "https://zoom.us/oauth/token") => json!({"access_token": "token", "expires_in": 3600}),
            (_, url) if url.ends_with("/registrants") => {
                json!({"registrant_id": "r", "join_url": "https://zoom.us/w/1?tk=r"})
            }
            _ => json!({"id": 1, "join_url": "https://zoom.us/j/1", "start_url": "https://zoom.us/s/1"}),
        };
        Ok(HttpFetched { status: 200, headers: [].into(), body: Bytes(answer.to_string().into_bytes()) })
    })
}

fn plugin(host: &FakeHost) -> Zoom {
    let config = json!({
        "account_id": "a", "client_id": "c", "host_users": ["host@example.org"],
        "registration": {"email_domain": "consultations.example.org"},
    });
    Zoom::create(serde_json::from_value(config).unwrap(), &host.host()).unwrap()
}

fn create(consultation: &str, day: &str) -> CreateRoom {
    CreateRoom {
        idempotency_key: consultation.to_owned(),
        consultation_id: consultation.to_owned(),
        starts_at: format!("{day}T09:00:00Z").parse().unwrap(),
        ends_at: format!("{day}T09:30:00Z").parse().unwrap(),
        facility_id: None,
        title: None,
        lobby: false,
        record: false,
    }
}

fn join(role: Role) -> Join {
    Join {
        room: "1".to_owned(),
        consultation_id: "7".to_owned(),
        participant: Participant {
            id: "ada".to_owned(),
            role,
            display_name: "Ada".to_owned(),
            email: None,
            avatar_url: None,
        },
        expires_at: "2026-11-20T15:00:00Z".parse().unwrap(),
    }
}

#[test]
fn a_missing_secret_is_refused() {
    let config = json!({"account_id": "a", "client_id": "c", "host_users": ["h"]});
    let bare = FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap());
    let refused = Zoom::create(serde_json::from_value(config).unwrap(), &bare.host()).err().unwrap();
    assert_eq!(refused.code, "secret_missing");
}

#[test]
fn a_consultation_that_ends_before_it_begins_is_refused() {
    let host = host();
    let backwards = CreateRoom { ends_at: "2026-11-20T08:00:00Z".parse().unwrap(), ..create("7", "2026-11-20") };
    assert_eq!(plugin(&host).create_room(&host.host(), backwards).unwrap_err().code, "room_invalid");
}

#[test]
fn the_hosts_link_is_promised_for_two_hours_only() {
    let host = host();
    let plugin = plugin(&host);
    let doctor = plugin.join(&host.host(), join(Role::Doctor)).unwrap();
    assert_eq!(doctor.expires_at.to_string(), "2026-11-20T11:00:00Z");
    let patient = plugin.join(&host.host(), join(Role::Patient)).unwrap();
    assert_eq!(patient.expires_at.to_string(), "2026-11-20T15:00:00Z");
}

#[test]
fn passwords_are_what_zoom_allows_and_differ() {
    let host = host();
    let plugin = plugin(&host);
    for consultation in ["7", "8"] {
        plugin.create_room(&host.host(), create(consultation, &format!("2026-11-2{consultation}"))).unwrap();
    }
    let bodies = host.requests().into_iter().filter(|request| request.url.ends_with("/meetings"));
    let passwords: Vec<String> = bodies
        .map(|request| serde_json::from_slice::<Value>(&request.body.unwrap().0).unwrap())
        .map(|body| body["password"].as_str().unwrap().to_owned())
        .collect();
    assert_ne!(passwords[0], passwords[1]);
    assert!(passwords.iter().all(|password| password.len() == 10 && password.ends_with("a7*")), "{passwords:?}");
}
