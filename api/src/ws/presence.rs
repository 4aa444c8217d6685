//! Who watches which conversation: whether they are there, away or gone, as the others are told; and whoever is gone
//! for good has left the consultation.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use async_trait::async_trait;
use consilium_consultations::Consultations;
use consilium_kernel::{CommandMeta, ConsultationId, FacilityId, Refusal, UserId};
use consilium_runtime::{EventBus, LiveEvent, Placement, Receive, Signal};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::topic::Topic;

/// How somebody stands to a conversation, from the farthest to the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Is gone.
    Offline,
    /// Watches without having been heard of for a while, or lost the connection and may come back.
    Away,
    /// Watches, and was heard of a moment ago.
    Online,
}

/// Somebody who watches a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Present {
    #[schema(value_type = String, format = "uuid")]
    user_id: UserId,
    state: Standing,
}

/// The watchers of all conversations on this node; the other nodes are asked about theirs.
#[derive(Clone)]
pub struct Presence(Arc<Inner>);

struct Inner {
    consultations: Consultations,
    bus: Arc<dyn EventBus>,
    nodes: Arc<dyn Placement>,
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
/// What other nodes are asked under.
const QUESTION: &str = "presence";
/// How long they may take to answer; whoever does not has nobody there.
const PATIENCE: Duration = Duration::from_secs(1);

/// Answers other nodes who ask for the watchers of a topic.
struct Answering(Weak<Inner>);

#[async_trait]
impl Receive for Answering {
    async fn receive(&self, topic: Vec<u8>) -> Vec<u8> {
        let presence = self.0.upgrade().map(Presence);
        let here = presence.map(|presence| presence.here(&String::from_utf8_lossy(&topic)));
        serde_json::to_vec(&here.unwrap_or_default()).unwrap_or_default()
    }
}

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
    pub fn new(
        consultations: Consultations,
        bus: Arc<dyn EventBus>,
        nodes: Arc<dyn Placement>,
        grace: Duration,
    ) -> Self {
        let inner = Arc::new(Inner { consultations, bus, nodes, grace, watchers: Mutex::default() });
        inner.nodes.serve(QUESTION, Arc::new(Answering(Arc::downgrade(&inner))));
        Self(inner)
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

    /// Everybody who watches `topic` on any node, or has the grace period to come back.
    pub async fn present(&self, topic: &str) -> Vec<Present> {
        let mut all: BTreeMap<UserId, Standing> = BTreeMap::new();
        for Present { user_id, state } in self.elsewhere(topic).await.into_iter().chain(self.here(topic)) {
            all.entry(user_id).and_modify(|known| *known = state.max(*known)).or_insert(state);
        }
        all.into_iter().map(|(user_id, state)| Present { user_id, state }).collect()
    }

    /// Whether somebody watches `topic` on any node and was heard of lately.
    pub async fn is_online(&self, topic: &str, user: UserId) -> bool {
        let online = |present: &Present| present.user_id == user && present.state == Standing::Online;
        self.here(topic).iter().any(online) || self.elsewhere(topic).await.iter().any(online)
    }

    /// Everybody who is marked as present and watches on no node has the grace period to come back.
    pub async fn recover(&self) -> Result<(), Refusal> {
        for (facility, consultation, user) in self.0.consultations.left_open().await? {
            let key = Key { topic: consilium_consultations::topic(consultation), user, facility };
            let mut watchers = self.lock();
            let all = watchers.entry(key.topic.clone()).or_default();
            if let Entry::Vacant(free) = all.entry(user) {
                // Nobody is told: they may be seen by another node.
                free.insert(Watcher { connections: HashMap::new(), count: 0, told: Standing::Away });
                tokio::spawn(self.clone().after_grace(key, 0));
            }
        }
        Ok(())
    }

    fn here(&self, topic: &str) -> Vec<Present> {
        let watchers = self.lock();
        let all = watchers.get(topic).into_iter().flatten();
        all.map(|(user, watcher)| Present { user_id: *user, state: watcher.told }).collect()
    }

    /// What the other nodes say of `topic`.
    async fn elsewhere(&self, topic: &str) -> Vec<Present> {
        let asked = self.0.nodes.others().into_iter().map(async |node| {
            let answer = self.0.nodes.forward(node, QUESTION, topic.as_bytes().to_vec());
            let answer = tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()?;
            serde_json::from_slice::<Vec<Present>>(&answer).ok()
        });
        join_all(asked).await.into_iter().flatten().flatten().collect()
    }

    async fn standing_elsewhere(&self, key: &Key) -> Standing {
        let all = self.elsewhere(&key.topic).await.into_iter();
        all.filter(|present| present.user_id == key.user)
            .map(|present| present.state)
            .max()
            .unwrap_or(Standing::Offline)
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
        let before = std::mem::replace(&mut watcher.told, now);
        if now > before || (now < before && self.0.nodes.others().is_empty()) {
            self.tell(key, now); // Under the lock, so that the last word is the last state.
        } else if now < before
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(self.clone().step_back(key.clone(), now));
        }
    }

    /// Tells that somebody is further away than before, unless another node sees them nearer.
    async fn step_back(self, key: Key, now: Standing) {
        let elsewhere = self.standing_elsewhere(&key).await;
        let watchers = self.lock();
        let still = watchers.get(&key.topic).and_then(|all| all.get(&key.user)).is_some_and(|known| known.told == now);
        if still && elsewhere <= now {
            self.tell(&key, now);
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
        let elsewhere = self.standing_elsewhere(&key).await;
        if !self.forget(&key, departure) || elsewhere > Standing::Offline {
            return;
        }
        self.tell(&key, Standing::Offline);
        let Ok(Topic::Consultation(consultation)) = Topic::parse(&key.topic) else { return };
        self.leave(key.facility, consultation, key.user).await;
    }

    /// Whether nobody came back to this node since that departure.
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
