//! The threads that entities live on.

use actix::{Arbiter, ArbiterHandle};

/// A fixed set of arbiters; an entity's id decides which one it lives on.
#[derive(Debug, Clone)]
pub(crate) struct Arbiters(Vec<ArbiterHandle>);

impl Arbiters {
    /// Starts `count` arbiters, which live as long as the actor system.
    pub(crate) fn start(count: usize) -> Self {
        Self((0..count.max(1)).map(|_| Arbiter::new().handle()).collect())
    }

    pub(crate) fn of(&self, hash: u64) -> Option<&ArbiterHandle> {
        self.0.get((hash % self.0.len() as u64) as usize)
    }
}
