//! Who watches which consultation: somebody whose last connection is gone, and stays gone, has left it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use consilium_consultations::Consultations;
use consilium_kernel::{CommandMeta, ConsultationId, FacilityId, Refusal, UserId};

/// The watchers of all consultations on this server.
#[derive(Clone)]
pub struct Presence(Arc<Inner>);

struct Inner {
    consultations: Consultations,
    grace: Duration,
    watchers: Mutex<HashMap<Key, Watcher>>,
}

type Key = (FacilityId, ConsultationId, UserId);

#[derive(Default)]
struct Watcher {
    connections: usize,
    /// Grows whenever the last connection goes, so that an older grace period ends without effect.
    departure: u64,
}

/// Tries to note that somebody is gone.
const TRIES: u32 = 5;

/// One connection that watches; when dropped, the grace period begins.
pub struct Watching {
    presence: Presence,
    key: Key,
}

impl Presence {
    pub fn new(consultations: Consultations, grace: Duration) -> Self {
        Self(Arc::new(Inner { consultations, grace, watchers: Mutex::default() }))
    }

    /// A connection begins to watch.
    pub fn watch(&self, facility: FacilityId, consultation: ConsultationId, user: UserId) -> Watching {
        let key = (facility, consultation, user);
        self.lock().entry(key).or_default().connections += 1;
        Watching { presence: self.clone(), key }
    }

    /// Everybody who is marked as present and does not watch has the grace period to come back.
    pub async fn recover(&self) -> Result<(), Refusal> {
        for (facility, consultation, user) in self.0.consultations.left_open().await? {
            drop(self.watch(facility, consultation, user));
        }
        Ok(())
    }

    fn depart(&self, key: Key) {
        let departure = {
            let mut watchers = self.lock();
            let Some(watcher) = watchers.get_mut(&key) else { return };
            watcher.connections = watcher.connections.saturating_sub(1);
            if watcher.connections > 0 {
                return;
            }
            watcher.departure += 1;
            watcher.departure
        };
        // Without a runtime the server is ending; `recover` deals with it after the next start.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(self.clone().after_grace(key, departure));
        }
    }

    async fn after_grace(self, key: Key, departure: u64) {
        tokio::time::sleep(self.0.grace).await;
        {
            let mut watchers = self.lock();
            let gone = watchers.get(&key).is_some_and(|known| known.connections == 0 && known.departure == departure);
            if !gone {
                return;
            }
            watchers.remove(&key);
        }
        let (facility, consultation, user) = key;
        for attempt in 0..TRIES {
            let meta = CommandMeta::system(facility, "connection_lost");
            match self.0.consultations.drop_participant(meta, consultation, user).await {
                Ok(()) => return,
                Err(refusal) => tracing::warn!(code = %refusal.code, attempt, "a departure could not be noted"),
            }
            tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Watcher>> {
        self.0.watchers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.presence.depart(self.key);
    }
}
