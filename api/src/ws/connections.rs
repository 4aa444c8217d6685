//! The connections that are logged in: one per login session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use consilium_kernel::SessionId;

use super::outgoing::{Close, Outgoing};

/// All connections of this server.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<HashMap<SessionId, Outgoing>>>);

/// A connection's entry; taken out when dropped.
pub struct Entry {
    connections: Connections,
    session: SessionId,
    outgoing: Outgoing,
}

impl Connections {
    /// Enters a connection and closes the one that the same session had before.
    pub fn enter(&self, session: SessionId, outgoing: &Outgoing) -> Entry {
        let before = self.lock().insert(session, outgoing.clone());
        if let Some(before) = before.filter(|before| !before.is(outgoing)) {
            before.close(Close::Replaced);
        }
        metrics::gauge!("consilium_websockets").set(self.count() as f64);
        Entry { connections: self.clone(), session, outgoing: outgoing.clone() }
    }

    pub fn close_all(&self, why: Close) {
        let all: Vec<Outgoing> = self.lock().values().cloned().collect();
        all.into_iter().for_each(|outgoing| outgoing.close(why));
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Outgoing>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut all = self.connections.lock();
        if all.get(&self.session).is_some_and(|present| present.is(&self.outgoing)) {
            all.remove(&self.session);
        }
        metrics::gauge!("consilium_websockets").set(all.len() as f64);
    }
}
