//! `video-livekit` against LiveKit's published protocol.

use crate::support::{NAME, Running, join, read, recorded, room, start, verify};
use consilium_plugin_host::contract::{
    HealthStatus,
    video::{EndRoom, Recordings, Role},
    webhook::WebhookEvent,
};
use consilium_tests::providers::{
    Answer, Fault, Server,
    livekit::{API_KEY, API_SECRET, LiveKit, now},
};
use serde_json::{Value, json};
use std::time::Duration;

async fn livekit() -> Server<LiveKit> {
    Server::start(|_| LiveKit::default()).await
}

async fn plugin(server: &Server<LiveKit>) -> Running {
    let config = json!({
        "server_url": server.url,
        "client_url": "wss://livekit.example.org",
        "api_key": API_KEY,
        "recording": {"prefix": "consultations/", "s3": {
            "endpoint": "https://s3.example.org", "region": "eu-central-1", "bucket": "recordings", "access_key": "AK",
        }},
    });
    start("video-livekit", config, &[("api_secret", API_SECRET), ("s3_secret", "s3-secret-that-must-not-leak")]).await
}

#[tokio::test]
async fn a_consultation_from_room_to_end() {
    let server = livekit().await;
    let plugin = plugin(&server).await;
    assert_eq!(plugin.health().await, HealthStatus::Ok);
    let made = plugin.call(room("7")).await.unwrap().room;
    assert_eq!(plugin.call(room("7")).await.unwrap().room, made, "the same consultation has the same room");
    assert_eq!(server.contract.rooms(), std::slice::from_ref(&made));
    for role in [Role::Doctor, Role::Patient, Role::Clinician, Role::Interpreter] {
        let access = plugin.call(join(&made, "7", role)).await.unwrap();
        let (token, address) = access.sdk().unwrap();
        assert_eq!(server.contract.connect(token.expose()), Ok(made.clone()), "{role:?}");
        assert_eq!((access.page(), address), (None, Some("wss://livekit.example.org")));
    }
    assert!(plugin.call(EndRoom { room: made.clone() }).await.unwrap().emptied);
    assert_eq!(server.contract.removed().len(), 4);
    assert_eq!(server.contract.rooms(), Vec::<String>::new());
    assert!(plugin.call(EndRoom { room: made }).await.unwrap().emptied, "ending what has ended is fine");
    // LiveKit's API is told no name: it stands in the token that the participant carries.
    for request in server.requests("/") {
        assert!(!String::from_utf8_lossy(&request.body).contains(NAME));
    }
    server.finish();
    plugin.host.shutdown().await;
}

#[tokio::test]
async fn a_recording_begins_with_the_room_and_can_be_fetched() {
    let server = livekit().await;
    let plugin = plugin(&server).await;
    let made = plugin.call(recorded("7")).await.unwrap().room;
    plugin.call(recorded("7")).await.unwrap();
    assert_eq!(server.contract.egresses().len(), 1, "recorded once, though asked twice");
    let list = Recordings { room: made.clone(), consultation_id: "7".to_owned() };
    let running = plugin.call(list.clone()).await.unwrap().recordings;
    assert!(running[0].download.is_none() && running[0].ended_at.is_none(), "{running:?}");
    server.contract.finish_egresses();
    let [recording] = plugin.call(list).await.unwrap().recordings.try_into().unwrap();
    assert_eq!((recording.size_bytes, recording.media_type.as_deref()), (Some(1_048_576), Some("video/mp4")));
    let link = recording.download.unwrap().url;
    let object = format!("https://s3.example.org/recordings/consultations/{made}-2026-11-20T090000.mp4?X-Amz-");
    assert!(link.expose().starts_with(&object), "{}", link.expose());
    assert!(!link.expose().contains("s3-secret"));
    server.finish();
}

#[tokio::test]
async fn a_wrong_secret_is_said_to_be_wrong() {
    let server = livekit().await;
    let config = json!({"server_url": server.url, "api_key": API_KEY});
    let plugin = start("video-livekit", config, &[("api_secret", "another-secret-entirely")]).await;
    assert_eq!(plugin.health().await, HealthStatus::Down);
    let (code, retryable, message) = plugin.error(room("7")).await;
    assert_eq!((code.as_str(), retryable), ("livekit_unauthorized", false));
    assert!(message.contains("unauthenticated") && !message.contains("another-secret"), "{message}");
    let (code, retryable, _) = plugin.error(recorded("7")).await;
    assert_eq!((code.as_str(), retryable), ("recording_not_configured", false));
    let broken = server.violations();
    assert!(!broken.is_empty() && broken.iter().all(|rule| rule.contains("[auth]")), "{broken:?}");
}

