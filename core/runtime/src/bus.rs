//! The live bus: numbered topic events and unstored signals on their way to whoever watches a topic now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

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
pub trait EventBus: Send + Sync {
    /// Tells the watchers of the event's topic.
    fn publish(&self, event: LiveEvent);
    /// Watches a topic.
    fn subscribe(&self, topic: &str) -> Subscription;
}

/// A watched topic. Lags, rather than letting memory grow, when its reader is too slow.
pub struct Subscription {
    receiver: broadcast::Receiver<Arc<LiveEvent>>,
}

impl Subscription {
    /// The next event; `Err(n)` when `n` events were dropped because the reader was too slow; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Arc<LiveEvent>, u64>> {
        match self.receiver.recv().await {
            Ok(event) => Some(Ok(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Err(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// Events that a slow watcher may fall behind.
const BACKLOG: usize = 256;

/// The bus of a deployment with one node.
#[derive(Debug, Default)]
pub struct InProcessBus(Mutex<HashMap<String, broadcast::Sender<Arc<LiveEvent>>>>);

impl EventBus for InProcessBus {
    fn publish(&self, event: LiveEvent) {
        let mut topics = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(sender) = topics.get(event.topic()) else { return };
        if sender.receiver_count() == 0 {
            topics.remove(event.topic());
            return;
        }
        let _ = sender.send(Arc::new(event));
    }

    fn subscribe(&self, topic: &str) -> Subscription {
        let mut topics = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // Topics nobody watches any more are dropped when there are twice as many as could be watched.
        if topics.len() > 1_024 && topics.len().is_power_of_two() {
            topics.retain(|_, sender| sender.receiver_count() > 0);
        }
        let sender = topics.entry(topic.to_owned()).or_insert_with(|| broadcast::channel(BACKLOG).0);
        Subscription { receiver: sender.subscribe() }
    }
}
