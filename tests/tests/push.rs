//! Web push from what happens in the product to a push service that checks and decrypts what it gets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

use std::time::Duration;

use consilium_api::config::Config;
use consilium_kernel::Clock;
use consilium_tests::{
    app::{TestApp, on_both, on_both_with},
    client::{Person, text},
    providers::{Answer, Fault, Server, push::PushService},
};
use serde_json::{Value, json};

const SUBSCRIPTIONS: &str = "/me/push-subscriptions";

fn reachable(config: &mut Config) {
    config.push.allow_private_addresses = true;
    config.push.contact = "mailto:it@clinic.example".to_owned();
    config.push.timeout_seconds = 1;
    config.push.max_subscriptions = 3;
}

async fn service(app: &TestApp) -> Server<PushService> {
    let key = app.client.get("/push/key").await.expect(200);
    let clock = app.clock.clone();
    Server::start(|url| PushService::new(url, text(&key, "public_key"), move || clock.now())).await
}

/// Subscribes a new browser; its subscription.
async fn subscribe(person: &Person, service: &Server<PushService>, name: &str) -> Value {
    let browser = service.contract.browser(name);
    person.post(SUBSCRIPTIONS, browser.json()).await.expect(201)
}

async fn subscribed(person: &Person) -> usize {
    person.get(SUBSCRIPTIONS).await.expect(200)["items"].as_array().unwrap().len()
}

