//! Entities are addressed by id. The directory activates an actor on first use and lets it go when idle.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
    time::Duration,
};

use actix::prelude::*;
use consilium_db::Db;
use consilium_kernel::{CommandMeta, Refusal};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    arbiters::Arbiters,
    entity::Entity,
    entity_actor::{Dispatch, EntityActor, Passivate},
    forwarding::{self, Answer, Receiver},
    placement::{Owner, Placement, Unanswered},
};

/// How a directory treats its entities.
#[derive(Debug, Clone)]
pub struct DirectorySettings {
    /// Threads the entities live on.
    pub arbiters: usize,
    /// Commands that may wait in one entity's mailbox; one more is told to come back later.
    pub mailbox: usize,
    /// How long a caller waits for the answer.
    pub time_limit: Duration,
    /// An entity that had nothing to do for this long is let go.
    pub idle: Duration,
}

impl Default for DirectorySettings {
    fn default() -> Self {
        Self { arbiters: 2, mailbox: 256, time_limit: Duration::from_secs(10), idle: Duration::from_secs(300) }
    }
}

/// All live entities of one kind on this node.
pub struct Directory<E: Entity> {
    shared: Arc<Shared<E>>,
}

/// A directory that may be gone.
pub(crate) struct WeakDirectory<E: Entity>(std::sync::Weak<Shared<E>>);

impl<E: Entity> WeakDirectory<E> {
    pub(crate) fn upgrade(&self) -> Option<Directory<E>> {
        self.0.upgrade().map(|shared| Directory { shared })
    }
}

struct Shared<E: Entity> {
    db: Db,
    placement: Arc<dyn Placement>,
    settings: DirectorySettings,
    arbiters: Arbiters,
    live: Mutex<HashMap<String, Live<E>>>,
}

struct Live<E: Entity> {
    address: Addr<EntityActor<E>>,
    last_used: Instant,
    /// Of ownership, when it was activated.
    view: u64,
}

/// How long to wait before each new look at who owns an entity, while that changes hands.
const LOOKS: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500)];

impl<E: Entity> Clone for Directory<E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<E: Entity> Directory<E> {
    /// An empty directory; must be made inside an actor system.
    pub fn new(db: Db, placement: Arc<dyn Placement>, settings: DirectorySettings) -> Self {
        let arbiters = Arbiters::start(settings.arbiters);
        let directory =
            Self { shared: Arc::new(Shared { db, placement, settings, arbiters, live: Mutex::new(HashMap::new()) }) };
        directory.shared.placement.serve(E::KIND, Receiver::of(&directory));
        actix::spawn(sweep(Arc::downgrade(&directory.shared)));
        directory
    }

    /// Sends a command to the entity `id`, wherever it lives, and waits for its answer, for the time limit at most.
    pub async fn send(&self, id: E::Id, meta: CommandMeta, command: E::Command) -> Result<E::Reply, Refusal> {
        let key = id.to_string();
        for pause in LOOKS {
            tokio::time::sleep(pause).await;
            match self.shared.placement.owner(E::KIND, &key) {
                Owner::Here => return self.send_here(&key, id, meta, command).await,
                Owner::Node(node) => match self.forward(node, id, &meta, &command).await? {
                    Answer::Done(reply) => return Ok(reply),
                    Answer::Refused(refusal) => return Err(refusal),
                    Answer::NotHere => {}
                },
                Owner::Nobody => {}
            }
        }
        Err(Refusal::unavailable())
    }

    /// Whether this node owns the entity at this moment.
    pub(crate) fn owns(&self, id: E::Id) -> bool {
        self.shared.placement.owner(E::KIND, &id.to_string()) == Owner::Here
    }

    async fn forward(
        &self,
        node: uuid::Uuid,
        id: E::Id,
        meta: &CommandMeta,
        command: &E::Command,
    ) -> Result<Answer<E::Reply>, Refusal> {
        let sent = forwarding::write::<E>(id, meta, command)?;
        let answer = tokio::time::timeout(self.shared.settings.time_limit, async {
            self.shared.placement.forward(node, E::KIND, sent).await
        });
        let (outcome, answer) = match answer.await.unwrap_or(Err(Unanswered::Silent)) {
            Ok(answer) => ("answered", forwarding::read(&answer)),
            Err(Unanswered::NotReached) => ("not_reached", Ok(Answer::NotHere)),
            Err(Unanswered::Silent) => ("silent", Err(Unanswered::Silent.into())),
        };
        metrics::counter!("consilium_forwards", "kind" => E::KIND, "outcome" => outcome).increment(1);
        answer
    }

