//! The whole way once: the built-in video plugin as a child process makes a room and lets two
//! people in.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{
    PluginConfig, PluginState, SecretSource, check,
    contract::{
        HealthStatus,
        video::{CreateRoom, EndRoom, Join, Participant, Role, Room},
    },
};
use serde_json::json;

fn webrtc(secret: &tempfile::NamedTempFile) -> PluginConfig {
    let mut plugin = PluginConfig::new("video-webrtc", support::library("video-webrtc"));
    plugin.config = support::config(json!({
        "stun_urls": ["stun:stun.example.org"],
        "turn_urls": ["turn:turn.example.org"],
    }));
    plugin.secrets.insert("turn_secret".to_owned(), SecretSource::File(secret.path().to_owned()));
    plugin
}

fn secret() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "north\n").unwrap();
    file
}

#[test]
fn wrong_configuration_is_explained_without_starting() {
    let cache = tempfile::tempdir().unwrap();
    let secret = secret();
    let mut plugin = webrtc(&secret);
    plugin.config = support::config(json!({
        "turn_urls": ["http://turn.example.org"],
        "turn_lifetime_seconds": 5,
        "colour": "blue",
    }));
    plugin.secrets.clear();
    plugin.secrets.insert("torn_secret".to_owned(), SecretSource::Env("NOT_SET_ANYWHERE".to_owned()));
    let mut keys: Vec<_> =
        check(&support::settings(&cache), &[plugin]).into_iter().map(|problem| problem.key).collect();
    keys.sort();
    assert_eq!(keys, ["config", "config.turn_lifetime_seconds", "config.turn_urls.0", "secrets.torn_secret"]);
}

#[tokio::test]
async fn a_child_process_makes_a_room_and_lets_people_in() {
    let cache = tempfile::tempdir().unwrap();
    let secret = secret();
    let host = support::start(support::settings(&cache), webrtc(&secret)).await;
    assert_eq!(host.providers_of("video"), ["video-webrtc"]);

    let Room { room } = host
        .call(
            "video-webrtc",
            CreateRoom {
                idempotency_key: "1".to_owned(),
                consultation_id: "42".to_owned(),
                starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
                ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
                facility_id: None,
                title: None,
                lobby: false,
                record: false,
            },
        )
        .await
        .unwrap();
    for (role, moderates) in [(Role::Doctor, true), (Role::Patient, false)] {
        let join = Join {
            room: room.clone(),
            consultation_id: "42".to_owned(),
            participant: Participant {
                id: "someone".to_owned(),
                role,
                display_name: "Someone".to_owned(),
                email: None,
                avatar_url: None,
            },
            expires_at: "2099-01-01T00:00:00Z".parse().unwrap(),
        };
        let access = host.call("video-webrtc", join).await.unwrap();
        assert_eq!(access.peers().unwrap().1.moderate, moderates);
        assert_eq!(access.peers().unwrap().0.len(), 2);
    }

    let info = support::until(&host, PluginState::Running).await;
    assert!(info.pid.is_some_and(|pid| pid != std::process::id()));
    assert_eq!((info.calls, info.failures), (3, 0));
    assert_eq!(info.health.unwrap().status, HealthStatus::Ok);
    host.shutdown().await;
    let late = host.call("video-webrtc", EndRoom { room }).await.unwrap_err();
    assert_eq!(late.code(), "plugin_stopped");
}
