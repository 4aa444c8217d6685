//! The connection to NATS: sealed questions to other nodes, answers to theirs, and word of when either may be missing.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use async_nats::{Client, ConnectOptions, Event, Message, RequestErrorKind, ServerAddr, Subscriber, connection::State};
use consilium_db::{Channel, Db};
use consilium_runtime::{Receive, Unanswered};
use futures_util::StreamExt as _;
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use crate::{ClusterSettings, JoinError, membership::Membership};

/// Questions of other nodes that are worked on at once; more are sent back.
const AT_ONCE: usize = 1_024;
/// A message that took longer than this, by the clocks of both sides, is not heard any more.
const STALE: Duration = Duration::from_secs(30);
/// How long NATS may take to hear what a node listens to.
const ECHO: Duration = Duration::from_secs(2);
/// A server that does not answer two of these in a row is given up.
const PING: Duration = Duration::from_secs(2);

/// The way to other nodes.
pub(crate) struct Link {
    client: Client,
    channel: Channel,
    prefix: String,
    db: Db,
    membership: Arc<Membership>,
    receivers: RwLock<HashMap<&'static str, Arc<dyn Receive>>>,
    seen: Mutex<Seen>,
    trouble: Arc<Trouble>,
}

/// Whether messages may have been missed since somebody asked.
#[derive(Default)]
pub(crate) struct Trouble {
    missed: AtomicBool,
    changed: Notify,
}

/// A message that was opened.
pub(crate) struct Opened {
    /// Names it.
    id: Uuid,
    /// What it says.
    pub(crate) body: Vec<u8>,
}

