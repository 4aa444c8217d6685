//! A system that subscribes, with the standard's own library to verify what it gets.

use std::time::Duration;

use consilium_api::config::Config;
use consilium_tests::{
    app::TestApp,
    client::{Person, text},
    receiver::{Received, Receiver},
};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

/// Lets webhooks go to this machine, and does not wait long for it.
pub fn reachable(config: &mut Config) {
    config.webhooks.allow_private_addresses = true;
    config.webhooks.timeout_seconds = 2;
}

/// A subscription of the facility.
pub struct Subscription {
    pub path: String,
    pub secret: String,
}

/// What happened before does not belong to it, also when nobody has looked at that yet: time passes in between.
pub async fn subscribe(app: &TestApp, url: &str, event_types: Value) -> Subscription {
    app.clock.advance(jiff::SignedDuration::from_secs(1));
    let made = app.admin.post("/webhook-subscriptions", json!({"url": url, "event_types": event_types})).await;
    let made = made.expect(201);
    let path = format!("/webhook-subscriptions/{}", text(&made, "id"));
    Subscription { path, secret: text(&made, "secret").to_owned() }
}

/// Whether one of the signatures is by `secret`. The library's own look at the time is left out: the server's clock
/// stands still.
pub fn signed_by(received: &Received, secret: &str) -> bool {
    let (id, at) = (received.header("webhook-id"), received.header("webhook-timestamp").parse().unwrap());
    let expected = Webhook::new(secret).unwrap().sign(id, at, received.body.as_bytes()).unwrap();
    received.header("webhook-signature").split(' ').any(|signature| signature == expected)
}

impl Subscription {
    pub async fn get(&self, person: &Person) -> Value {
        person.get(&self.path).await.expect(200)
    }

    /// The log, oldest first.
    pub async fn log(&self, person: &Person) -> Vec<Value> {
        let page = person.get(&format!("{}/deliveries?limit=100", self.path)).await.expect(200);
        let mut log = page["items"].as_array().unwrap().clone();
        log.reverse();
        log
    }

    /// The log, once it is as it should be.
    pub async fn log_when(&self, person: &Person, done: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        for _ in 0..1_000 {
            let log = self.log(person).await;
            if done(&log) {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        panic!("the log stays {:#?}", self.log(person).await)
    }
}

/// Whether there are so many deliveries, all in this state.
pub fn all(count: usize, status: &'static str) -> impl Fn(&[Value]) -> bool {
    move |log| log.len() == count && log.iter().all(|delivery| delivery["status"] == status)
}

pub async fn receiver() -> Receiver {
    Receiver::start().await
}
