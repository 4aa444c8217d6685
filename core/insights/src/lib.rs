//! Insights: feeds analytics plugins with what happened, and answers with what they counted.
//!
//! A batch of events goes to the plugin outside any transaction; then its writes and the cursor are committed
//! together, if the cursor still stands where the batch began. Whatever is repeated in between, every event is
//! counted once. Knows nothing of what is counted.

mod events;
mod feed;
mod refusal;
mod report;
mod sinks;

pub use refusal::InsightsRefusal;
pub use report::DoctorFigures;
pub use sinks::{Analytics, Sink};

use std::{collections::HashSet, sync::Arc};

use consilium_db::Db;
use tokio::sync::{Mutex, Notify};

/// What is counted, and the worker that has it counted. Cheap to clone.
#[derive(Clone)]
pub struct Insights {
    pub(crate) db: Db,
    pub(crate) analytics: Arc<dyn Analytics>,
    wake: Arc<Notify>,
    /// One feeds at a time. Holds the sinks that have their cursors.
    pub(crate) feeding: Arc<Mutex<HashSet<String>>>,
}

impl Insights {
    /// Insights over `db`, counted by `analytics`.
    pub fn new(db: Db, analytics: Arc<dyn Analytics>) -> Self {
        Self { db, analytics, wake: Arc::default(), feeding: Arc::default() }
    }

    /// Wakes the worker before its next tick: something was committed.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }
}
