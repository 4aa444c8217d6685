//! `video-meet` against Google's published APIs.

use crate::support::{NAME, Running, join, recorded, room, start};
use consilium_plugin_host::contract::{
    HealthStatus,
    video::{CreateRoom, EndRoom, Recordings, Role},
};
use consilium_tests::providers::{
    Answer, Fault, Server,
    google::{Google, SUBJECT, error},
};
use serde_json::{Value, json};
use std::time::Duration;

async fn google() -> Server<Google> {
    Server::start(Google::new).await
}

async fn plugin(server: &Server<Google>, more: Value) -> Running {
    let mut config = json!({
        "subject": SUBJECT,
        "token_url": format!("{}/token", server.url),
        "meet_url": format!("{}/v2", server.url),
        "calendar_url": format!("{}/calendar/v3", server.url),
        "drive_url": "https://drive.example.org/drive/v3",
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    start("video-meet", config, &[("service_account", &server.contract.key_file())]).await
}

#[tokio::test]
async fn a_consultation_from_room_to_end() {
    let server = google().await;
    let plugin = plugin(&server, json!({"access": "open"})).await;
    assert_eq!(plugin.health().await, HealthStatus::Ok);
    let made = plugin.call(room("7")).await.unwrap().room;
    assert_eq!(plugin.call(room("7")).await.unwrap().room, made, "a space has no times that could change");
    let [config] = server.contract.spaces().try_into().unwrap();
    assert_eq!(config["accessType"], "OPEN");
    for role in [Role::Doctor, Role::Patient] {
        let link = plugin.call(join(&made, "7", role)).await.unwrap().page().unwrap().clone();
        assert_eq!(link.expose(), format!("https://meet.google.com/code-{made}"));
    }
    server.contract.meet(&made);
    assert!(plugin.call(EndRoom { room: made.clone() }).await.unwrap().emptied);
    assert!(!server.contract.is_active());
    assert_eq!(server.contract.spaces()[0]["accessType"], "RESTRICTED", "the link lets nobody in any more");
    assert!(plugin.call(EndRoom { room: made }).await.unwrap().emptied, "ending what has ended is fine");
    assert_eq!(server.contract.tokens_granted(), 1);
    for request in server.requests("/") {
        assert!(!String::from_utf8_lossy(&request.body).contains(NAME), "Google is told no name");
    }
    server.finish();
}

#[tokio::test]
async fn a_lobby_makes_people_knock() {
    let server = google().await;
    let plugin = plugin(&server, json!({"access": "open"})).await;
    let made = plugin.call(CreateRoom { lobby: true, ..room("7") }).await.unwrap().room;
    assert_eq!(server.contract.spaces()[0]["accessType"], "TRUSTED");
    assert_eq!(plugin.call(room("7")).await.unwrap().room, made);
    assert_eq!(server.contract.spaces()[0]["accessType"], "OPEN", "changed in place");
    server.finish();
}

#[tokio::test]
async fn recordings_are_listed_with_what_it_takes_to_fetch_them() {
    let server = google().await;
    let plugin = plugin(&server, json!({})).await;
    let made = plugin.call(recorded("7")).await.unwrap().room;
    let config = &server.contract.spaces()[0];
    assert_eq!(config["artifactConfig"]["recordingConfig"]["autoRecordingGeneration"], "ON");
    let list = Recordings { room: made.clone(), consultation_id: "7".to_owned() };
    assert_eq!(plugin.call(list.clone()).await.unwrap().recordings, []);
    server.contract.record(&made);
    let [done, running] = plugin.call(list).await.unwrap().recordings.try_into().unwrap();
    let download = done.download.unwrap();
    assert_eq!(download.url.expose(), "https://drive.example.org/drive/v3/files/1kuceFZohVoCh6F?alt=media");
    assert_eq!(download.headers["authorization"].expose(), "Bearer ya29.google-token-1");
    assert!(running.download.is_none() && running.ended_at.is_none(), "{running:?}");
    server.finish();
}

#[tokio::test]
async fn in_a_calendar_each_consultation_has_one_event() {
    let server = google().await;
    server.contract.make_conferences_slowly(2);
    let plugin = plugin(&server, json!({"mode": "calendar"})).await;
    let request = CreateRoom { title: Some("Consultation at noon".to_owned()), ..room("7") };
    let made = plugin.call(request.clone()).await.unwrap().room;
    let later = CreateRoom { ends_at: request.ends_at + Duration::from_secs(600), ..request };
    assert_eq!(plugin.call(later.clone()).await.unwrap().room, made);
    let [event] = server.contract.events().try_into().unwrap();
    assert_eq!((&event["summary"], &event["visibility"]), (&json!("Consultation at noon"), &json!("private")));
    assert_eq!(event["end"]["dateTime"], json!(later.ends_at.to_string()), "the event moves with the consultation");
    plugin.call(join(&made, "7", Role::Patient)).await.unwrap();
    server.contract.meet(&made);
    let ended = plugin.call(EndRoom { room: made }).await.unwrap();
    assert!(!ended.emptied, "Calendar made the space, so the plugin may not end its conference");
    assert_eq!(server.contract.events(), Vec::<Value>::new());
    server.finish();
}

#[tokio::test]
async fn an_attempt_that_ended_unknown_leaves_no_second_event() {
    let server = google().await;
    let plugin = plugin(&server, json!({"mode": "calendar"})).await;
    for (number, fault) in [Fault::Truncated, Fault::Hang].into_iter().enumerate() {
        server.fault("/events", fault);
        assert!(plugin.error(room(&number.to_string())).await.1, "retryable");
        plugin.call(room(&number.to_string())).await.unwrap();
        assert_eq!(server.contract.events().len(), number + 1, "a second event for one consultation");
    }
    server.finish();
}

#[tokio::test]
async fn a_conference_that_takes_long_may_be_asked_for_again() {
    let server = google().await;
    server.contract.make_conferences_slowly(12);
    let plugin = plugin(&server, json!({"mode": "calendar"})).await;
    let (code, retryable, _) = plugin.error(room("7")).await;
    assert_eq!((code.as_str(), retryable), ("meet_conference_pending", true));
    plugin.call(room("7")).await.unwrap();
    assert_eq!(server.contract.events().len(), 1);
    server.finish();
}

#[tokio::test]
async fn many_callers_get_one_token_and_one_space() {
    let server = google().await;
    let plugin = plugin(&server, json!({})).await;
    let request = room("7");
    let rooms = futures_util::future::join_all((0..8).map(|_| plugin.call(request.clone()))).await;
    assert!(rooms.iter().all(|made| made.as_ref().unwrap() == rooms[0].as_ref().unwrap()));
    assert_eq!((server.contract.spaces().len(), server.contract.tokens_granted()), (1, 1));
    server.contract.revoke_tokens();
    let made = rooms[0].as_ref().unwrap().room.clone();
    plugin.call(join(&made, "7", Role::Patient)).await.unwrap();
    assert_eq!(server.contract.tokens_granted(), 2, "a refused token is fetched anew");
    server.finish();
}

#[tokio::test]
async fn who_may_not_speak_for_the_user_is_told_so() {
    let server = google().await;
    let plugin = plugin(&server, json!({"subject": "somebody@elsewhere.example.org"})).await;
    assert_eq!(plugin.health().await, HealthStatus::Down);
    let (code, retryable, message) = plugin.error(room("7")).await;
    assert_eq!((code.as_str(), retryable), ("meet_oauth_unauthorized", false));
    assert!(message.contains("unauthorized_client"), "{message}");
    let broken = server.violations();
    assert!(broken.iter().all(|rule| rule.contains("sub is a user")), "{broken:?}");
}

#[tokio::test]
async fn what_goes_wrong_at_google_has_a_code() {
    let server = google().await;
    let plugin = plugin(&server, json!({})).await;
    let made = plugin.call(room("7")).await.unwrap().room;
    let patient = || join(&made, "7", Role::Patient);
    let path = format!("/spaces/{made}");
    for (fault, code, retryable) in [
        (Fault::Instead(error(500, "INTERNAL")), "meet_unavailable", true),
        (Fault::Instead(error(503, "UNAVAILABLE")), "meet_unavailable", true),
        (Fault::Instead(error(403, "PERMISSION_DENIED")), "meet_forbidden", false),
        (Fault::Instead(error(404, "NOT_FOUND")), "meet_not_found", false),
        (Fault::Instead(error(400, "INVALID_ARGUMENT")), "meet_refused", false),
        (Fault::Instead(Answer::json(200, &json!([]))), "meet_answer_invalid", true),
        (Fault::Reset, "connection_failed", true),
        (Fault::Truncated, "connection_failed", true),
        (Fault::Hang, "timeout", true),
        (Fault::Slow(Duration::from_millis(300)), "timeout", true),
    ] {
        server.fault(&path, fault);
        let (said, again, message) = plugin.error(patient()).await;
        assert_eq!((said.as_str(), again), (code, retryable), "{message}");
        assert!(!message.contains(NAME) && !message.contains("ya29"), "{message}");
    }
    server.fault(&path, Fault::Instead(error(429, "RESOURCE_EXHAUSTED").with("Retry-After", "2")));
    let (code, retryable, message) = plugin.error(patient()).await;
    assert_eq!((code.as_str(), retryable), ("meet_rate_limited", true));
    assert!(message.contains("2 s"), "{message}");
    let before = server.requests(&path).len();
    assert_eq!(plugin.error(patient()).await.0, "meet_rate_limited");
    assert_eq!(server.requests(&path).len(), before, "asked again although Google wants quiet");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    plugin.call(patient()).await.unwrap();
    server.finish();
}
