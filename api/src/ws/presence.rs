//! Who watches which conversation: whether they are there, away or gone, as the others are told; and whoever is gone
//! for good has left the consultation.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use consilium_consultations::Consultations;
use consilium_kernel::{CommandMeta, ConsultationId, FacilityId, Refusal, UserId};
use consilium_runtime::{EventBus, LiveEvent, Signal};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::topic::Topic;

/// How somebody stands to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Watches, and was heard of a moment ago.
    Online,
    /// Watches without having been heard of for a while, or lost the connection and may come back.
    Away,
    /// Is gone.
    Offline,
}

/// Somebody who watches a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Present {
    #[schema(value_type = String, format = "uuid")]
    user_id: UserId,
    state: Standing,
}

/// The watchers of all conversations on this server.
#[derive(Clone)]
pub struct Presence(Arc<Inner>);

struct Inner {
    consultations: Consultations,
    bus: Arc<dyn EventBus>,
    grace: Duration,
    watchers: Mutex<HashMap<String, BTreeMap<UserId, Watcher>>>,
}

/// A conversation, an account and its facility.
#[derive(Clone)]
struct Key {
    topic: String,
    user: UserId,
    facility: FacilityId,
}

struct Watcher {
    /// By a number of its own, whether each connection has been quiet for a while.
    connections: HashMap<u64, bool>,
    /// Grows with every connection, and whenever the last one goes, so that an older grace period ends without effect.
    count: u64,
    told: Standing,
}

/// Tries to note that somebody is gone.
const TRIES: u32 = 5;

/// One connection that watches; when dropped, the grace period begins.
pub struct Watching {
    presence: Presence,
    key: Key,
    connection: u64,
}

impl Watching {
    /// The client was, or was not, heard of lately.
    pub fn quiet(&self, quiet: bool) {
        self.presence.change(&self.key, |watcher| {
            if let Some(known) = watcher.connections.get_mut(&self.connection) {
                *known = quiet;
            }
        });
    }
}

impl Presence {
    pub fn new(consultations: Consultations, bus: Arc<dyn EventBus>, grace: Duration) -> Self {
        Self(Arc::new(Inner { consultations, bus, grace, watchers: Mutex::default() }))
    }

    /// A connection begins to watch `topic`, as the database names it.
    pub fn watch(&self, facility: FacilityId, topic: &str, user: UserId) -> Watching {
        let key = Key { topic: topic.to_owned(), user, facility };
        let mut connection = 0;
        self.change(&key, |watcher| {
            watcher.count += 1;
            connection = watcher.count;
            watcher.connections.insert(connection, false);
        });
        Watching { presence: self.clone(), key, connection }
    }

    /// Everybody who watches `topic`, or has the grace period to come back.
    pub fn present(&self, topic: &str) -> Vec<Present> {
        let watchers = self.lock();
        let all = watchers.get(topic).into_iter().flatten();
        all.map(|(user, watcher)| Present { user_id: *user, state: watcher.told }).collect()
    }

    /// Whether somebody watches `topic` and was heard of lately.
    pub fn is_online(&self, topic: &str, user: UserId) -> bool {
        let watchers = self.lock();
        watchers.get(topic).and_then(|all| all.get(&user)).is_some_and(|watcher| watcher.told == Standing::Online)
    }

    /// Everybody who is marked as present and does not watch has the grace period to come back.
    pub async fn recover(&self) -> Result<(), Refusal> {
        for (facility, consultation, user) in self.0.consultations.left_open().await? {
            drop(self.watch(facility, &consilium_consultations::topic(consultation), user));
        }
        Ok(())
    }

    /// Changes what is known of a watcher, and tells the others if that makes a difference to them.
    fn change(&self, key: &Key, change: impl FnOnce(&mut Watcher)) {
        let mut watchers = self.lock();
        let watcher = watchers.entry(key.topic.clone()).or_default().entry(key.user).or_insert_with(|| Watcher {
            connections: HashMap::new(),
            count: 0,
            told: Standing::Offline,
        });
        change(watcher);
        let heard = watcher.connections.values().any(|quiet| !quiet);
        let now = if heard { Standing::Online } else { Standing::Away };
        if std::mem::replace(&mut watcher.told, now) != now {
            self.tell(key, now); // Under the lock, so that the last word is the last state.
        }
    }

    /// Kept nowhere: whoever subscribes is answered with everybody's state.
    fn tell(&self, key: &Key, state: Standing) {
        self.0.bus.publish(LiveEvent::Signal(Signal {
            topic: key.topic.clone(),
            signal: "presence".to_owned(),
            to: None,
            from: Some(key.user.uuid()),
            data: json!({"user_id": key.user, "state": state}),
        }));
    }

    fn depart(&self, key: Key, connection: u64) {
        let mut departure = None;
        self.change(&key, |watcher| {
            watcher.connections.remove(&connection);
            if watcher.connections.is_empty() {
                watcher.count += 1;
                departure = Some(watcher.count);
            }
        });
        // Without a runtime the server is ending; `recover` deals with it after the next start.
        if let (Some(departure), Ok(runtime)) = (departure, tokio::runtime::Handle::try_current()) {
            runtime.spawn(self.clone().after_grace(key, departure));
        }
    }

    async fn after_grace(self, key: Key, departure: u64) {
        tokio::time::sleep(self.0.grace).await;
        if !self.forget(&key, departure) {
            return;
        }
        let Ok(Topic::Consultation(consultation)) = Topic::parse(&key.topic) else { return };
        self.leave(key.facility, consultation, key.user).await;
    }

    /// Whether nobody came back since that departure; then they are gone.
    fn forget(&self, key: &Key, departure: u64) -> bool {
        let mut watchers = self.lock();
        let Some(all) = watchers.get_mut(&key.topic) else { return false };
        let gone = |known: &Watcher| known.connections.is_empty() && known.count == departure;
        if !all.get(&key.user).is_some_and(gone) {
            return false;
        }
        all.remove(&key.user);
        if all.is_empty() {
            watchers.remove(&key.topic);
        }
        self.tell(key, Standing::Offline);
        true
    }

    async fn leave(&self, facility: FacilityId, consultation: ConsultationId, user: UserId) {
        for attempt in 0..TRIES {
            let meta = CommandMeta::system(facility, "connection_lost");
            match self.0.consultations.drop_participant(meta, consultation, user).await {
                Ok(()) => return,
                Err(refusal) => tracing::warn!(code = %refusal.code, attempt, "a departure could not be noted"),
            }
            tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, BTreeMap<UserId, Watcher>>> {
        self.0.watchers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.presence.depart(self.key.clone(), self.connection);
    }
}
