//! The provider of a running consultation begins to fail, and nobody asks anything of it: the shipped LiveKit plugin
//! with a contract server that is told to fail, and the shipped Jitsi plugin behind it.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use consilium_tests::{
    app::Backend,
    client::{Person, text},
    providers::{
        Answer, Fault, Server,
        livekit::{API_KEY, API_SECRET, LiveKit},
    },
};
use serde_json::{Value, json};

use crate::{
    socket::Socket,
    stage::{Stage, eventually},
};

/// The program with LiveKit, and Jitsi after it if it is among `order`.
async fn stage(backend: Backend, livekit: &Server<LiveKit>, order: &[&str]) -> Stage {
    Stage::open(backend, order, |deployment| {
        let secret = |name: &str, value: &str| deployment.write(name, value);
        let (api_secret, app_secret) = (secret("api", API_SECRET), secret("app", "shared with Jitsi"));
        let mut settings = format!(
            "[video]\nproviders = {order:?}\n[plugins.use.video-livekit]\nallow_private_addresses = true\n\
             config = {{ server_url = {:?}, api_key = {API_KEY:?}, join_page = \"https://live.example.org/custom\" }}\n\
             secret_files = {{ api_secret = {api_secret:?} }}\n",
            livekit.url,
        );
        if order.contains(&"video-jitsi") {
            settings += &format!(
                "[plugins.use.video-jitsi]\n\
                 config = {{ base_url = \"https://meet.example.org\", app_id = \"consilium\" }}\n\
                 secret_files = {{ app_secret = {app_secret:?} }}\n"
            );
        }
        settings
    })
    .await
}

async fn join(who: &Person, id: &str) -> Value {
    who.post(&format!("/consultations/{id}/join"), json!({"capabilities": ["redirect"]})).await.expect(200)
}

/// The provider and its version; page and token belong to `guest` alone.
fn served(video: &Value, guest: &Person) -> (String, i64) {
    let token = text(video, "token");
    assert!(text(video, "join_url").contains(token), "{video}");
    let claims = token.split('.').nth(1).map(|part| URL_SAFE_NO_PAD.decode(part).expect("a JWT"));
    let claims = String::from_utf8(claims.expect("a JWT")).expect("JSON");
    assert!(claims.contains(&guest.id), "{claims} is not for {}", guest.name);
    (text(video, "provider").to_owned(), video["version"].as_i64().expect("a version"))
}

fn at(provider: &str, version: i64) -> (String, i64) {
    (provider.to_owned(), version)
}

