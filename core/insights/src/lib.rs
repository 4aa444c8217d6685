//! Insights: feeds analytics plugins with what happened, and answers with what they counted.
//!
//! A [`Feeder`] commits what a plugin counted together with its cursor, so every event is counted once. Knows nothing
//! of what is counted.

mod events;
mod refusal;
mod report;
mod sinks;

pub use refusal::InsightsRefusal;
pub use report::DoctorFigures;
pub use sinks::Analytics;

use std::{sync::Arc, time::Duration};

use consilium_db::{Db, Result};
use consilium_feeder::Feeder;
use consilium_runtime::Shutdown;
use tokio::sync::Notify;

use sinks::Sinks;

/// What is counted, and the worker that has it counted. Cheap to clone.
#[derive(Clone)]
pub struct Insights {
    pub(crate) db: Db,
    pub(crate) analytics: Arc<dyn Analytics>,
    feeder: Feeder,
}

impl Insights {
    /// Insights over `db`, counted by `analytics`.
    pub fn new(db: Db, analytics: Arc<dyn Analytics>) -> Self {
        let feeder = Feeder::new(db.clone(), "insights", Arc::new(Sinks(analytics.clone())));
        Self { db, analytics, feeder }
    }

    /// Wakes the worker before its next tick: something was committed.
    pub fn wake(&self) -> Arc<Notify> {
        self.feeder.wake()
    }

    /// Has events counted every `tick`, and when woken, until the server ends.
    pub async fn run(&self, tick: Duration, shutdown: Shutdown) {
        self.feeder.run(tick, shutdown).await;
    }

    /// Has everything there is counted and returns how many events were passed by.
    pub async fn catch_up(&self) -> Result<usize> {
        self.feeder.catch_up().await
    }
}
