//! The connections that are logged in: one per login session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use consilium_kernel::{SessionId, User, UserId};

use super::outgoing::{Close, Outgoing};

/// All connections of this server.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<Known>>);

type Known = HashMap<SessionId, (UserId, Outgoing)>;

/// A connection's entry; taken out when dropped.
pub struct Entry {
    connections: Connections,
    session: SessionId,
    outgoing: Outgoing,
}

impl Connections {
    /// Enters a connection and closes the one that the same session had before.
    pub fn enter(&self, user: &User, outgoing: &Outgoing) -> Entry {
        let session = user.session_id;
        let before = self.lock().insert(session, (user.user_id, outgoing.clone()));
        if let Some((_, before)) = before.filter(|(_, before)| !before.is(outgoing)) {
            before.close(Close::Replaced);
        }
        metrics::gauge!("consilium_websockets").set(self.count() as f64);
        Entry { connections: self.clone(), session, outgoing: outgoing.clone() }
    }

    pub fn close_all(&self, why: Close) {
        self.close(why, |_| true);
    }

    /// Closes the connections of an account.
    pub fn close_those_of(&self, user: UserId, why: Close) {
        self.close(why, |owner| owner == user);
    }

    fn close(&self, why: Close, whose: impl Fn(UserId) -> bool) {
        let known: Vec<(UserId, Outgoing)> = self.lock().values().cloned().collect();
        known.into_iter().filter(|(owner, _)| whose(*owner)).for_each(|(_, outgoing)| outgoing.close(why));
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut all = self.connections.lock();
        if all.get(&self.session).is_some_and(|(_, present)| present.is(&self.outgoing)) {
            all.remove(&self.session);
        }
        metrics::gauge!("consilium_websockets").set(all.len() as f64);
    }
}
