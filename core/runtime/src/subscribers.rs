//! Durable subscribers: each reads the outbox by its own cursors, at least once, in order per entity.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use consilium_db::{Db, Error, Result, Tx, outbox, subscriptions};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, EventEnvelope};
use tokio::sync::Notify;

use crate::tasks::Shutdown;

/// Hears of every committed event. What it writes through `tx` is committed with its cursor, so that an event
/// is digested exactly once as far as the database is concerned; effects outside may be repeated.
pub trait Subscriber: Send + Sync + 'static {
    /// Names its cursors; never changes.
    fn name(&self) -> &'static str;
    /// Digests one event. May run several times before one run is committed.
    fn digest(&self, tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()>;
}

/// Events digested in one transaction.
const BATCH: i64 = 100;
/// Failures of one event before its entity is parked.
const TRIES: u32 = 5;

/// Drives one subscriber.
pub struct SubscriberWorker {
    db: Db,
    subscriber: Arc<dyn Subscriber>,
    wake: Arc<Notify>,
    /// Whether its cursors are there: once they are, nobody takes them away.
    registered: AtomicBool,
}

impl SubscriberWorker {
    /// A worker for `subscriber`.
    pub fn new(db: Db, subscriber: Arc<dyn Subscriber>) -> Self {
        Self { db, subscriber, wake: Arc::default(), registered: AtomicBool::new(false) }
    }

    /// The subscriber's.
    pub fn name(&self) -> &'static str {
        self.subscriber.name()
    }

    /// Wakes the worker before its next tick.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Reads every `tick`, and when woken, until the server ends.
    pub async fn run(&self, tick: Duration, mut shutdown: Shutdown) {
        let mut failures = 0;
        loop {
            match self.catch_up().await {
                Ok(_) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(subscriber = self.subscriber.name(), %error, "events could not be digested");
                }
            }
            let pause = tick * 2u32.saturating_pow(failures.min(6));
            tokio::select! {
                () = shutdown.requested() => {
                    // Whoever reads next tells of it: this node's last word is no lag.
                    lag(self.subscriber.name(), 0.0);
                    return;
                }
                () = tokio::time::sleep(pause) => {}
                () = self.wake.notified(), if failures == 0 => {}
            }
        }
    }

    /// Digests everything there is and returns how many events it was.
    pub async fn catch_up(&self) -> Result<usize> {
        let subscriber = self.subscriber.clone();
        let name = subscriber.name();
        if !self.registered.load(Ordering::Relaxed) {
            self.db.write(&meta(), move |tx| subscriptions::register(tx, name)).await?;
            self.registered.store(true, Ordering::Relaxed);
        }
        let mut digested = 0;
        let behind = self.db.read(move |session| subscriptions::behind(session, name)).await?;
        if behind.is_empty() {
            lag(name, 0.0);
        }
        for shard in behind {
            loop {
                let count = self.digest_batch(shard).await?;
                digested += count;
                if (count as i64) < BATCH {
                    break;
                }
            }
        }
        Ok(digested)
    }

    /// Digests a batch together; when that fails, one event at a time, so that a poison event stops only its entity.
    async fn digest_batch(&self, shard: i16) -> Result<usize> {
        match self.digest(shard, BATCH, false).await {
            Ok(count) => Ok(count),
            Err(_) => {
                for _ in 0..TRIES {
                    match self.digest(shard, 1, false).await {
                        Ok(count) => return Ok(count),
                        Err(Error::Busy | Error::VersionConflict) => return Err(Error::Busy),
                        Err(_) => {}
                    }
                }
                self.digest(shard, 1, true).await
            }
        }
    }

    async fn digest(&self, shard: i16, limit: i64, park: bool) -> Result<usize> {
        let subscriber = self.subscriber.clone();
        self.db
            .write(&meta(), move |tx| {
                let name = subscriber.name();
                let Some(position) = subscriptions::claim(tx, name, shard)? else { return Ok(0) };
                let events = outbox::read_after(tx, shard, position, limit)?;
                if let Some((_, first)) = events.first() {
                    lag(name, tx.now().duration_since(first.at).as_secs_f64());
                }
                let parked = subscriptions::parked(tx, name)?;
                for (_, event) in &events {
                    if parked.contains(&event.entity.id) {
                        continue;
                    }
                    if park {
                        metrics::counter!("consilium_parked_entities", "subscriber" => name).increment(1);
                        tracing::error!(
                            subscriber = name, event = %event.id, entity = %event.entity.id,
                            "an event could not be digested; its entity is set aside"
                        );
                        subscriptions::park(tx, name, event, "could not be digested")?;
                    } else {
                        subscriber.digest(tx, event)?;
                    }
                }
                if let Some((last, _)) = events.last() {
                    subscriptions::advance(tx, name, shard, *last)?;
                }
                Ok(events.len())
            })
            .await
    }
}

/// How old what a subscriber reads now is: the oldest event that it had not digested yet.
fn lag(subscriber: &'static str, seconds: f64) {
    metrics::gauge!("consilium_subscriber_lag_seconds", "subscriber" => subscriber).set(seconds);
}

fn meta() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "subscriber")
}
