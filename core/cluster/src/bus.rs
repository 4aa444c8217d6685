//! The live bus over all nodes. A node listens on NATS to the topics that its own clients watch, and to no other. What
//! gets lost on the way is not sent again: whoever may have missed something is told so, and reads the database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use async_trait::async_trait;
use consilium_runtime::{EventBus, InProcessBus, LiveEvent, Subscription};
use futures_util::StreamExt as _;
use tokio::{
    runtime::Handle,
    sync::{OnceCell, mpsc},
    task::AbortHandle,
};

use crate::link::Link;

/// Events on their way to other nodes.
const QUEUE: usize = 8_192;
/// How long a watcher waits for NATS before it goes on and is told later that it may have missed something.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at the database by everybody who watches something, while there is no NATS.
const POLL: Duration = Duration::from_secs(5);
/// Between two times that everybody reads the database, at least.
const CALM: Duration = Duration::from_millis(250);
/// How often topics that nobody watches any more are given up.
const SWEEP: Duration = Duration::from_secs(10);

pub(crate) struct NatsBus {
    this: Weak<Self>,
    local: Arc<InProcessBus>,
    link: Arc<Link>,
    thread: Handle,
    queue: mpsc::Sender<LiveEvent>,
    interests: Mutex<HashMap<String, Arc<Interest>>>,
}

/// A topic that this node listens to. Set when NATS knows of it.
#[derive(Default)]
struct Interest(OnceCell<Listening>);

/// Ends when dropped.
struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl NatsBus {
    /// Must be called on the cluster's thread.
    pub(crate) async fn start(link: Arc<Link>) -> Result<Arc<Self>, crate::JoinError> {
        let (queue, queued) = mpsc::channel(QUEUE);
        let mut missed_elsewhere = link.listen(&link.subject("missed")).await?;
        let bus = Arc::new_cyclic(|this| Self {
            this: this.clone(),
            local: Arc::default(),
            link,
            thread: Handle::current(),
            queue,
            interests: Mutex::default(),
        });
        tokio::spawn(bus.clone().deliver(queued));
        tokio::spawn(bus.clone().sweep());
        let this = bus.clone();
        tokio::spawn(async move {
            while let Some(message) = missed_elsewhere.next().await {
                if this.link.open(&message).is_some() {
                    this.local.missed();
                }
            }
        });
        let this = bus.clone();
        tokio::spawn(async move {
            loop {
                this.may_have_missed().await;
                this.link.settle().await;
                // What this node said meanwhile may be missing elsewhere, and what others said here.
                if this.link.is_connected() {
                    this.link.tell(this.link.subject("missed"), &[]).await;
                }
                this.local.missed();
                tokio::time::sleep(CALM).await;
            }
        });
        Ok(bus)
    }

    /// Returns when something may have been missed: from time to time, as long as there is no NATS.
    async fn may_have_missed(&self) {
        while tokio::time::timeout(POLL, self.link.trouble().missed()).await.is_err() {
            if !self.link.is_connected() {
                return;
            }
        }
    }

    async fn deliver(self: Arc<Self>, mut queued: mpsc::Receiver<LiveEvent>) {
        while let Some(event) = queued.recv().await {
            let delivered = match serde_json::to_vec(&event) {
                Ok(body) if self.link.is_connected() => self.link.tell(self.link.topic(event.topic()), &body).await,
                _ => false,
            };
            if !delivered {
                self.lose();
            }
        }
    }

    /// An event does not reach other nodes. Whoever watches there hears of it when NATS is back, or at once if it is.
    fn lose(&self) {
        metrics::counter!("consilium_live_events_lost").increment(1);
        if self.link.is_connected() {
            self.link.trouble().note();
        }
    }

    async fn listen(self: Arc<Self>, topic: String) -> Listening {
        let subject = self.link.topic(&topic);
        let listening = loop {
            match self.link.listen(&subject).await {
                Ok(listening) => break listening,
                Err(error) => tracing::error!(%error, "a topic cannot be listened to on NATS"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        let (link, local) = (self.link.clone(), self.local.clone());
        let hearing = tokio::spawn(listening.for_each(move |message| {
            let opened = link.open(&message);
            match opened.map(|opened| serde_json::from_slice::<LiveEvent>(&opened.body)) {
                Some(Ok(event)) => local.publish(event),
                Some(Err(error)) => tracing::warn!(%error, "another node's event is not understood"),
                None => {}
            }
            std::future::ready(())
        }));
        self.link.settle().await;
        Listening(hearing.abort_handle())
    }

    async fn sweep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SWEEP).await;
            self.lock().retain(|topic, _| self.local.is_watched(topic));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Interest>>> {
        self.interests.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[async_trait]
impl EventBus for NatsBus {
    fn publish(&self, event: LiveEvent) {
        self.local.publish(event.clone());
        if self.queue.try_send(event).is_err() {
            self.lose();
        }
    }

    async fn subscribe(&self, topic: &str) -> Subscription {
        // Watched here first, so that the sweep leaves the topic alone.
        let subscription = self.local.subscribe(topic).await;
        let interest = self.lock().entry(topic.to_owned()).or_default().clone();
        if let (false, Some(this)) = (interest.0.initialized(), self.this.upgrade()) {
            let topic = topic.to_owned();
            let listening = self.thread.spawn(async move {
                interest.0.get_or_init(|| this.listen(topic)).await;
            });
            if tokio::time::timeout(PATIENCE, listening).await.is_err() {
                self.link.trouble().note();
            }
        }
        subscription
    }
}