impl Link {
    /// Connects, and goes on trying where NATS is not there; answers what other nodes ask.
    pub(crate) async fn connect(
        settings: &ClusterSettings,
        db: Db,
        membership: Arc<Membership>,
    ) -> Result<Arc<Self>, JoinError> {
        let wrong = |error: String| JoinError::Nats(error);
        let servers = servers(&settings.nats)?;
        let trouble: Arc<Trouble> = Arc::default();
        let heard = trouble.clone();
        let options = ConnectOptions::new()
            .name(format!("consilium {}", settings.name))
            .retry_on_initial_connect()
            .ping_interval(PING)
            .request_timeout(None) // Directories have limits of their own.
            .event_callback(move |event| {
                heard.hear(&event);
                std::future::ready(())
            });
        let client = options.connect(servers).await.map_err(|error| wrong(error.to_string()))?;
        let channel = db.vault().channel(membership.me())?;
        let link = Arc::new(Self {
            client,
            channel,
            prefix: settings.prefix.clone(),
            db,
            membership,
            receivers: RwLock::default(),
            seen: Mutex::new(Seen::new()),
            trouble,
        });
        let questions = link.listen(&link.own("*")).await?;
        tokio::spawn(link.clone().answer_all(questions));
        Ok(link)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    pub(crate) fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// `name` in front of which the deployment's prefix stands.
    pub(crate) fn subject(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// The subject of a topic, which says nothing to whoever does not have the deployment's keys.
    pub(crate) fn topic(&self, topic: &str) -> String {
        let hash = self.db.vault().index("topic", topic);
        let name: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.subject(&format!("live.{name}"))
    }

    fn own(&self, kind: &str) -> String {
        question(&self.prefix, self.membership.me(), kind)
    }

    pub(crate) async fn listen(&self, subject: &str) -> Result<Subscriber, JoinError> {
        self.client.subscribe(subject.to_owned()).await.map_err(|error| JoinError::Nats(error.to_string()))
    }

    /// Returns when NATS knows everything that this node listens to, or does not answer.
    pub(crate) async fn settle(&self) {
        if self.is_connected() {
            // NATS reads what a client sends in order: when this comes back, the rest was read.
            let echo = self.client.request(self.own("echo"), Vec::new().into());
            let _ = tokio::time::timeout(ECHO, echo).await;
        }
    }

    /// Tells whoever listens to `subject`.
    pub(crate) async fn tell(&self, subject: String, body: &[u8]) -> bool {
        let Some((_, sealed)) = self.seal(&subject, body) else { return false };
        self.client.publish(subject, sealed.into()).await.is_ok()
    }

    /// Asks a node, and waits for its answer.
    pub(crate) async fn request(&self, node: Uuid, kind: &str, body: &[u8]) -> Result<Vec<u8>, Unanswered> {
        if !self.is_connected() {
            return Err(Unanswered::NotReached);
        }
        let subject = question(&self.prefix, node, kind);
        let (id, sealed) = self.seal(&subject, body).ok_or(Unanswered::NotReached)?;
        match self.client.request(subject, sealed.into()).await {
            // Sent back unread.
            Ok(message) if message.payload.is_empty() => Err(Unanswered::NotReached),
            Ok(message) => match self.channel.open(&answer_to(id), &message.payload) {
                Ok((_, answer)) => Ok(answer),
                Err(error) => {
                    tracing::error!(kind, %error, "an answer was not another node's");
                    Err(Unanswered::Silent)
                }
            },
            Err(error) => match error.kind() {
                RequestErrorKind::TimedOut | RequestErrorKind::Other => Err(Unanswered::Silent),
                _ => Err(Unanswered::NotReached),
            },
        }
    }

    /// From now on, questions of this kind go to `receiver`.
    pub(crate) fn serve(&self, kind: &'static str, receiver: Arc<dyn Receive>) {
        self.receivers.write().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(kind, receiver);
    }

    async fn answer_all(self: Arc<Self>, mut questions: Subscriber) {
        let free = Arc::new(Semaphore::new(AT_ONCE));
        while let Some(question) = questions.next().await {
            let Some(reply) = question.reply.clone() else { continue };
            let permit = free.clone().try_acquire_owned();
            let (Some(receiver), Ok(permit)) = (self.receiver(&question), permit) else {
                let _ = self.client.publish(reply, Vec::new().into()).await;
                continue;
            };
            let this = self.clone();
            tokio::spawn(async move {
                let _permit = permit;
                let Some(Opened { id, body }) = this.open(&question) else { return };
                let answer = receiver.receive(body).await;
                match this.channel.seal(&answer_to(id), &answer) {
                    Ok(sealed) => {
                        if let Err(error) = this.client.publish(reply, sealed.into()).await {
                            tracing::warn!(%error, "another node cannot be answered");
                        }
                    }
                    Err(error) => tracing::error!(%error, "an answer could not be sealed"),
                }
            });
        }
    }

    fn receiver(&self, question: &Message) -> Option<Arc<dyn Receive>> {
        let (_, kind) = question.subject.rsplit_once('.')?;
        self.receivers.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(kind).cloned()
    }

    fn seal(&self, subject: &str, body: &[u8]) -> Option<(Uuid, Vec<u8>)> {
        let id: Uuid = self.db.ids().next();
        let at = self.db.clock().now().as_millisecond().to_le_bytes();
        let plain = [at.as_slice(), id.as_bytes(), body].concat();
        match self.channel.seal(subject, &plain) {
            Ok(sealed) => Some((id, sealed)),
            Err(error) => {
                tracing::error!(%error, "a message for other nodes could not be sealed");
                None
            }
        }
    }

    /// Opens a message of another node; `None` for this node's own, and for what is not to be heeded.
    pub(crate) fn open(&self, message: &Message) -> Option<Opened> {
        if message.payload.starts_with(self.membership.me().as_bytes()) {
            return None;
        }
        let opened = match self.channel.open(&message.subject, &message.payload) {
            Ok((_, plain)) => plain,
            Err(error) => {
                tracing::warn!(%error, "a message on NATS is not of this deployment");
                return None;
            }
        };
        let (at, rest) = opened.split_first_chunk::<8>()?;
        let (id, body) = rest.split_first_chunk::<16>()?;
        let (at, id) = (i64::from_le_bytes(*at), Uuid::from_bytes(*id));
        let late = self.db.clock().now().as_millisecond().abs_diff(at) > STALE.as_millis() as u64;
        if late || !self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).is_new(id, Instant::now()) {
            tracing::warn!(late, "a message of another node came too late, or twice");
            return None;
        }
        Some(Opened { id, body: body.to_vec() })
    }
}

/// The subject of questions to a node.
pub(crate) fn question(prefix: &str, node: Uuid, kind: &str) -> String {
    format!("{prefix}.node.{}.{kind}", node.simple())
}

pub(crate) fn servers(urls: &str) -> Result<Vec<ServerAddr>, JoinError> {
    let parsed = urls.split(',').map(|url| url.trim().parse());
    parsed.collect::<Result<_, std::io::Error>>().map_err(|error| JoinError::Nats(error.to_string()))
}

/// In place of a subject, so that an answer fits one question only.
fn answer_to(question: Uuid) -> String {
    format!("answer {question}")
}

impl Trouble {
    fn hear(&self, event: &Event) {
        let connected = metrics::gauge!("consilium_cluster_connected");
        match event {
            Event::Connected => {
                tracing::info!("connected to NATS");
                connected.set(1.0);
                self.note();
            }
            Event::SlowConsumer(_) => {
                tracing::warn!("this node does not keep up with what NATS delivers");
                self.note();
            }
            Event::Disconnected => {
                tracing::warn!("disconnected from NATS");
                connected.set(0.0);
            }
            other => tracing::warn!(event = %other, "NATS"),
        }
    }

    /// Something may have been missed.
    pub(crate) fn note(&self) {
        self.missed.store(true, Relaxed);
        self.changed.notify_one();
    }

    /// Waits until something may have been missed.
    pub(crate) async fn missed(&self) {
        while !self.missed.swap(false, Relaxed) {
            self.changed.notified().await;
        }
    }
}

/// The messages of the last while, so that none is heeded twice, however often somebody repeats it on the network.
struct Seen {
    since: Instant,
    now: HashSet<Uuid>,
    before: HashSet<Uuid>,
}

impl Seen {
    fn new() -> Self {
        Self { since: Instant::now(), now: HashSet::new(), before: HashSet::new() }
    }

    fn is_new(&mut self, id: Uuid, now: Instant) -> bool {
        // A message may come as much too early, by the clocks, as too late.
        if now.duration_since(self.since) > STALE * 2 {
            (self.since, self.before) = (now, std::mem::take(&mut self.now));
        }
        !self.before.contains(&id) && self.now.insert(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_heeded_once_for_as_long_as_it_could_be_repeated() {
        let (mut seen, start) = (Seen::new(), Instant::now());
        let id = Uuid::from_u128(7);
        assert!(seen.is_new(id, start));
        for later in [1, 59, 61, 100] {
            assert!(!seen.is_new(id, start + Duration::from_secs(later)), "{later}");
        }
        assert!(seen.is_new(id, start + Duration::from_secs(200)), "by then it is too late anyway");
    }
}
