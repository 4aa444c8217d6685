//! Wakes whoever set a timer when its row is due.

use std::{collections::HashMap, sync::Arc, time::Duration};

use consilium_db::{
    Db, Error, Result,
    timers::{self, DueTimer},
};
use consilium_kernel::CommandMeta;
use tokio::sync::Notify;

use crate::tasks::Shutdown;

/// Does the work of due timers of certain kinds. The work must call [`consilium_db::timers::take`] in the
/// transaction that does it, so that it is done once.
#[async_trait::async_trait]
pub trait TimerHandler: Send + Sync {
    /// The kinds it handles.
    fn kinds(&self) -> &'static [&'static str];
    /// Does the work. `VersionConflict` from `take` means that it was withdrawn or done already.
    async fn fire(&self, timer: DueTimer) -> Result<()>;
}

/// Timers read at once.
const BATCH: i64 = 200;

/// Looks for due timers.
pub struct TimerWorker {
    db: Db,
    handlers: HashMap<&'static str, Arc<dyn TimerHandler>>,
    wake: Arc<Notify>,
}

impl TimerWorker {
    /// A worker for all kinds that `handlers` name.
    pub fn new(db: Db, handlers: Vec<Arc<dyn TimerHandler>>) -> Self {
        let handlers = handlers
            .into_iter()
            .flat_map(|handler| handler.kinds().iter().map(move |kind| (*kind, handler.clone())))
            .collect();
        Self { db, handlers, wake: Arc::default() }
    }

    /// Wakes the worker before its next tick.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Looks every `tick`, and when woken, until the server ends.
    pub async fn run(&self, tick: Duration, mut shutdown: Shutdown) {
        loop {
            if let Err(error) = self.fire_due().await {
                tracing::warn!(%error, "due timers could not be read");
            }
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(tick) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    /// Fires everything that is due now and returns how many timers did their work.
    pub async fn fire_due(&self) -> Result<usize> {
        let mut fired = 0;
        loop {
            let due = self.db.read(|session| timers::due(session, BATCH)).await?;
            let found = due.len();
            for timer in due {
                fired += usize::from(self.fire(timer).await?);
            }
            if (found as i64) < BATCH {
                return Ok(fired);
            }
        }
    }

    async fn fire(&self, timer: DueTimer) -> Result<bool> {
        let Some(handler) = self.handlers.get(timer.kind.as_str()) else {
            tracing::error!(kind = timer.kind, "no handler for this kind of timer");
            return self.postpone(&timer).await.map(|()| false);
        };
        match handler.fire(timer.clone()).await {
            Ok(()) => Ok(true),
            Err(Error::VersionConflict) => Ok(false),
            Err(error) => {
                metrics::counter!("consilium_timer_failures", "kind" => timer.kind.clone()).increment(1);
                tracing::warn!(%error, kind = timer.kind, attempts = timer.attempts, "a timer failed and is put off");
                self.postpone(&timer).await.map(|()| false)
            }
        }
    }

    /// 1 s doubling to about 17 minutes.
    async fn postpone(&self, timer: &DueTimer) -> Result<()> {
        let wait = Duration::from_secs(1 << timer.attempts.clamp(0, 10));
        let (id, retry_at) = (timer.id, self.db.clock().now() + wait);
        let meta = CommandMeta::system(timer.facility_id, "timer");
        self.db.write(&meta, move |tx| timers::postpone(tx, id, retry_at)).await
    }
}
