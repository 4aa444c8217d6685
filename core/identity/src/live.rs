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

#[cfg(test)]
mod tests {
    use consilium_kernel::{Id, Role, User};

    use super::*;

    fn standing(user: u128, expires_at: Timestamp) -> Standing {
        let user = User {
            user_id: Id::new(uuid::Uuid::from_u128(user)),
            session_id: session(user),
            role: Role::Patient,
            facility_id: Id::new(uuid::Uuid::nil()),
            doctor_id: None,
            patient_id: None,
            email_verified: false,
        };
        Standing { user, expires_at }
    }

    fn session(n: u128) -> SessionId {
        Id::new(uuid::Uuid::from_u128(n))
    }

    fn seconds(n: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + n).unwrap()
    }

    #[test]
    fn what_was_looked_up_is_trusted_for_a_while() {
        let live = LiveSessions::new(5);
        assert_eq!(live.get(session(1), seconds(0)), None);
        live.remember(session(1), Some(standing(1, seconds(100))), seconds(0), live.generation());
        live.remember(session(2), None, seconds(0), live.generation());
        assert_eq!(live.get(session(1), seconds(4)), Some(Some(standing(1, seconds(100)))));
        assert_eq!(live.get(session(2), seconds(4)), Some(None), "that it ended is known too");
        assert_eq!(live.get(session(1), seconds(5)), None, "too old");
        assert_eq!(live.get(session(1), seconds(-1)), None, "the clock went back");
    }

    #[test]
    fn a_session_that_expires_meanwhile_is_not_trusted() {
        let live = LiveSessions::new(60);
        live.remember(session(1), Some(standing(1, seconds(3))), seconds(0), live.generation());
        assert_eq!(live.get(session(1), seconds(3)), Some(None));
    }

    #[test]
    fn a_lookup_that_a_logout_overtook_is_not_remembered() {
        let live = LiveSessions::new(5);
        let since = live.generation();
        live.forget(standing(1, seconds(0)).user.user_id);
        live.remember(session(1), Some(standing(1, seconds(100))), seconds(0), since);
        assert_eq!(live.get(session(1), seconds(0)), None);
    }

    #[test]
    fn forgetting_one_account_leaves_the_others() {
        let live = LiveSessions::new(5);
        for n in [1, 2] {
            live.remember(session(n), Some(standing(n, seconds(100))), seconds(0), live.generation());
        }
        live.forget(standing(1, seconds(0)).user.user_id);
        assert_eq!(live.get(session(1), seconds(0)), None);
        assert!(live.get(session(2), seconds(0)).is_some());
    }

    #[test]
    fn memory_is_bounded() {
        let live = LiveSessions::new(5);
        for n in 0..=REMEMBERED as u128 {
            live.remember(session(n), None, seconds(0), live.generation());
        }
        assert!(live.lock().entries.len() <= REMEMBERED);
    }
}
