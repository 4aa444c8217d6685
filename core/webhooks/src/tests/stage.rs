//! A facility with subscriptions, and an endpoint that answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use consilium_db::{outbox::Fact, subscriptions, testing::TestDb};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, EntityRef, EventId, FacilityId, Ids, RandomIds, Timestamp};
use consilium_runtime::SubscriberWorker;
use serde_json::json;
use tokio::sync::Notify;

use crate::*;

/// What an endpoint saw of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub id: EventId,
    pub url: String,
    pub at: Timestamp,
    pub signature: String,
    pub body: String,
}

/// How an endpoint answers.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// With this status.
    Status(u16),
    /// With this status and `Retry-After`, in seconds.
    Later(u16, i64),
    /// The message is seen, and the answer never comes back to us: as if the process died.
    Never,
}

/// Endpoints in memory: whatever is not scripted for an address is answered with 200.
#[derive(Default)]
pub struct Endpoints {
    pub seen: Mutex<Vec<Seen>>,
    scripts: Mutex<Vec<(String, VecDeque<Answer>)>>,
    pub arrived: Notify,
}

impl Endpoints {
    /// From now on `url` answers so; the last answer is repeated.
    pub fn script(&self, url: &str, answers: &[Answer]) {
        let mut scripts = self.scripts.lock().unwrap();
        scripts.retain(|(of, _)| of != url);
        scripts.push((url.to_owned(), answers.iter().copied().collect()));
    }

    fn next(&self, url: &str) -> Answer {
        let mut scripts = self.scripts.lock().unwrap();
        match scripts.iter_mut().find(|(of, _)| of == url) {
            Some((_, answers)) if answers.len() > 1 => answers.pop_front().unwrap(),
            Some((_, answers)) => answers[0],
            None => Answer::Status(200),
        }
    }

    pub fn seen_at(&self, url: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.url == url).cloned().collect()
    }
}

#[async_trait]
impl Transport for Endpoints {
    async fn post(&self, outgoing: &Outgoing) -> Outcome {
        let Outgoing { id, url, at, signature, body } = outgoing;
        let (url, signature, body) = (url.clone(), signature.clone(), body.clone());
        let answer = self.next(&url);
        self.seen.lock().unwrap().push(Seen { id: *id, url, at: *at, signature, body });
        self.arrived.notify_one();
        match answer {
            Answer::Status(status) => Outcome::Answered { status, retry_after: None },
            Answer::Later(status, seconds) => {
                Outcome::Answered { status, retry_after: Some(jiff::SignedDuration::from_secs(seconds)) }
            }
            Answer::Never => std::future::pending().await,
        }
    }
}

pub struct Stage {
    pub test: TestDb,
    pub webhooks: Webhooks,
    pub endpoints: Arc<Endpoints>,
}

/// Plays `scene` on each database.
pub async fn on_both(scene: impl AsyncFn(&Stage)) {
    for test in TestDb::both() {
        scene(&Stage::with(test, WebhookSettings::default())).await;
    }
}

pub fn administrator() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "test")
}

pub fn new(url: &str, event_types: &[&str]) -> NewSubscription {
    NewSubscription {
        url: url.to_owned(),
        event_types: event_types.iter().map(ToString::to_string).collect(),
        description: String::new(),
        enabled: true,
    }
}

pub const URL: &str = "https://hooks.example.org/consilium";

impl Stage {
    pub fn with(test: TestDb, settings: WebhookSettings) -> Self {
        let webhooks = Webhooks::new(test.db.clone(), settings);
        Self { test, webhooks, endpoints: Arc::default() }
    }

    pub async fn subscribe(&self, url: &str, event_types: &[&str]) -> WithSecret {
        self.webhooks.create(&administrator(), new(url, event_types)).await.unwrap()
    }

    /// Something happens to an appointment. Gives the appointment's id.
    pub async fn happens(&self, event_type: &'static str) -> uuid::Uuid {
        self.happens_in(DEFAULT_FACILITY, event_type).await
    }

    pub async fn happens_in(&self, facility: FacilityId, event_type: &'static str) -> uuid::Uuid {
        let id = RandomIds.next();
        let meta = CommandMeta::system(facility, "test");
        let emitted = self.test.db.write(&meta, move |tx| {
            let data = json!({"id": id, "status": "pending", "reason": "secret reason"});
            let entity = EntityRef::new("appointment", id);
            tx.emit(Fact { entity, version: 1, event_type, schema: 1, subject: id, data: &data })
        });
        emitted.await.unwrap();
        id
    }

    /// Has everything that happened digested.
    pub async fn digest(&self) {
        let worker = SubscriberWorker::new(self.test.db.clone(), self.webhooks.subscriber());
        for _ in 0..500 {
            worker.catch_up().await.unwrap();
            if self.test.db.read(|session| subscriptions::behind(session, "webhooks")).await.unwrap().is_empty() {
                return;
            }
            // On PostgreSQL an event waits while an older transaction runs anywhere on the server.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("events are still waiting");
    }

    pub fn dispatcher(&self) -> Arc<Dispatcher> {
        self.webhooks.dispatcher(self.endpoints.clone())
    }

    /// Digests and sends all there is now.
    pub async fn send(&self) {
        self.digest().await;
        self.dispatcher().send_due().await.unwrap();
    }

    pub fn wait(&self, minutes: i64) {
        self.test.clock.advance(jiff::SignedDuration::from_mins(minutes));
    }

    /// The log of a subscription, oldest first.
    pub async fn log(&self, id: SubscriptionId) -> Vec<Delivery> {
        let page = PageRequest { limit: Some(100), cursor: None };
        let mut log = self.webhooks.deliveries(&administrator(), id, None, page).await.unwrap().items;
        log.reverse();
        log
    }

    pub async fn get(&self, id: SubscriptionId) -> Subscription {
        self.webhooks.get(&administrator(), id).await.unwrap()
    }
}
