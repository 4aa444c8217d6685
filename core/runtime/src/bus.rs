//! The live bus: numbered topic events and unstored signals on their way to whoever watches a topic now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use consilium_db::topics::TopicEvent;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// Something that is told to present watchers and kept nowhere: typing, a cursor, a WebRTC offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The topic it is for.
    pub topic: String,
    /// What it is: `typing`.
    pub signal: String,
    /// Only for this account, if set.
    pub to: Option<uuid::Uuid>,
    /// From this account.
    pub from: Option<uuid::Uuid>,
    /// The body.
    pub data: serde_json::Value,
}

/// What watchers of a topic receive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveEvent {
    /// Numbered and stored.
    Event(TopicEvent),
    /// Neither.
    Signal(Signal),
}

impl LiveEvent {
    /// The topic it is for.
    pub fn topic(&self) -> &str {
        match self {
            Self::Event(event) => &event.topic,
            Self::Signal(signal) => &signal.topic,
        }
    }
}

/// Carries live events to watchers, on this node or on all. Best effort: a watcher that misses one sees a gap
/// in `seq` and reads the database.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Tells the watchers of the event's topic.
    fn publish(&self, event: LiveEvent);
    /// Watches a topic: what is published after this returns is heard.
    async fn subscribe(&self, topic: &str) -> Subscription;
}

/// A watched topic. Lags, rather than letting memory grow, when its reader is too slow.
pub struct Subscription {
    receiver: broadcast::Receiver<Carried>,
}

/// What a watcher is handed.
#[derive(Debug, Clone)]
enum Carried {
    Event(Arc<LiveEvent>),
    /// Something may have been missed.
    Missed,
}

impl Subscription {
    /// The next event; `Err` when events may have been missed, because the reader was too slow or another node could
    /// not be heard; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Arc<LiveEvent>, Missed>> {
        match self.receiver.recv().await {
            Ok(Carried::Event(event)) => Some(Ok(event)),
            Ok(Carried::Missed) | Err(broadcast::error::RecvError::Lagged(_)) => Some(Err(Missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// Events may have been missed: the database knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed;

/// Events that a slow watcher may fall behind.
const BACKLOG: usize = 256;

/// The bus of a deployment with one node.
#[derive(Debug, Default)]
pub struct InProcessBus(Mutex<HashMap<String, broadcast::Sender<Carried>>>);

#[async_trait]
impl EventBus for InProcessBus {
    fn publish(&self, event: LiveEvent) {
        let mut topics = self.lock();
        let Some(sender) = topics.get(event.topic()) else { return };
        if sender.receiver_count() == 0 {
            topics.remove(event.topic());
            return;
        }
        let _ = sender.send(Carried::Event(Arc::new(event)));
    }

    async fn subscribe(&self, topic: &str) -> Subscription {
        let mut topics = self.lock();
        // Topics nobody watches any more are dropped when there are twice as many as could be watched.
        if topics.len() > 1_024 && topics.len().is_power_of_two() {
            topics.retain(|_, sender| sender.receiver_count() > 0);
        }
        let sender = topics.entry(topic.to_owned()).or_insert_with(|| broadcast::channel(BACKLOG).0);
        Subscription { receiver: sender.subscribe() }
    }
}

impl InProcessBus {
    /// Whether somebody watches `topic`.
    pub fn is_watched(&self, topic: &str) -> bool {
        self.lock().get(topic).is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// Tells every watcher that something may have been missed.
    pub fn missed(&self) {
        for sender in self.lock().values() {
            let _ = sender.send(Carried::Missed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, broadcast::Sender<Carried>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
