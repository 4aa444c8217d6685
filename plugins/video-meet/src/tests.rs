//! What the plugin asks of Google; the whole of it against a contract server is in
//! `tests/tests/providers`.

use super::*;
use consilium_plugin_sdk::testing::FakeHost;
use serde_json::{Value, json};

const KEY: &str = include_str!("../../video-jitsi/src/test_key.pem");

fn host(service_account: &str) -> FakeHost {
    FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap()).with_secret("service_account", service_account)
}

fn key_file(private_key: &str) -> String {
    json!({"type": "service_account", "client_email": "c@p.iam.gserviceaccount.com", "private_key": private_key})
        .to_string()
}

fn create(host: &FakeHost, config: Value) -> Result<Meet, PluginError> {
    Meet::create(serde_json::from_value(config).unwrap(), &host.host())
}

fn refused(service_account: &str) -> PluginError {
    create(&host(service_account), json!({"subject": "rooms@clinic.example.org"})).err().unwrap()
}

#[test]
fn a_broken_key_is_named_and_never_shown() {
    let bare = FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap());
    assert_eq!(create(&bare, json!({"subject": "a@b"})).err().unwrap().code, "secret_missing");
    let error = refused(r#"{"private_key": "very secret"}"#);
    assert_eq!(error.code, "service_account_invalid");
    assert!(!error.message.contains("very secret"), "{}", error.message);
    assert_eq!(refused(&key_file("very secret")).code, "private_key_invalid");
}

#[test]
fn what_is_no_space_never_reaches_google() {
    let host = host(&key_file(KEY));
    let meet = create(&host, json!({"subject": "rooms@clinic.example.org"})).unwrap();
    for room in ["", "../conferenceRecords", "a b", "a/b", "a?b", &"x".repeat(129)] {
        let end = EndRoom { room: room.to_owned() };
        assert_eq!(meet.end_room(&host.host(), end).unwrap_err().code, "room_unknown", "{room:?}");
    }
    assert!(host.requests().is_empty());
}

#[test]
fn what_calendar_cannot_do_is_refused_before_anything_is_made() {
    let host = host(&key_file(KEY));
    let meet = create(&host, json!({"subject": "rooms@clinic.example.org", "mode": "calendar"})).unwrap();
    let request = CreateRoom {
        idempotency_key: "7".to_owned(),
        consultation_id: "7".to_owned(),
        starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        facility_id: None,
        title: None,
        lobby: false,
        record: true,
    };
    assert_eq!(meet.create_room(&host.host(), request).unwrap_err().code, "recording_not_configured");
    assert!(host.requests().is_empty());
}
