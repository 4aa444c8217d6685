//! What providers post: kept before it is answered, understood afterwards, once, whatever happens in between.

use consilium_tests::client::{Answer, Person, text};
use jiff::SignedDuration;
use ring::hmac;
use serde_json::{Value, json};

use crate::{
    rest::{Rest, SECRET, on_both},
    stage::eventually,
};

/// Longer than a delivery stays in the hands of a server that died, by its clock.
const CLAIM: SignedDuration = SignedDuration::from_secs(61);

async fn post(rest: &Rest, plugin: &str, body: String, secret: &str) -> Answer {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hex::encode(hmac::sign(&key, body.as_bytes()));
    let path = format!("/webhooks/{plugin}");
    rest.stage.client().post(&path, Value::Null).header("X-Signature", &signature).body("application/json", body).await
}

/// How many lines the audit log has of this action.
async fn count(rest: &Rest, action: &str) -> usize {
    rest.stage.audited(&[action]).await.len()
}

fn joined(delivery: &str, room: &str) -> String {
    let event = json!({"event": "participant_joined", "room": room, "participant": "p", "at": "2026-06-01T09:00:00Z"});
    json!({"id": delivery, "events": [event]}).to_string()
}

async fn statuses(admin: &Person) -> Vec<(String, String)> {
    let all = admin.get("/admin/received-webhooks").await.expect(200);
    let items = all["items"].as_array().expect("a list");
    items.iter().map(|item| (text(item, "delivery_id").to_owned(), text(item, "status").to_owned())).collect()
}

fn is(delivery: &str, status: &str) -> (String, String) {
    (delivery.to_owned(), status.to_owned())
}

#[actix_rt::test]
async fn a_genuine_delivery_counts_once_and_others_not_at_all() {
    on_both(async |rest| {
        let admin = rest.stage.client().login("admin").await;
        let (doctor, patient) = rest.stage.people().await;
        let (_, id) = rest.stage.agree(&doctor, &patient).await;
        doctor.post(&format!("/consultations/{id}/start"), Value::Null).await.expect(200);
        doctor.post(&format!("/consultations/{id}/join"), Value::Null).await.expect(200);

        post(rest, "nowhere", joined("d1", &id), SECRET).await.problem(404, "not_found");
        post(rest, "rest-one", joined("d1", &id), "guessed").await.problem(401, "webhook_refused");
        post(rest, "rest-one", "no JSON".to_owned(), SECRET).await.problem(400, "webhook_malformed");
        let unnamed = json!({"events": []}).to_string();
        post(rest, "rest-one", unnamed, SECRET).await.problem(400, "webhook_malformed");
        let large = json!({"id": "large", "padding": "x".repeat(600 * 1024)}).to_string();
        post(rest, "rest-one", large, SECRET).await.problem(413, "too_large");
        let challenge = post(rest, "rest-one", json!({"challenge": "answer me"}).to_string(), SECRET).await;
        assert_eq!((challenge.status, &challenge.body), (200, &json!("answer me")));
        assert_eq!(statuses(&admin).await, [], "none of these is kept");

        for _ in 0..3 {
            assert_eq!(post(rest, "rest-one", joined("d1", &id), SECRET).await.status, 204);
        }
        eventually("it is understood", async || statuses(&admin).await == [is("d1", "done")]).await;
        assert_eq!(count(rest, "webhook_received").await, 1);
        assert_eq!(count(rest, "video_participant_joined").await, 1);
        // Another provider knows no such room, and its deliveries have names of their own.
        assert_eq!(post(rest, "rest-two", joined("d1", &id), SECRET).await.status, 204);
        eventually("it is understood", async || statuses(&admin).await == [is("d1", "done"), is("d1", "done")]).await;
        assert_eq!(count(rest, "video_participant_joined").await, 1);

        let never = json!({"id": "d2", "fail": "for good"}).to_string();
        assert_eq!(post(rest, "rest-one", never, SECRET).await.status, 204);
        eventually("it is set aside", async || statuses(&admin).await[0] == is("d2", "dead")).await;
        let dead = admin.get("/admin/received-webhooks?status=dead").await.expect(200);
        assert_eq!(
            (dead["items"].as_array().unwrap().len(), &dead["items"][0]["problem"]),
            (1, &json!("not_understood"))
        );
        let again = format!("/admin/received-webhooks/{}/retry", text(&dead["items"][0], "id"));
        admin.post(&again, Value::Null).await.expect(200);
        eventually("it is set aside again", async || count(rest, "webhook_retried").await == 1).await;
        patient.get("/admin/received-webhooks").await.problem(403, "forbidden");
    })
    .await;
}

#[actix_rt::test]
async fn what_was_answered_is_understood_after_a_kill() {
    on_both(async |rest| {
        let (doctor, patient) = rest.stage.people().await;
        let (_, id) = rest.stage.agree(&doctor, &patient).await;
        doctor.post(&format!("/consultations/{id}/start"), Value::Null).await.expect(200);
        doctor.post(&format!("/consultations/{id}/join"), Value::Null).await.expect(200);
        rest.two.fail(true);
        let event = json!({"event": "room_started", "room": id, "at": "2026-06-01T09:00:00Z"});
        // Read by the plugin that asks its failing server first; the room is the other's, so that this proves only
        // the inbox; the second delivery is the room's own.
        let waits = json!({"id": "waits", "fail": "until_up", "events": [event]}).to_string();
        assert_eq!(post(rest, "rest-two", waits.clone(), SECRET).await.status, 204);
        rest.one.fail(true);
        assert_eq!(post(rest, "rest-one", waits, SECRET).await.status, 204);
        rest.stage.kill().await;
        assert_eq!(count(rest, "webhook_received").await, 2, "both are kept");
        assert_eq!(count(rest, "video_room_started").await, 0);
        rest.one.fail(false);
        rest.two.fail(false);
        rest.stage.deployment.jump(CLAIM);
        rest.stage.serve().await;
        let admin = rest.stage.client().login("admin").await;
        eventually("both are understood", async || {
            statuses(&admin).await == [is("waits", "done"), is("waits", "done")]
        })
        .await;
        assert_eq!(count(rest, "video_room_started").await, 1);
    })
    .await;
}

#[actix_rt::test]
async fn a_plugin_that_cannot_say_has_the_provider_come_again() {
    on_both(async |rest| {
        let admin = rest.stage.client().login("admin").await;
        let plugins = admin.get("/plugins").await.expect(200);
        let pid = plugins["items"][0]["pid"].as_u64().expect("a child process").to_string();
        // Stopped, it answers nothing until its time is over.
        let signal = |name: &str| {
            let done = std::process::Command::new("kill").args([name, &pid]).status().expect("kill can be run");
            assert!(done.success());
        };
        signal("-STOP");
        let answer = post(rest, "rest-one", joined("d1", "room"), SECRET).await;
        answer.problem(503, "unavailable");
        assert!(!answer.header("retry-after").is_empty());
        eventually("the plugin is started again and takes it in", async || {
            post(rest, "rest-one", joined("d1", "room"), SECRET).await.status == 204
        })
        .await;
    })
    .await;
}
