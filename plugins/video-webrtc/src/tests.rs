//! Rooms, rights and credentials for a TURN server.

use super::*;
use consilium_plugin_sdk::testing::FakeHost;

fn host() -> FakeHost {
    FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap()).with_secret("turn_secret", "north")
}

fn plugin(host: &FakeHost, turn: &[&str]) -> Result<WebRtc, PluginError> {
    let config = Config {
        stun_urls: vec!["stun:stun.example.org:3478".to_owned()],
        turn_urls: turn.iter().map(|url| (*url).to_owned()).collect(),
        turn_lifetime_seconds: 600,
    };
    WebRtc::create(config, &host.host())
}

fn join(role: Role, expires_at: &str) -> Join {
    Join {
        room: "consultation-7".to_owned(),
        consultation_id: "7".to_owned(),
        participant: Participant {
            id: "anna".to_owned(),
            role,
            display_name: "Anna".to_owned(),
            email: None,
            avatar_url: None,
        },
        expires_at: expires_at.parse().unwrap(),
    }
}

#[test]
fn turn_urls_without_their_secret_are_refused() {
    let bare = FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap());
    let refused = plugin(&bare, &["turn:turn.example.org"]).err().unwrap();
    assert_eq!(refused.code, "secret_missing");
}

#[test]
fn access_that_is_over_is_refused() {
    let host = host();
    let refused = plugin(&host, &[]).unwrap().join(&host.host(), join(Role::Patient, "2026-11-20T09:00:00Z"));
    assert_eq!(refused.unwrap_err().code, "access_expired");
}

/// Computed with `printf '1795165800:anna' | openssl dgst -sha1 -hmac north -binary | base64`.
#[test]
fn turn_credentials_are_those_coturn_expects() {
    let host = host();
    let plugin = plugin(&host, &["turn:turn.example.org"]).unwrap();
    let access = plugin.join(&host.host(), join(Role::Patient, "2026-11-20T12:00:00Z")).unwrap();
    let [stun, turn] = access.peers().unwrap().0 else { panic!("{access:?}") };
    assert_eq!(stun.username, None);
    assert_eq!(turn.username.as_deref(), Some("1795165800:anna"));
    assert_eq!(turn.credential.as_ref().unwrap().expose(), "OjnmVnt1EcAE3cwGpUf5HzZT3H8=");
    assert_eq!(access.expires_at.to_string(), "2026-11-20T09:10:00Z");
}

#[test]
fn credentials_never_outlive_the_access() {
    let host = host();
    let plugin = plugin(&host, &["turn:turn.example.org"]).unwrap();
    let access = plugin.join(&host.host(), join(Role::Patient, "2026-11-20T09:05:00Z")).unwrap();
    assert_eq!(access.expires_at.to_string(), "2026-11-20T09:05:00Z");
}

#[test]
fn only_the_doctor_moderates() {
    let host = host();
    let plugin = plugin(&host, &[]).unwrap();
    for (role, moderates) in
        [(Role::Doctor, true), (Role::Patient, false), (Role::Clinician, false), (Role::Interpreter, false)]
    {
        let access = plugin.join(&host.host(), join(role, "2026-11-20T12:00:00Z")).unwrap();
        assert_eq!(access.peers().unwrap().1.moderate, moderates, "{role:?}");
    }
}

#[test]
fn the_same_consultation_always_gets_the_same_room() {
    let host = host();
    let plugin = plugin(&host, &[]).unwrap();
    let request = CreateRoom {
        idempotency_key: "a".to_owned(),
        consultation_id: "7".to_owned(),
        starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        facility_id: None,
        title: None,
        lobby: false,
        record: false,
    };
    let first = plugin.create_room(&host.host(), request.clone()).unwrap();
    let again = plugin.create_room(&host.host(), CreateRoom { idempotency_key: "b".to_owned(), ..request }).unwrap();
    assert_eq!(first, again);
}