/// The link in the mail is this server's own, and opens.
async fn link_opens(stage: &Stage, id: &str) {
    let page = stage.client().get(&format!("//c/{id}")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
}

/// Both are in a consultation at LiveKit, which then fails in this way.
async fn both_are_moved(backend: Backend, fault: Fault) {
    let livekit = Server::start(|_| LiveKit::default()).await;
    let mut stage = stage(backend, &livekit, &["video-livekit", "video-jitsi"]).await;
    let (doctor, patient) = stage.people().await;
    let (_, id) = stage.agree(&doctor, &patient).await;
    link_opens(&stage, &id).await;
    let verb = |verb: &str| format!("/consultations/{id}/{verb}");
    doctor.post(&verb("start"), Value::Null).await.expect(200);
    for who in [&doctor, &patient] {
        let video = &join(who, &id).await["video"];
        assert_eq!(served(video, who), at("video-livekit", 1));
        livekit.contract.connect(text(video, "token")).expect("LiveKit lets them in");
    }
    let seen = patient.get(&format!("/consultations/{id}")).await.expect(200);
    let choice = (&seen["video"]["provider"], &seen["video"]["available"], &seen["video"]["reason"]);
    assert_eq!(choice, (&json!("video-livekit"), &json!(true), &json!("first_choice")));
    let (address, topic) = (stage.address().to_owned(), format!("consultation:{id}"));
    let mut sockets = [
        (&doctor, Socket::open(&address, &doctor, &topic).await),
        (&patient, Socket::open(&address, &patient, &topic).await),
    ];
    assert_eq!(livekit.violations(), Vec::<String>::new());

    livekit.outage(Some(fault));
    let since = Instant::now();
    let mut reason = String::new();
    for (who, socket) in &mut sockets {
        // The stored event and the participant's own way in, in this order.
        let event = socket.until("switch", |frame| frame["event"] == "video_provider_switched").await;
        let (data, seq) = (&event["data"], event["seq"].as_i64());
        let told = (&data["from"], &data["to"], &data["version"]);
        assert_eq!(told, (&json!("video-livekit"), &json!("video-jitsi"), &json!(2)));
        reason = text(data, "reason").to_owned();
        assert!(seq.is_some() && !reason.is_empty(), "{event}");
        assert!(!event.to_string().contains("jwt"), "the event holds somebody's access: {event}");
        let signal = socket.until("way in", |frame| frame["signal"] == "video_access").await;
        assert_eq!(served(&signal["data"]["video"], who), at("video-jitsi", 2));
    }
    let (took, window) = (since.elapsed(), breaker_window());
    eprintln!(
        "both were moved after {:.1} s, because of {reason}; a breaker stays open for {window:?}",
        took.as_secs_f64()
    );
    assert!(took <= window, "both were moved only after {took:?}");
    for who in [&doctor, &patient] {
        assert_eq!(served(&join(who, &id).await["video"], who), at("video-jitsi", 2));
    }
    link_opens(&stage, &id).await;
    let told = stage.audited(&["video_provider_chosen", "video_provider_switched"]).await;
    let chosen = json!({"provider": "video-livekit", "reason": "first_choice", "version": 1});
    let switched = json!({"from": "video-livekit", "to": "video-jitsi", "reason": reason, "version": 2});
    let story = [("video_provider_chosen", chosen), ("video_provider_switched", switched)];
    assert_eq!(told, story.map(|(action, detail)| (action.to_owned(), detail)));

    // Well again: those who were moved stay, and who comes later begins there.
    livekit.outage(None);
    assert_eq!(served(&join(&patient, &id).await["video"], &patient), at("video-jitsi", 2));
    let (appointment, later) = stage.agree(&doctor, &patient).await;
    let slot = patient.slots(&doctor).await.pop().expect("a free slot");
    let moved = doctor.post(&format!("/appointments/{appointment}/reschedule"), json!({"starts_at": slot})).await;
    assert_eq!(text(&moved.expect(200), "consultation_id"), later, "the link survives a move");
    link_opens(&stage, &later).await;
    eventually("the first provider is asked again", async || {
        let all = doctor.get("/video-providers").await.expect(200);
        all["items"][0]["id"] == "video-livekit" && all["items"][0]["available"] == true
    })
    .await;
    doctor.post(&format!("/consultations/{later}/start"), Value::Null).await.expect(200);
    assert_eq!(served(&join(&doctor, &later).await["video"], &doctor), at("video-livekit", 1));

    assert_eq!(livekit.contract.rooms().len(), 2, "one for each consultation");
    for consultation in [&id, &later] {
        doctor.post(&format!("/consultations/{consultation}/end"), Value::Null).await.expect(200);
    }
    eventually("the rooms are closed, also that of the provider that was left", async || {
        livekit.contract.rooms().is_empty()
    })
    .await;
    assert!(livekit.contract.removed().len() >= 2, "nobody stays behind in a room that was left");
    stage.audit_is_whole().await;
    stage.kill().await;
}

/// How long a breaker stays open, unless an operator says otherwise.
fn breaker_window() -> Duration {
    Duration::from_millis(consilium_plugin_host::Settings::default().breaker_open_ms)
}

fn broken() -> Fault {
    Fault::Instead(Answer::json(500, &json!({"code": "internal", "msg": "played"})))
}

#[actix_rt::test]
async fn both_sides_are_moved_from_a_provider_that_answers_errors_sqlite() {
    both_are_moved(Backend::Sqlite, broken()).await;
}

#[actix_rt::test]
async fn both_sides_are_moved_from_a_provider_that_answers_errors_postgres() {
    both_are_moved(Backend::Postgres, broken()).await;
}

#[actix_rt::test]
async fn both_sides_are_moved_from_a_provider_that_does_not_answer_sqlite() {
    both_are_moved(Backend::Sqlite, Fault::Hang).await;
}

#[actix_rt::test]
async fn both_sides_are_moved_from_a_provider_that_does_not_answer_postgres() {
    both_are_moved(Backend::Postgres, Fault::Hang).await;
}

/// There is no other provider: the consultation goes on in writing until the first one is back.
async fn the_chat_goes_on(backend: Backend) {
    let livekit = Server::start(|_| LiveKit::default()).await;
    let mut stage = stage(backend, &livekit, &["video-livekit"]).await;
    let (doctor, patient) = stage.people().await;
    let (_, id) = stage.agree(&doctor, &patient).await;
    doctor.post(&format!("/consultations/{id}/start"), Value::Null).await.expect(200);
    for who in [&doctor, &patient] {
        join(who, &id).await;
    }
    let topic = format!("consultation:{id}");
    let mut socket = Socket::open(stage.address(), &patient, &topic).await;
    livekit.outage(Some(broken()));
    let lost = socket.until("video lost", |frame| frame["event"] == "video_unavailable").await;
    assert_eq!((&lost["data"]["provider"], &lost["data"]["version"]), (&json!("video-livekit"), &json!(1)));
    let refused = patient.post(&format!("/consultations/{id}/join"), Value::Null).await;
    refused.problem(503, "video_unavailable");
    assert!(!refused.header("retry-after").is_empty());
    let seen = patient.get(&format!("/consultations/{id}")).await.expect(200);
    assert_eq!((&seen["status"], &seen["video"]["available"]), (&json!("in_progress"), &json!(false)));
    let message = json!({"client_message_id": "1", "body": "Can you hear me?"});
    patient.post(&format!("/consultations/{id}/messages"), message).await.expect(201);
    socket.until("the message", |frame| frame["event"] == "message_sent").await;

    livekit.outage(None);
    let back = socket.until("way in", |frame| frame["signal"] == "video_access").await;
    assert_eq!(served(&back["data"]["video"], &patient), at("video-livekit", 2));
    stage.kill().await;
}

#[actix_rt::test]
async fn with_no_provider_left_the_chat_goes_on_sqlite() {
    the_chat_goes_on(Backend::Sqlite).await;
}

#[actix_rt::test]
async fn with_no_provider_left_the_chat_goes_on_postgres() {
    the_chat_goes_on(Backend::Postgres).await;
}

/// LiveKit limits requests: nobody's join asks it again before it wants, and operators see why.
#[actix_rt::test]
async fn a_provider_that_asks_to_wait_is_passed_over() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let livekit = Server::start(|_| LiveKit::default()).await;
        let mut stage = stage(backend, &livekit, &["video-livekit", "video-jitsi"]).await;
        let (doctor, patient) = stage.people().await;
        let limited = Answer::json(429, &json!({"code": "resource_exhausted", "msg": "played"}));
        livekit.fault("CreateRoom", Fault::Instead(limited.with("Retry-After", "40")));
        for _ in 0..2 {
            let (_, id) = stage.agree(&doctor, &patient).await;
            doctor.post(&format!("/consultations/{id}/start"), Value::Null).await.expect(200);
            assert_eq!(served(&join(&doctor, &id).await["video"], &doctor), at("video-jitsi", 1));
        }
        assert_eq!(livekit.requests("CreateRoom").len(), 1, "asked again although it wants to be left alone");
        let all = doctor.get("/video-providers").await.expect(200);
        let told = (&all["items"][0]["id"], &all["items"][0]["available"], &all["items"][0]["code"]);
        assert_eq!(told, (&json!("video-livekit"), &json!(false), &json!("asked_to_wait")));
        let plugins = stage.client().login("admin").await.get("/plugins").await.expect(200);
        let plugins = plugins["items"].as_array().expect("a list");
        let resting = &plugins.iter().find(|plugin| plugin["id"] == "video-livekit").expect("it runs")["resting"];
        assert_eq!(resting[0]["method"], "video.create_room", "{resting}");
        assert!((30..=40).contains(&resting[0]["seconds"].as_u64().expect("a number")), "{resting}");
        livekit.finish();
        stage.kill().await;
    }
}
