//! Feeds plugins with what happened, whatever they do with it.
//!
//! A batch of events goes to the plugin outside any transaction; then the writes that it answers with and the cursor
//! are committed together, if the cursor still stands where the batch began. So a plugin hears every event it asks
//! for at least once, in order per entity and under an id that stays, and what it writes is written once. Knows
//! neither what is told nor what comes of it.

mod batch;
mod listeners;
mod pace;

pub use listeners::{Listener, Listeners, Told, event};

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use consilium_db::{Db, Error, Result, subscriptions};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY};
use consilium_runtime::Shutdown;
use futures_util::future::join_all;
use tokio::sync::{Mutex, Notify};

use pace::Pace;

/// Feeds the plugins of one kind. Cheap to clone.
#[derive(Clone)]
pub struct Feeder {
    db: Db,
    /// Cursors and audit lines bear it.
    name: &'static str,
    listeners: Arc<dyn Listeners>,
    wake: Arc<Notify>,
    /// One feeds at a time. How each listener does, by its plugin.
    paces: Arc<Mutex<HashMap<String, Pace>>>,
}

/// Why a listener was not fed to the end.
struct Stuck {
    error: Error,
    /// How long its provider wants to be left alone.
    rest: Option<Duration>,
}

impl<E: Into<Error>> From<E> for Stuck {
    fn from(error: E) -> Self {
        Self { error: error.into(), rest: None }
    }
}

impl Feeder {
    /// Feeds `listeners`; their cursors are kept under `name`.
    pub fn new(db: Db, name: &'static str, listeners: Arc<dyn Listeners>) -> Self {
        Self { db, name, listeners, wake: Arc::default(), paces: Arc::default() }
    }

    /// Wakes the worker before its next tick: something was committed.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Feeds every `tick`, and when woken, until the server ends. A listener that does not answer is tried again
    /// after a pause that grows, and no earlier than its provider wants.
    pub async fn run(&self, tick: Duration, mut shutdown: Shutdown) {
        loop {
            let _ = self.feed_all(|pace, now| pace.is_due(now)).await;
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(tick) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    /// Feeds everything there is to every listener, pausing or not, and returns how many events were passed by. A
    /// listener that does not answer keeps its place; the first such error is returned.
    pub async fn catch_up(&self) -> Result<usize> {
        self.feed_all(|_, _| true).await
    }

    /// Side by side, so that one that is slow holds up no other.
    async fn feed_all(&self, due: impl Fn(&Pace, Instant) -> bool) -> Result<usize> {
        let mut paces = self.paces.lock().await;
        let now = Instant::now();
        let listeners = self.listeners.listeners().into_iter();
        let due = listeners.filter(|listener| paces.get(&listener.plugin).is_none_or(|pace| due(pace, now)));
        let due: Vec<_> = due.collect();
        let fed = due.iter().map(|listener| {
            let registered = paces.get(&listener.plugin).is_some_and(|pace| pace.registered);
            self.feed(listener, registered)
        });
        let fed = join_all(fed).await;
        let (mut passed, mut failed) = (0, None);
        for (listener, outcome) in due.iter().zip(fed) {
            let pace = paces.entry(listener.plugin.clone()).or_default();
            match outcome {
                Ok(count) => {
                    pace.went_well();
                    passed += count;
                }
                Err(Stuck { error, rest }) => {
                    let pause = pace.failed(rest, Instant::now());
                    tracing::warn!(feeder = self.name, plugin = listener.plugin, %error, ?pause, "a plugin is not fed");
                    failed = failed.or(Some(error));
                }
            }
        }
        failed.map_or(Ok(passed), Err)
    }

    async fn feed(&self, listener: &Listener, registered: bool) -> std::result::Result<usize, Stuck> {
        let name = self.cursor(listener);
        if !registered {
            let name = name.clone();
            self.db.write(&self.meta(), move |tx| subscriptions::register(tx, &name)).await?;
        }
        let mut passed = 0;
        for shard in self.db.read(move |read| subscriptions::behind(read, &name)).await? {
            loop {
                let count = self.feed_shard(listener, shard).await?;
                passed += count;
                if count == 0 {
                    break;
                }
            }
        }
        Ok(passed)
    }

    /// Under this name the cursors of a listener are kept.
    fn cursor(&self, listener: &Listener) -> String {
        format!("{}:{}", self.name, listener.plugin)
    }

    fn meta(&self) -> CommandMeta {
        CommandMeta::system(DEFAULT_FACILITY, self.name)
    }
}