/// Waits until the browser has got so much.
async fn got(service: &Server<PushService>, name: &str, count: usize) -> Vec<Value> {
    for _ in 0..1_000 {
        let messages = service.contract.messages(name);
        if messages.len() >= count {
            return messages;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} got {:?}; broken: {:?}", service.contract.messages(name), service.violations())
}

/// Waits until the pushes stand so, oldest first.
async fn stand(app: &TestApp, expected: &[(&str, Option<&str>)]) {
    let wanted: Vec<(String, Option<String>)> =
        expected.iter().map(|(status, error)| (status.to_string(), error.map(str::to_owned))).collect();
    let mut seen = Vec::new();
    for _ in 0..1_000 {
        let all = app.admin.get("/admin/notifications?limit=100").await.expect(200);
        let pushes = all["items"].as_array().unwrap().iter().rev().filter(|it| it["channel"] == "push");
        seen = pushes.map(|it| (text(it, "status").to_owned(), it["last_error"].as_str().map(str::to_owned))).collect();
        if seen == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{seen:?} instead of {expected:?}")
}

#[actix_rt::test]
async fn every_browser_is_told_once_and_nothing_of_what_it_is_about() {
    on_both_with(reachable, async |app| {
        let service = service(app).await;
        let (patient, doctor) = (app.patient("nadia-canary").await, app.doctor("karim-canary").await);
        subscribe(&patient, &service, "phone").await;
        subscribe(&patient, &service, "laptop").await;
        let booked = patient.book(&doctor, "2026-06-02T09:00:00Z").await.expect(201);
        let path = format!("/appointments/{}", text(&booked, "id"));
        for name in ["phone", "laptop"] {
            let messages = got(&service, name, 1).await;
            assert_eq!((&messages[0]["about"], &messages[0]["url"]), (&json!("appointment"), &json!(path)));
            let mut fields: Vec<&String> = messages[0].as_object().unwrap().keys().collect();
            fields.sort();
            assert_eq!(fields, ["about", "id", "url"], "no name, no time, no text");
        }
        doctor.accept(text(&booked, "id")).await.expect(200);
        got(&service, "phone", 2).await;
        got(&service, "laptop", 2).await;
        stand(app, &[("sent", None); 4]).await;

        let requests = service.requests("/push/phone");
        assert_eq!(requests[0].header("urgency"), "normal");
        assert_eq!(requests[0].header("topic"), text(&booked, "id").replace('-', ""));
        assert_eq!(requests[0].header("ttl"), (7 * 24 * 3600).to_string());
        assert_eq!(requests[0].body.len(), requests[1].body.len(), "the length tells nothing");
        assert_eq!(service.requests("/push/").len(), 4);

        // An hour before it is urgent, and worth nothing once it has begun.
        app.wait(24 * 60 + 5);
        got(&service, "phone", 3).await;
        let reminder = service.requests("/push/phone").pop().unwrap();
        assert_eq!((reminder.header("urgency"), reminder.header("ttl")), ("high", "3300"));
        service.finish();
    })
    .await;
}

#[actix_rt::test]
async fn a_service_that_is_away_or_busy_delays_a_push_and_one_that_refuses_it_ends_it() {
    on_both_with(reachable, async |app| {
        let service = service(app).await;
        let (patient, doctor) = (app.patient("amina").await, app.doctor("karim").await);
        subscribe(&patient, &service, "phone").await;
        let busy = Answer::empty(429).with("Retry-After", "600");
        for fault in [Fault::Instead(Answer::empty(503)), Fault::Reset, Fault::Instead(busy)] {
            service.fault("/push/phone", fault);
        }
        patient.book(&doctor, "2026-06-02T09:00:00Z").await.expect(201);
        stand(app, &[("failed", Some("push_503"))]).await;
        app.wait(1);
        stand(app, &[("failed", Some("connection_lost"))]).await;
        app.wait(1);
        stand(app, &[("failed", Some("push_429"))]).await;
        app.wait(9);
        tokio::time::sleep(Duration::from_millis(1_200)).await; // two looks for what is due
        stand(app, &[("failed", Some("push_429"))]).await;
        app.wait(2);
        got(&service, "phone", 1).await;
        stand(app, &[("sent", None)]).await;

        service.fault("/push/phone", Fault::Instead(Answer::empty(413)));
        patient.book(&doctor, "2026-06-02T10:00:00Z").await.expect(201);
        stand(app, &[("sent", None), ("dead", Some("push_413"))]).await;
        let dead = app.admin.get("/admin/notifications?status=dead").await.expect(200);
        let retry = format!("/admin/notifications/{}/retry", text(&dead["items"][0], "id"));
        app.admin.post(&retry, Value::Null).await.expect(200);
        got(&service, "phone", 2).await;
        service.finish();
    })
    .await;
}

#[actix_rt::test]
async fn a_browser_that_is_gone_is_forgotten() {
    on_both_with(reachable, async |app| {
        let service = service(app).await;
        let (patient, doctor) = (app.patient("amina").await, app.doctor("karim").await);
        subscribe(&patient, &service, "phone").await;
        subscribe(&patient, &service, "laptop").await;
        service.contract.forget("phone");
        patient.book(&doctor, "2026-06-02T09:00:00Z").await.expect(201);
        got(&service, "laptop", 1).await;
        stand(app, &[("withdrawn", Some("push_410")), ("sent", None)]).await;
        assert_eq!(subscribed(&patient).await, 1);
        patient.book(&doctor, "2026-06-02T10:00:00Z").await.expect(201);
        got(&service, "laptop", 2).await;
        assert_eq!(service.requests("/push/phone").len(), 1);
        service.finish();
    })
    .await;
}

#[actix_rt::test]
async fn a_browser_is_told_as_long_as_its_login_lasts() {
    on_both_with(reachable, async |app| {
        let service = service(app).await;
        let (here, doctor) = (app.patient("amina").await, app.doctor("karim").await);
        let there = here.again().await;
        let first = subscribe(&here, &service, "phone").await;
        subscribe(&there, &service, "laptop").await;
        there.post("/auth/logout", json!({})).await.expect(204);
        until(async || subscribed(&here).await == 1).await;
        here.book(&doctor, "2026-06-02T09:00:00Z").await.expect(201);
        got(&service, "phone", 1).await;
        assert!(service.contract.messages("laptop").is_empty());

        // Unsubscribed by hand, which only its owner may.
        let path = format!("{SUBSCRIPTIONS}/{}", text(&first, "id"));
        doctor.call("DELETE".parse().unwrap(), &path).await.problem(404, "not_found");
        here.call("DELETE".parse().unwrap(), &path).await;
        assert_eq!(subscribed(&here).await, 0);
        here.call("DELETE".parse().unwrap(), &path).await.problem(404, "not_found");

        // Out everywhere.
        subscribe(&here, &service, "tablet").await;
        here.post("/auth/logout", json!({"all": true})).await.expect(204);
        let again = here.again().await;
        until(async || subscribed(&again).await == 0).await;
        service.finish();
    })
    .await;
}

async fn until(so: impl AsyncFn() -> bool) {
    for _ in 0..1_000 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never was so")
}

#[actix_rt::test]
async fn one_browser_belongs_to_who_used_it_last_and_nobody_has_too_many() {
    on_both_with(reachable, async |app| {
        let service = service(app).await;
        let (amina, bilal) = (app.patient("amina").await, app.patient("bilal").await);
        let shared = service.contract.browser("shared").json();
        let first = amina.post(SUBSCRIPTIONS, shared.clone()).await.expect(201);
        let again = amina.post(SUBSCRIPTIONS, shared.clone()).await.expect(201);
        assert_eq!(first["id"], again["id"]);
        assert_eq!(first["service"], "127.0.0.1");
        bilal.post(SUBSCRIPTIONS, shared).await.expect(201);
        assert_eq!((subscribed(&amina).await, subscribed(&bilal).await), (0, 1));
        for name in ["a", "b", "c", "d"] {
            subscribe(&amina, &service, name).await;
        }
        assert_eq!(subscribed(&amina).await, 3, "the oldest has given way");
    })
    .await;
}

#[actix_rt::test]
async fn addresses_that_are_private_or_no_addresses_are_refused() {
    on_both(async |app| {
        let patient = app.patient("amina").await;
        let key = app.client.get("/push/key").await.expect(200);
        let point = text(&key, "public_key"); // as good a point as any
        let address = |endpoint: &str, p256dh: &str, auth: &str| {
            json!({"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}})
        };
        let auth = "BTBZMqHH6r4Tts7J_aSIgg";
        for (endpoint, code) in [
            ("http://push.example.org/1", "not_https"),
            ("https://127.0.0.1/1", "address_denied"),
            ("https://[::ffff:10.0.0.1]/1", "address_denied"),
            ("nonsense", "invalid"),
        ] {
            let answer = patient.post(SUBSCRIPTIONS, address(endpoint, point, auth)).await;
            assert_eq!(answer.problem(422, "invalid"), ["/endpoint"]);
            assert_eq!(answer.body["errors"][0]["code"], code, "{endpoint}");
        }
        let good = "https://push.example.org/1";
        let not_a_point = "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for wrong in ["", "AAAA", not_a_point] {
            assert_eq!(patient.post(SUBSCRIPTIONS, address(good, wrong, auth)).await.problem(422, "invalid"), ["/keys/p256dh"]);
        }
        for wrong in ["", "AAAA", point] {
            assert_eq!(patient.post(SUBSCRIPTIONS, address(good, point, wrong)).await.problem(422, "invalid"), ["/keys/auth"]);
        }
        assert_eq!(subscribed(&patient).await, 0);
        patient.post(SUBSCRIPTIONS, address(good, point, auth)).await.expect(201);
    })
    .await;
}

/// Whoever reads the database learns neither where a browser is reached nor how to encrypt for it.
#[actix_rt::test]
async fn addresses_are_sealed_at_rest() {
    on_both_with(reachable, async |app| {
        let service = service(app).await;
        let patient = app.patient("amina").await;
        subscribe(&patient, &service, "canarybrowser").await;
        let Some(file) = app.database.strip_prefix("sqlite://") else { return };
        for name in [file.to_owned(), format!("{file}-wal")] {
            let bytes = std::fs::read(name).unwrap();
            assert!(!bytes.windows(13).any(|window| window == b"canarybrowser"));
        }
    })
    .await;
}
