//! `video-zoom` against Zoom's published API.

use crate::support::{NAME, Running, join, read, recorded, room, start, verify};
use consilium_plugin_host::contract::{
    HealthStatus,
    video::{CreateRoom, EndRoom, Recordings, Role},
    webhook::WebhookEvent,
};
use consilium_tests::providers::{
    Answer, Fault, Server,
    livekit::now,
    zoom::{ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET, HOSTS, SECRET_TOKEN, Zoom, error, hmac_hex},
};
use serde_json::{Value, json};
use std::time::Duration;

async fn zoom() -> Server<Zoom> {
    Server::start(|_| Zoom::default()).await
}

fn config(server: &Server<Zoom>) -> Value {
    json!({
        "account_id": ACCOUNT_ID, "client_id": CLIENT_ID, "host_users": HOSTS,
        "api_url": format!("{}/v2", server.url), "oauth_url": format!("{}/oauth/token", server.url),
    })
}

async fn plugin(config: Value) -> Running {
    start("video-zoom", config, &[("client_secret", CLIENT_SECRET), ("webhook_secret", SECRET_TOKEN)]).await
}

fn registering(server: &Server<Zoom>) -> Value {
    let mut config = config(server);
    config["registration"] = json!({"email_domain": "consultations.example.org"});
    config
}

#[tokio::test]
async fn a_consultation_from_room_to_end() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    assert_eq!(plugin.health().await, HealthStatus::Ok);
    let request = CreateRoom { title: Some("Consultation at noon".to_owned()), ..room("7") };
    let made = plugin.call(request.clone()).await.unwrap().room;
    assert_eq!(plugin.call(request.clone()).await.unwrap().room, made);
    let [meeting] = server.contract.meetings().try_into().unwrap();
    assert_eq!(meeting["settings"]["waiting_room"], true);
    assert_eq!(meeting["settings"]["join_before_host"], false);
    assert_eq!(meeting["settings"]["auto_recording"], "none");
    let link = plugin.call(join(&made, "7", Role::Doctor)).await.unwrap().page().unwrap().clone();
    assert!(link.expose().contains("/s/") && link.expose().contains("zak="), "the doctor starts the meeting");
    let link = plugin.call(join(&made, "7", Role::Patient)).await.unwrap().page().unwrap().clone();
    assert!(link.expose().contains("/j/") && !link.expose().contains("zak="), "only the doctor starts the meeting");
    server.contract.run(&made);
    assert!(plugin.call(EndRoom { room: made.clone() }).await.unwrap().emptied);
    assert_eq!(server.contract.meetings(), Vec::<Value>::new());
    assert!(plugin.call(EndRoom { room: made }).await.unwrap().emptied, "ending what has ended is fine");
    assert_eq!(server.contract.tokens_granted(), 1);
    for request in server.requests("/") {
        assert!(!String::from_utf8_lossy(&request.body).contains(NAME), "without registration no name is needed");
    }
    server.finish();
}

#[tokio::test]
async fn a_consultation_that_moves_moves_its_meeting() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    let made = plugin.call(room("7")).await.unwrap().room;
    let later = room("7");
    let later = CreateRoom { ends_at: later.ends_at + Duration::from_secs(3600), ..later };
    assert_eq!(plugin.call(later).await.unwrap().room, made);
    let [meeting] = server.contract.meetings().try_into().unwrap();
    assert_eq!(meeting["duration"], 90);
    assert_eq!(server.requests(&format!("/meetings/{made}")).iter().filter(|r| r.method == "PATCH").count(), 1);
    server.finish();
}

#[tokio::test]
async fn a_meeting_that_somebody_deleted_is_made_anew() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    let request = room("7");
    let made = plugin.call(request.clone()).await.unwrap().room;
    server.contract.delete(&made);
    let (code, retryable, _) = plugin.error(join(&made, "7", Role::Patient)).await;
    assert_eq!((code.as_str(), retryable), ("zoom_meeting_lost", true));
    let another = plugin.call(request).await.unwrap().room;
    assert_ne!(another, made);
    plugin.call(join(&another, "7", Role::Patient)).await.unwrap();
    server.finish();
}

