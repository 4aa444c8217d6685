//! Endpoints that fail in every way, and what that means for them and for others.

use std::time::Duration;

use consilium_tests::{app::on_both_with, client::text, receiver::Reply};
use serde_json::{Value, json};

use crate::subscriber::{all, reachable, receiver, signed_by, subscribe};

#[actix_rt::test]
async fn what_fails_is_tried_again_until_it_is_taken() {
    on_both_with(reachable, async |app| {
        let receiver = receiver().await;
        let redirect = Reply::With(302, "Location", receiver.url("/elsewhere"));
        let failures = [Reply::Status(500), Reply::Silence, Reply::Hangup, redirect, Reply::Status(404)];
        let errors = ["http_500", "timeout", "connection_lost", "http_302", "http_404"];
        receiver.script("/hook", failures.into_iter().chain([Reply::Endless]));
        let hook = subscribe(app, &receiver.url("/hook"), json!(["*"])).await;
        app.admin.post(&format!("{}/test", hook.path), Value::Null).await.expect(202);
        for (attempt, error) in (1..).zip(errors) {
            let admin = app.admin.again().await;
            let tried = |log: &[Value]| log[0]["attempts"] == attempt;
            let log = hook.log_when(&admin, tried).await;
            assert_eq!((&log[0]["status"], &log[0]["last_error"]), (&json!("failed"), &json!(error)));
            assert!(hook.get(&admin).await["failing_since"].is_string());
            app.wait(24 * 60); // past every wait, and with luck past midnight
        }
        let admin = app.admin.again().await;
        // An answer that never ends is cut off, and its status counts.
        let log = hook.log_when(&admin, all(1, "delivered")).await;
        assert_eq!((&log[0]["attempts"], &log[0]["status_code"]), (&json!(6), &json!(200)));
        assert_eq!(hook.get(&admin).await["failing_since"], Value::Null);
        let received = receiver.received("/hook");
        assert_eq!(received.len(), 6);
        assert!(received.iter().all(|one| signed_by(one, &hook.secret)));
        assert!(received.iter().all(|one| one.header("webhook-id") == received[0].header("webhook-id")));
        assert_eq!(receiver.received("/elsewhere").len(), 0, "redirects are not followed");
    })
    .await;
}

#[actix_rt::test]
async fn a_slow_endpoint_does_not_delay_others() {
    on_both_with(reachable, async |app| {
        let receiver = receiver().await;
        receiver.script("/slow", [Reply::Silence]);
        receiver.script("/late", [Reply::Late(Duration::from_millis(500))]);
        let slow = subscribe(app, &receiver.url("/slow"), json!(["account_registered"])).await;
        let late = subscribe(app, &receiver.url("/late"), json!(["account_registered"])).await;
        let quick = subscribe(app, &receiver.url("/quick"), json!(["account_registered"])).await;
        for name in ["one", "two", "three"] {
            app.patient(name).await;
        }
        quick.log_when(&app.admin, all(3, "delivered")).await;
        late.log_when(&app.admin, all(3, "delivered")).await;
        assert_eq!((receiver.received("/quick").len(), receiver.received("/late").len()), (3, 3));
        let timed_out = |log: &[Value]| log.iter().all(|entry| entry["last_error"] == "timeout") && log.len() == 3;
        slow.log_when(&app.admin, timed_out).await;
        assert_eq!(receiver.received("/slow").len(), 3, "each once, none before its time");
    })
    .await;
}

#[actix_rt::test]
async fn an_endpoint_that_is_gone_is_disabled_and_can_be_enabled_again() {
    on_both_with(reachable, async |app| {
        let receiver = receiver().await;
        receiver.script("/hook", [Reply::Status(410), Reply::Status(200)]);
        let hook = subscribe(app, &receiver.url("/hook"), json!(["account_registered"])).await;
        let watcher = subscribe(app, &receiver.url("/watcher"), json!(["webhook_*"])).await;
        app.patient("one").await;
        let log = hook.log_when(&app.admin, all(1, "dead")).await;
        let seen = app.admin.get(&hook.path).await;
        assert_eq!((&seen.body["enabled"], &seen.body["disabled_because"]), (&json!(false), &json!("gone")));
        watcher.log_when(&app.admin, all(1, "delivered")).await;
        let told = receiver.received("/watcher")[0].json();
        assert_eq!((&told["type"], &told["data"]["reason"]), (&json!("webhook_subscription_disabled"), &json!("gone")));

        let retry = format!("{}/deliveries/{}/retry", hook.path, text(&log[0], "id"));
        app.admin.post(&retry, Value::Null).await.problem(409, "subscription_disabled");
        app.admin.patch(&hook.path, json!({"enabled": true})).await.problem(428, "if_match_required");
        let enable = app.admin.patch(&hook.path, json!({"enabled": true})).header("If-Match", seen.header("etag"));
        assert_eq!(enable.await.expect(200)["enabled"], true);
        app.admin.post(&retry, Value::Null).await.expect(202);
        hook.log_when(&app.admin, all(1, "delivered")).await;
        app.admin.post(&retry, Value::Null).await.problem(409, "invalid_transition");
    })
    .await;
}

#[actix_rt::test]
async fn an_endpoint_is_left_alone_for_as_long_as_it_asks() {
    on_both_with(reachable, async |app| {
        let receiver = receiver().await;
        let wait = Reply::With(503, "Retry-After", "1800".to_owned());
        receiver.script("/hook", [wait, Reply::Status(200)]);
        let hook = subscribe(app, &receiver.url("/hook"), json!(["account_registered"])).await;
        app.patient("one").await;
        hook.log_when(&app.admin, all(1, "failed")).await;
        app.patient("two").await;
        hook.log_when(&app.admin, |log| log.len() == 2).await;
        app.wait(29);
        let admin = app.admin.again().await;
        admin.post(&format!("{}/test", hook.path), Value::Null).await.expect(202);
        tokio::time::sleep(Duration::from_millis(1_500)).await; // three looks at the queue
        assert_eq!(receiver.received("/hook").len(), 1);
        app.wait(2);
        hook.log_when(&app.admin.again().await, all(3, "delivered")).await;
    })
    .await;
}