    pub(crate) async fn send_here(
        &self,
        key: &str,
        id: E::Id,
        meta: CommandMeta,
        command: E::Command,
    ) -> Result<E::Reply, Refusal> {
        let (reply, answer) = oneshot::channel();
        let _asked = Asked::now(E::KIND);
        self.deliver(key, id, Dispatch { meta, command, reply })?;
        match tokio::time::timeout(self.shared.settings.time_limit, answer).await {
            Ok(Ok(outcome)) => outcome,
            // The actor died while it worked. It is restarted from stored state by the next command.
            Ok(Err(_)) => {
                metrics::counter!("consilium_entity_failures", "kind" => E::KIND).increment(1);
                Err(Refusal::unavailable())
            }
            Err(_) => {
                metrics::counter!("consilium_entity_timeouts", "kind" => E::KIND).increment(1);
                Err(Unanswered::Silent.into())
            }
        }
    }

    pub(crate) fn downgrade(&self) -> WeakDirectory<E> {
        WeakDirectory(Arc::downgrade(&self.shared))
    }

    /// How many entities are live.
    pub fn live(&self) -> usize {
        self.shared.lock().len()
    }

    /// Lets go of every entity that had nothing to do for `idle`.
    pub async fn passivate(&self, idle: Duration) {
        self.shared.passivate(idle).await;
    }

    fn deliver(&self, key: &str, id: E::Id, mut dispatch: Dispatch<E>) -> Result<(), Refusal> {
        // Twice: an actor that stopped in this very moment is replaced once.
        for _ in 0..2 {
            let address = self.shared.address(key, id)?;
            match address.try_send(dispatch) {
                Ok(()) => return Ok(()),
                Err(SendError::Full(_)) => {
                    metrics::counter!("consilium_mailbox_full", "kind" => E::KIND).increment(1);
                    return Err(Refusal::unavailable());
                }
                Err(SendError::Closed(returned)) => {
                    self.shared.lock().remove(key);
                    dispatch = returned;
                }
            }
        }
        Err(Refusal::unavailable())
    }
}

/// A command that nobody has answered yet: the gauge of its kind counts those in mailboxes and in work.
struct Asked(&'static str);

impl Asked {
    fn now(kind: &'static str) -> Self {
        metrics::gauge!("consilium_commands_unanswered", "kind" => kind).increment(1.0);
        Self(kind)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        metrics::gauge!("consilium_commands_unanswered", "kind" => self.0).decrement(1.0);
    }
}

impl<E: Entity> Shared<E> {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Live<E>>> {
        self.live.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn address(&self, key: &str, id: E::Id) -> Result<Addr<EntityActor<E>>, Refusal> {
        let view = self.placement.view();
        let mut live = self.lock();
        // What was activated before ownership changed may have missed what another owner did.
        if let Some(found) = live.get_mut(key).filter(|found| found.view == view) {
            found.last_used = Instant::now();
            return Ok(found.address.clone());
        }
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let arbiter = self.arbiters.of(hasher.finish()).ok_or_else(Refusal::unavailable)?;
        let (db, mailbox) = (self.db.clone(), self.settings.mailbox);
        let address = EntityActor::start_in_arbiter(arbiter, move |_| EntityActor::new(db, id, mailbox));
        live.insert(key.to_owned(), Live { address: address.clone(), last_used: Instant::now(), view });
        Ok(address)
    }

    /// Lets go of what belongs to this node no longer, and of what was not used for `idle`.
    async fn passivate(&self, idle: Duration) {
        let view = self.placement.view();
        self.lock().retain(|_, live| live.view == view);
        let Some(idle_since) = Instant::now().checked_sub(idle) else { return };
        let candidates: Vec<(String, Addr<EntityActor<E>>)> = self
            .lock()
            .iter()
            .filter(|(_, live)| live.last_used <= idle_since)
            .map(|(key, live)| (key.clone(), live.address.clone()))
            .collect();
        for (key, address) in candidates {
            // A command that came in between keeps the actor: it answers false.
            if address.send(Passivate { idle_since }).await.unwrap_or(true) {
                let mut live = self.lock();
                if live.get(&key).is_some_and(|found| found.address == address) {
                    live.remove(&key);
                }
            }
        }
    }
}

/// Looks for idle entities as long as the directory exists.
async fn sweep<E: Entity>(shared: std::sync::Weak<Shared<E>>) {
    loop {
        let Some(idle) = shared.upgrade().map(|shared| shared.settings.idle) else { return };
        tokio::time::sleep(idle.max(Duration::from_millis(100)) / 4).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.passivate(idle).await;
    }
}