#[tokio::test]
async fn many_callers_get_one_token_and_one_meeting() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    let request = room("7");
    let calls = (0..8).map(|_| plugin.call(request.clone()));
    let rooms: Vec<String> =
        futures_util::future::join_all(calls).await.into_iter().map(|made| made.unwrap().room).collect();
    assert!(rooms.iter().all(|room| *room == rooms[0]), "{rooms:?}");
    assert_eq!((server.contract.meetings().len(), server.contract.tokens_granted()), (1, 1));
    server.finish();
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    let made = plugin.call(room("7")).await.unwrap().room;
    server.contract.revoke_tokens();
    plugin.call(join(&made, "7", Role::Patient)).await.unwrap();
    assert_eq!(server.contract.tokens_granted(), 2);
    for _ in 0..2 {
        server.fault("/meetings/", Fault::Instead(error(401, 124)));
    }
    let (code, retryable, _) = plugin.error(join(&made, "7", Role::Patient)).await;
    assert_eq!((code.as_str(), retryable), ("zoom_unauthorized", false));
    server.finish();
}

#[tokio::test]
async fn wrong_credentials_are_said_to_be_wrong() {
    let server = zoom().await;
    let secrets = [("client_secret", "another-secret-entirely")];
    let plugin = start("video-zoom", config(&server), &secrets).await;
    assert_eq!(plugin.health().await, HealthStatus::Down);
    let (code, retryable, message) = plugin.error(room("7")).await;
    assert_eq!((code.as_str(), retryable), ("zoom_oauth_refused", false));
    assert!(message.contains("invalid_client") && !message.contains("another-secret"), "{message}");
    assert!(!server.violations().is_empty());
    let body = b"{}";
    let (time, signature) = Zoom::sign(body, now());
    let headers = [("x-zm-request-timestamp", time.as_str()), ("x-zm-signature", signature.as_str())];
    assert_eq!(plugin.error(verify(&headers, body)).await.0, "webhook_forged", "believed without a secret");
}

#[tokio::test]
async fn each_host_has_one_consultation_at_a_time() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    plugin.call(room("1")).await.unwrap();
    let second = plugin.call(room("2")).await.unwrap().room;
    let (code, retryable, _) = plugin.error(room("3")).await;
    assert_eq!((code.as_str(), retryable), ("zoom_hosts_busy", true));
    let hosts: Vec<Value> = server.contract.meetings().iter().map(|meeting| meeting["host_id"].clone()).collect();
    assert_eq!(hosts, HOSTS);
    plugin.call(EndRoom { room: second }).await.unwrap();
    server.fault("/meetings", Fault::Instead(error(400, 300)));
    assert_eq!(plugin.error(room("4")).await.0, "zoom_refused", "and takes no host");
    plugin.call(room("3")).await.unwrap();
    server.finish();
}

#[tokio::test]
async fn registrants_have_links_of_their_own_and_are_recognised() {
    let server = zoom().await;
    let plugin = plugin(registering(&server)).await;
    let made = plugin.call(room("7")).await.unwrap().room;
    let link = plugin.call(join(&made, "7", Role::Patient)).await.unwrap().page().unwrap().clone();
    let again = plugin.call(join(&made, "7", Role::Patient)).await.unwrap().page().unwrap().clone();
    assert_eq!(link.expose(), again.expose());
    plugin.call(join(&made, "7", Role::Interpreter)).await.unwrap();
    let addresses = server.contract.registrants();
    assert_eq!(addresses.len(), 2);
    assert!(addresses.iter().all(|address| address.ends_with("@consultations.example.org")), "{addresses:?}");
    assert!(!addresses.iter().any(|address| address.contains("patient")), "{addresses:?}");
    let body = joined(&made, "registrant-1");
    let facts = plugin.call(read("d", body.to_string().as_bytes())).await.unwrap().events;
    let [WebhookEvent::ParticipantJoined(attendance)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!(attendance.participant.as_deref(), Some("patient-1"));
    server.finish();
}

fn joined(meeting: &str, registrant: &str) -> Value {
    json!({"event": "meeting.participant_joined", "event_ts": now() * 1000, "payload": {"account_id": ACCOUNT_ID, "object": {
        "id": meeting, "uuid": "uuid==", "host_id": HOSTS[0], "topic": "Consultation", "type": 2, "duration": 30,
        "start_time": "2026-11-20T09:00:00Z",
        "participant": {
            "user_id": "1", "user_name": NAME, "email": "", "registrant_id": registrant,
            "join_time": "2026-11-20T09:01:00Z",
        },
    }}})
}

#[tokio::test]
async fn an_attempt_that_ended_unknown_leaves_no_second_meeting() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    for fault in [Fault::Truncated, Fault::Hang] {
        let consultation = format!("{fault:?}");
        server.fault("/meetings", fault);
        let before = server.contract.meetings().len();
        assert!(plugin.error(room(&consultation)).await.1, "retryable");
        assert_eq!(server.contract.meetings().len(), before + 1, "Zoom made it, though the answer was lost");
        plugin.call(room(&consultation)).await.unwrap();
        assert_eq!(server.contract.meetings().len(), before + 1, "a second meeting for one consultation");
    }
    server.finish();
}

