//! The plugin against a cassette: neither network nor server.

use acme_video::{AcmeVideo, Config};

use consilium_plugin_sdk::{
    Plugin, VideoProvider,
    cassette::{Cassette, Fault},
    contract::video::{CreateRoom, Join},
    testing::FakeHost,
};
use serde_json::json;

fn cassette() -> Cassette {
    Cassette::load("tests/cassette.json").unwrap()
}

fn host(cassette: Cassette) -> FakeHost {
    FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap()).playing(cassette)
}

fn plugin(host: &FakeHost) -> AcmeVideo {
    AcmeVideo::create(Config { base_url: "https://meet.example.org".into() }, &host.host()).unwrap()
}

fn create_room() -> CreateRoom {
    serde_json::from_value(json!({
        "idempotency_key": "key", "consultation_id": "c-7",
        "starts_at": "2026-11-20T09:00:00Z", "ends_at": "2026-11-20T09:30:00Z",
    }))
    .unwrap()
}

#[test]
fn a_failing_provider_is_worth_another_try() {
    for fault in [Fault::Timeout, Fault::Reset, Fault::Status { code: 429, retry_after_seconds: Some(5) }] {
        let host = host(cassette().failing(fault));
        assert!(plugin(&host).create_room(&host.host(), create_room()).unwrap_err().retryable);
    }
}

#[test]
fn a_room_is_made_and_joined() {
    let host = host(cassette());
    let plugin = plugin(&host);
    let room = plugin.create_room(&host.host(), create_room()).unwrap().room;
    let sent = &host.requests()[0];
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("PUT", "https://meet.example.org/api/rooms/c-7"));
    let join: Join = serde_json::from_value(json!({
        "room": room, "consultation_id": "c-7", "expires_at": "2026-11-20T10:00:00Z",
        "participant": {"id": "p", "role": "patient", "display_name": "Ada"},
    }))
    .unwrap();
    let access = plugin.join(&host.host(), join).unwrap();
    assert_eq!(access.page().unwrap().expose(), "https://meet.example.org/rooms/c-7");
}
