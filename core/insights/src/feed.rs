//! Feeds events to analytics plugins: read, call, and commit writes and cursor together.

use std::{collections::HashSet, time::Duration};

use consilium_db::{
    Error, Result, Tx,
    outbox::{self, Position},
    plugin_values::{self, PluginValueRefusal, PluginWrite},
    subscriptions,
};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, EventEnvelope};
use consilium_plugin_host::{
    CallError,
    contract::{Event, analytics::OnEvents, host::KvWrite},
};
use consilium_runtime::Shutdown;

use crate::{Insights, events::shown, sinks::Sink};

/// Events read, and at most passed, at once.
const BATCH: i64 = 100;
/// How often a batch is counted again because its writes lost a race.
const TRIES: u32 = 5;

/// Events of one shard as they were read.
struct Batch {
    from: Position,
    to: Position,
    /// How many there were, wanted or not.
    read: usize,
    wanted: Vec<Event>,
    last: EventEnvelope,
}

/// What became of a batch.
enum Outcome {
    /// Counted, or somebody else was faster.
    Passed(usize),
    /// Its writes expected versions that are gone.
    LostRace,
    /// The plugin cannot digest something in it.
    Indigestible,
}

impl Insights {
    /// Feeds every `tick`, and when woken, until the server ends.
    pub async fn run(&self, tick: Duration, mut shutdown: Shutdown) {
        let (wake, mut failures) = (self.wake(), 0u32);
        loop {
            match self.catch_up().await {
                Ok(_) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "events could not be counted");
                }
            }
            let pause = tick * 2u32.saturating_pow(failures.min(6));
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(pause) => {}
                () = wake.notified(), if failures == 0 => {}
            }
        }
    }

    /// Feeds everything there is to every sink and returns how many events were passed by. A sink that does not
    /// answer keeps its place and does not hold up the others; the first such error is returned.
    pub async fn catch_up(&self) -> Result<usize> {
        let mut registered = self.feeding.lock().await;
        let (mut passed, mut failed) = (0, None);
        for sink in self.analytics.sinks() {
            match self.feed(&sink, &mut registered).await {
                Ok(count) => passed += count,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(passed), Err)
    }

    async fn feed(&self, sink: &Sink, registered: &mut HashSet<String>) -> Result<usize> {
        let name = subscriber(sink);
        if registered.insert(name.clone()) {
            let name = name.clone();
            self.db.write(&meta(), move |tx| subscriptions::register(tx, &name)).await?;
        }
        let mut passed = 0;
        for shard in self.db.read(move |read| subscriptions::behind(read, &name)).await? {
            loop {
                let count = self.feed_shard(sink, shard).await?;
                passed += count;
                if count == 0 {
                    break;
                }
            }
        }
        Ok(passed)
    }

    /// Feeds the next events of a shard. A batch that the plugin cannot digest is halved until the event that it
    /// cannot digest stands alone; then its entity is set aside.
    async fn feed_shard(&self, sink: &Sink, shard: i16) -> Result<usize> {
        let (mut limit, mut races) = (BATCH, 0);
        loop {
            let Some(batch) = self.read(sink, shard, limit).await? else { return Ok(0) };
            let alone = batch.read == 1;
            match self.count(sink, shard, &batch).await? {
                Outcome::Passed(count) => return Ok(count),
                Outcome::LostRace if races < TRIES => races += 1,
                Outcome::LostRace => return Err(Error::Busy),
                Outcome::Indigestible if alone => return self.set_aside(sink, shard, batch).await,
                Outcome::Indigestible => limit = i64::try_from(batch.read).unwrap_or(BATCH) / 2,
            }
        }
    }

    async fn read(&self, sink: &Sink, shard: i16, limit: i64) -> Result<Option<Batch>> {
        let name = subscriber(sink);
        let claimed = name.clone();
        let from = self.db.write(&meta(), move |tx| subscriptions::claim(tx, &claimed, shard)).await?;
        let Some(from) = from else { return Ok(None) };
        let asked_for = sink.events.clone();
        let read = self.db.read(move |read| {
            let events = outbox::read_after(read, shard, from, limit)?;
            let parked = subscriptions::parked(read, &name)?;
            let mut wanted = Vec::new();
            for (_, event) in &events {
                if asked_for.contains(&event.event_type) && !parked.contains(&event.entity.id) {
                    wanted.extend(shown(read, event)?);
                }
            }
            let read = events.len();
            Ok(events.into_iter().next_back().map(|(to, last)| Batch { from, to, read, wanted, last }))
        });
        read.await
    }

    async fn count(&self, sink: &Sink, shard: i16, batch: &Batch) -> Result<Outcome> {
        let writes = if batch.wanted.is_empty() {
            Vec::new()
        } else {
            let call = self.analytics.on_events(&sink.plugin, OnEvents { events: batch.wanted.clone() });
            match call.await {
                Ok(counted) => counted.writes,
                Err(error) if is_about_the_events(&error) => {
                    tracing::warn!(plugin = sink.plugin, code = error.code(), "a batch cannot be counted");
                    return Ok(Outcome::Indigestible);
                }
                Err(error) => {
                    metrics::counter!("consilium_analytics_failures", "plugin" => sink.plugin.clone()).increment(1);
                    tracing::warn!(plugin = sink.plugin, code = error.code(), "analytics do not answer");
                    return Err(Error::Busy);
                }
            }
        };
        match self.commit(sink, shard, batch, writes, None).await {
            Ok(true) => Ok(Outcome::Passed(batch.read)),
            Ok(false) => Ok(Outcome::Passed(0)),
            Err(Error::Refused(refusal)) if refusal.code == PluginValueRefusal::Conflict.refusal().code => {
                Ok(Outcome::LostRace)
            }
            Err(Error::Refused(refusal)) if refusal.code == PluginValueRefusal::Quota.refusal().code => {
                tracing::error!(plugin = sink.plugin, "the store of an analytics plugin is full: it counts no more");
                Err(Error::Busy)
            }
            Err(Error::Refused(_)) => Ok(Outcome::Indigestible),
            Err(error) => Err(error),
        }
    }

    async fn set_aside(&self, sink: &Sink, shard: i16, batch: Batch) -> Result<usize> {
        metrics::counter!("consilium_parked_entities", "subscriber" => subscriber(sink)).increment(1);
        tracing::error!(
            plugin = sink.plugin, event = %batch.last.id, entity = %batch.last.entity.id,
            "an event could not be counted; its entity is set aside"
        );
        let moved = self.commit(sink, shard, &batch, Vec::new(), Some(batch.last.clone())).await?;
        Ok(if moved { batch.read } else { 0 })
    }

    /// Commits the writes and moves the cursor, both or neither. False when the cursor stands elsewhere by now:
    /// then somebody else has counted these events.
    async fn commit(
        &self,
        sink: &Sink,
        shard: i16,
        batch: &Batch,
        writes: Vec<KvWrite>,
        park: Option<EventEnvelope>,
    ) -> Result<bool> {
        let (sink, name, from, to) = (sink.clone(), subscriber(sink), batch.from, batch.to);
        let writes: Vec<PluginWrite> = writes.into_iter().map(plugin_write).collect();
        let write = move |tx: &mut Tx<'_>| {
            if subscriptions::claim(tx, &name, shard)? != Some(from) {
                return Ok(false);
            }
            for write in &writes {
                plugin_values::write(tx, &sink.plugin, write, sink.quota_bytes)?;
            }
            if let Some(event) = &park {
                subscriptions::park(tx, &name, event, "could not be counted")?;
            }
            subscriptions::advance(tx, &name, shard, to)?;
            Ok(true)
        };
        self.db.write(&meta(), write).await
    }
}

/// Whether the same events would fail again, as far as that can be known. Everything else passes: the plugin is
/// busy, down, being restarted, or waits for an operator.
fn is_about_the_events(error: &CallError) -> bool {
    match error {
        CallError::Plugin(error) => !error.retryable,
        CallError::InvalidRequest(_) | CallError::InvalidAnswer(_) | CallError::Panicked(_) => true,
        _ => false,
    }
}

fn plugin_write(write: KvWrite) -> PluginWrite {
    let expected = write.expected.map(|version| i64::try_from(version).unwrap_or(i64::MAX));
    PluginWrite { key: write.key, value: write.value, expected }
}

/// Under this name the cursors of a sink are kept.
fn subscriber(sink: &Sink) -> String {
    format!("insights:{}", sink.plugin)
}

fn meta() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "insights")
}