#[tokio::test]
async fn what_goes_wrong_at_zoom_has_a_code() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    let made = plugin.call(room("7")).await.unwrap().room;
    let patient = || join(&made, "7", Role::Patient);
    let path = format!("/meetings/{made}");
    for (fault, code, retryable) in [
        (Fault::Instead(error(500, 500)), "zoom_unavailable", true),
        (Fault::Instead(error(503, 503)), "zoom_unavailable", true),
        (Fault::Instead(error(403, 4711)), "zoom_forbidden", false),
        (Fault::Instead(error(400, 300)), "zoom_refused", false),
        (Fault::Instead(Answer::json(200, &json!("no meeting"))), "zoom_answer_invalid", true),
        (Fault::Reset, "connection_failed", true),
        (Fault::Truncated, "connection_failed", true),
        (Fault::Hang, "timeout", true),
        (Fault::Slow(Duration::from_millis(300)), "timeout", true),
    ] {
        server.fault(&path, fault);
        let (said, again, message) = plugin.error(patient()).await;
        assert_eq!((said.as_str(), again), (code, retryable), "{message}");
        assert!(!message.contains(NAME) && !message.contains("zoom-token"), "{message}");
    }
    let limited = error(429, 429).with("Retry-After", "2").with("X-RateLimit-Type", "QPS");
    server.fault(&path, Fault::Instead(limited));
    let (code, retryable, message) = plugin.error(patient()).await;
    assert_eq!((code.as_str(), retryable), ("zoom_rate_limited", true));
    assert!(message.contains("2 s"), "{message}");
    let before = server.requests(&path).len();
    assert_eq!(plugin.error(patient()).await.0, "zoom_rate_limited");
    assert_eq!(server.requests(&path).len(), before, "asked again although Zoom wants quiet");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    plugin.call(patient()).await.unwrap();
    server.finish();
}

#[tokio::test]
async fn what_is_no_room_never_reaches_zoom() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    for room in ["", "me", "../users/me", "1/recordings", "123456789012345678901"] {
        assert_eq!(plugin.error(join(room, "7", Role::Patient)).await.0, "room_unknown", "{room:?}");
        assert_eq!(plugin.error(EndRoom { room: room.to_owned() }).await.0, "room_unknown", "{room:?}");
    }
    assert!(server.requests("/meetings").is_empty());
}

#[tokio::test]
async fn recordings_are_listed_with_what_it_takes_to_fetch_them() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    let made = plugin.call(recorded("7")).await.unwrap().room;
    assert_eq!(server.contract.meetings()[0]["settings"]["auto_recording"], "cloud");
    let list = Recordings { room: made.clone(), consultation_id: "7".to_owned() };
    assert_eq!(plugin.call(list.clone()).await.unwrap().recordings, []);
    server.contract.record(&made);
    let [film, sound] = plugin.call(list).await.unwrap().recordings.try_into().unwrap();
    assert_eq!((film.media_type.as_deref(), sound.media_type.as_deref()), (Some("video/mp4"), Some("audio/mp4")));
    let download = film.download.unwrap();
    assert_eq!(download.url.expose(), "https://us02web.zoom.us/rec/download/film");
    assert_eq!(download.headers["authorization"].expose(), "Bearer download-token");
    server.finish();
}