#[tokio::test]
async fn what_goes_wrong_at_livekit_has_a_code() {
    let server = livekit().await;
    let plugin = plugin(&server).await;
    let twirp = |status, code: &str| Answer::json(status, &json!({"code": code, "msg": NAME}));
    for (fault, code, retryable) in [
        (Fault::Instead(twirp(500, "internal")), "livekit_unavailable", true),
        (Fault::Instead(twirp(503, "unavailable")), "livekit_unavailable", true),
        (Fault::Instead(twirp(400, "invalid_argument")), "livekit_refused", false),
        (Fault::Instead(twirp(403, "permission_denied")), "livekit_forbidden", false),
        (Fault::Reset, "connection_failed", true),
        (Fault::Truncated, "connection_failed", true),
        (Fault::Hang, "timeout", true),
        (Fault::Slow(Duration::from_millis(300)), "timeout", true),
    ] {
        server.fault("CreateRoom", fault);
        let (said, again, message) = plugin.error(room("7")).await;
        assert_eq!((said.as_str(), again), (code, retryable), "{message}");
        assert!(!message.contains(NAME) && !message.contains(API_SECRET), "{message}");
    }
    plugin.call(room("7")).await.unwrap();
    server.fault("CreateRoom", Fault::Slow(Duration::from_millis(1)));
    plugin.call(room("7")).await.unwrap();
    server.fault("CreateRoom", Fault::Instead(twirp(429, "resource_exhausted").with("Retry-After", "2")));
    let (code, retryable, message) = plugin.error(room("7")).await;
    assert_eq!((code.as_str(), retryable), ("livekit_rate_limited", true));
    assert!(message.contains("2 s"), "{message}");
    let before = server.requests("CreateRoom").len();
    assert_eq!(plugin.error(room("7")).await.0, "livekit_rate_limited");
    assert_eq!(server.requests("CreateRoom").len(), before, "asked again although LiveKit wants quiet");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    plugin.call(room("7")).await.unwrap();
    server.finish();
}

fn event(kind: &str, more: Value) -> Value {
    let mut event = json!({"event": kind, "id": "EV_1", "createdAt": now().to_string()});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

#[tokio::test]
async fn webhooks_are_believed_when_livekit_signed_them() {
    let server = livekit().await;
    let plugin = plugin(&server).await;
    let joined = event(
        "participant_joined",
        json!({
            "room": {"name": "consultation-7"}, "participant": {"identity": "patient-1", "name": NAME},
        }),
    );
    let (token, body) = server.contract.webhook(&joined, now());
    let genuine = plugin.call(verify(&[("authorization", &token)], &body)).await.unwrap();
    assert_eq!((genuine.delivery_id.as_str(), genuine.reply), ("EV_1", None));
    let facts = plugin.call(read("EV_1", &body)).await.unwrap().events;
    let [WebhookEvent::ParticipantJoined(attendance)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((attendance.room.as_str(), attendance.participant.as_deref()), ("consultation-7", Some("patient-1")));
    let (old, _) = server.contract.webhook(&joined, now() - 400);
    for (headers, body, code) in [
        (vec![], &body[..], "webhook_forged"),
        (vec![("authorization", "nonsense")], &body[..], "webhook_forged"),
        (vec![("authorization", token.as_str())], b"{}", "webhook_forged"),
        (vec![("authorization", old.as_str())], &body[..], "webhook_stale"),
    ] {
        assert_eq!(plugin.error(verify(&headers, body)).await.0, code);
    }
}

#[tokio::test]
async fn webhooks_mean_the_same_as_from_any_provider() {
    let server = livekit().await;
    let plugin = plugin(&server).await;
    let room = json!({"room": {"name": "consultation-7"}});
    let recorder = json!({"room": {"name": "consultation-7"}, "participant": {"identity": "EG_1", "kind": "EGRESS"}});
    let egress = json!({"egressInfo": {
        "egressId": "EG_1", "roomName": "consultation-7", "status": "EGRESS_COMPLETE", "startedAt": "1795165200000000000",
        "endedAt": "1795166400000000000", "fileResults": [{"filename": "a.mp4", "size": "10"}],
    }});
    for (kind, more, expected) in [
        ("room_started", &room, "room_started"),
        ("room_finished", &room, "room_ended"),
        ("participant_joined", &recorder, "other"),
        ("track_published", &room, "other"),
        ("egress_ended", &egress, "recording_ready"),
        ("ingress_started", &json!({}), "other"),
    ] {
        let body = event(kind, more.clone()).to_string();
        let facts = plugin.call(read("EV_1", body.as_bytes())).await.unwrap().events;
        let facts = serde_json::to_value(&facts).unwrap();
        assert_eq!((facts.as_array().unwrap().len(), &facts[0]["event"]), (1, &json!(expected)), "{kind}");
    }
    assert_eq!(plugin.error(read("EV_1", b"nonsense")).await.0, "webhook_malformed");
}
