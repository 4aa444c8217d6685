//! Which sessions are known to be live, so that a request does not cost a query.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use consilium_kernel::{SessionId, Timestamp, UserId};
use jiff::SignedDuration;

use crate::store::session::Standing;

/// Sessions remembered at once; past this the memory starts anew.
const REMEMBERED: usize = 50_000;

/// Remembers for a short time what sessions allow. Also remembers that one has ended.
pub struct LiveSessions {
    trusted_for: SignedDuration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Grows with every change of a session on this node.
    generation: u64,
    entries: HashMap<SessionId, Entry>,
}

struct Entry {
    standing: Option<Standing>,
    looked_up: Timestamp,
}

/// Must be held from before a lookup until its result is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(u64);

impl LiveSessions {
    /// Trusts what it remembers for `seconds`.
    pub fn new(seconds: u32) -> Self {
        Self { trusted_for: SignedDuration::from_secs(i64::from(seconds)), state: Mutex::default() }
    }

    /// What is known about a session: `Some(None)` when it is known to have ended.
    pub fn get(&self, id: SessionId, now: Timestamp) -> Option<Option<Standing>> {
        let state = self.lock();
        let entry = state.entries.get(&id)?;
        let age = now.duration_since(entry.looked_up);
        if age.is_negative() || age >= self.trusted_for {
            return None;
        }
        Some(entry.standing.clone().filter(|standing| standing.expires_at > now))
    }

    /// To be asked for before looking up.
    pub fn generation(&self) -> Generation {
        Generation(self.lock().generation)
    }

    /// Remembers what was looked up, unless some session was changed meanwhile: then the result may be stale.
    pub fn remember(&self, id: SessionId, standing: Option<Standing>, looked_up: Timestamp, since: Generation) {
        let mut state = self.lock();
        if state.generation != since.0 {
            return;
        }
        if state.entries.len() >= REMEMBERED {
            state.entries.clear();
        }
        state.entries.insert(id, Entry { standing, looked_up });
    }

    /// Forgets everything about the sessions of an account, after it or one of them changed.
    pub fn forget(&self, owner: UserId) {
        let mut state = self.lock();
        state.generation += 1;
        state.entries.retain(|_, entry| entry.standing.as_ref().is_some_and(|known| known.user.user_id != owner));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