#[tokio::test]
async fn webhooks_are_believed_when_zoom_signed_them() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    let body = joined("84000000001", "registrant-1").to_string().into_bytes();
    let (time, signature) = Zoom::sign(&body, now());
    let headers = [("x-zm-request-timestamp", time.as_str()), ("x-zm-signature", signature.as_str())];
    let first = plugin.call(verify(&headers, &body)).await.unwrap();
    let (later, resigned) = Zoom::sign(&body, now() + 5);
    let repeated = [("x-zm-request-timestamp", later.as_str()), ("x-zm-signature", resigned.as_str())];
    let second = plugin.call(verify(&repeated, &body)).await.unwrap();
    assert_eq!(first.delivery_id, second.delivery_id, "a repeated delivery is recognised");
    let (old, stale) = Zoom::sign(&body, now() - 400);
    for (headers, body, code) in [
        (vec![], &body[..], "webhook_forged"),
        (vec![("x-zm-signature", signature.as_str())], &body[..], "webhook_forged"),
        (
            vec![("x-zm-request-timestamp", later.as_str()), ("x-zm-signature", signature.as_str())],
            &body[..],
            "webhook_forged",
        ),
        (headers.to_vec(), b"{}", "webhook_forged"),
        (
            vec![("x-zm-request-timestamp", old.as_str()), ("x-zm-signature", stale.as_str())],
            &body[..],
            "webhook_stale",
        ),
    ] {
        assert_eq!(plugin.error(verify(&headers, body)).await.0, code);
    }
}

#[tokio::test]
async fn the_challenge_is_answered_only_to_zoom() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    let body =
        json!({"event": "endpoint.url_validation", "event_ts": 1, "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}});
    let body = body.to_string().into_bytes();
    let (time, signature) = Zoom::sign(&body, now());
    let headers = [("x-zm-request-timestamp", time.as_str()), ("x-zm-signature", signature.as_str())];
    let reply = plugin.call(verify(&headers, &body)).await.unwrap().reply.unwrap();
    let expected = json!({
        "plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": hmac_hex(b"qgg8vlvZRS6UYooatFL8Aw"),
    });
    assert_eq!((reply.status, serde_json::from_slice::<Value>(&reply.body.0).unwrap()), (200, expected));
    // Whoever could have any text signed could forge webhooks.
    assert_eq!(plugin.error(verify(&[], &body)).await.0, "webhook_forged");
}

#[tokio::test]
async fn webhooks_mean_the_same_as_from_any_provider() {
    let server = zoom().await;
    let plugin = plugin(config(&server)).await;
    let made = plugin.call(room("7")).await.unwrap().room;
    let file = json!({
        "id": "film", "recording_start": "2026-11-20T09:00:00Z", "recording_end": "2026-11-20T09:20:00Z",
        "file_type": "MP4", "file_size": 4096, "status": "completed", "download_url": "https://zoom.us/rec/download/film",
    });
    let number: u64 = made.parse().unwrap();
    for (kind, id, expected) in [
        ("meeting.started", json!(made), "room_started"),
        ("meeting.ended", json!(made), "room_ended"),
        ("recording.completed", json!(number), "recording_ready"),
        ("meeting.participant_left", json!(made), "participant_left"),
        ("meeting.sharing_started", json!(made), "other"),
        // An account's webhooks tell of meetings that have nothing to do with us.
        ("meeting.started", json!("99"), "other"),
    ] {
        let object = json!({"id": id, "recording_files": [file], "participant": {"user_name": NAME}});
        let body = json!({"event": kind, "event_ts": now() * 1000, "payload": {"object": object}}).to_string();
        let facts = plugin.call(read("d", body.as_bytes())).await.unwrap().events;
        let facts = serde_json::to_value(&facts).unwrap();
        assert_eq!((facts.as_array().unwrap().len(), &facts[0]["event"]), (1, &json!(expected)), "{kind}");
        assert!(!facts.to_string().contains(NAME) && !facts.to_string().contains("download/"), "{facts}");
    }
}
