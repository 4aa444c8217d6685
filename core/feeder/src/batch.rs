//! One batch on its way: read, told, and committed with the cursor.

use consilium_db::{
    Error, Tx,
    outbox::{self, Position},
    plugin_values::{self, PluginValueRefusal, PluginWrite},
    subscriptions,
};
use consilium_kernel::{EntityRef, EventEnvelope};
use consilium_plugin_host::{CallError, contract::Event, contract::host::KvWrite, contract::subscriber::RejectedEvent};
use serde_json::json;

use crate::{Feeder, Listener, Stuck, Told};

/// Events read, and at most passed, at once.
const BATCH: i64 = 100;
/// How often a batch is told again because its writes lost a race.
const TRIES: u32 = 5;

type Result<T> = std::result::Result<T, Stuck>;

/// Events of one shard as they were read.
pub(crate) struct Batch {
    from: Position,
    to: Position,
    /// All that were read, wanted or not.
    read: Vec<EventEnvelope>,
    wanted: Vec<Event>,
}

/// What became of a batch.
enum Outcome {
    /// Taken, or somebody else was faster.
    Passed(usize),
    /// Its writes expected versions that are gone.
    LostRace,
    /// The plugin cannot digest something in it.
    Indigestible,
}

impl Feeder {
    /// Feeds the next events of a shard. A batch that the plugin cannot digest is halved until the event that it
    /// cannot digest stands alone; then its entity is set aside.
    pub(crate) async fn feed_shard(&self, listener: &Listener, shard: i16) -> Result<usize> {
        let (mut limit, mut races) = (BATCH, 0);
        loop {
            let Some(batch) = self.read(listener, shard, limit).await? else { return Ok(0) };
            let count = batch.read.len();
            match self.tell(listener, shard, &batch).await? {
                Outcome::Passed(count) => return Ok(count),
                Outcome::LostRace if races < TRIES => races += 1,
                Outcome::LostRace => return Err(Error::Busy.into()),
                Outcome::Indigestible if count == 1 => return self.set_aside(listener, shard, batch).await,
                Outcome::Indigestible => limit = i64::try_from(count).unwrap_or(BATCH) / 2,
            }
        }
    }

    async fn read(&self, listener: &Listener, shard: i16, limit: i64) -> Result<Option<Batch>> {
        let name = self.cursor(listener);
        let claimed = name.clone();
        let from = self.db.write(&self.meta(), move |tx| subscriptions::claim(tx, &claimed, shard)).await?;
        let Some(from) = from else { return Ok(None) };
        let (asked_for, listeners) = (listener.events.clone(), self.listeners.clone());
        let read = self.db.read(move |read| {
            let events = outbox::read_after(read, shard, from, limit)?;
            let parked = subscriptions::parked(read, &name)?;
            let mut wanted = Vec::new();
            for (_, event) in &events {
                if asked_for.contains(&event.event_type) && !parked.contains(&event.entity.id) {
                    wanted.extend(listeners.shown(read, event)?);
                }
            }
            let to = events.last().map(|(to, _)| *to);
            let read = events.into_iter().map(|(_, event)| event).collect();
            Ok(to.map(|to| Batch { from, to, read, wanted }))
        });
        Ok(read.await?)
    }

    async fn tell(&self, listener: &Listener, shard: i16, batch: &Batch) -> Result<Outcome> {
        let plugin = &listener.plugin;
        let told = if batch.wanted.is_empty() {
            Told::default()
        } else {
            match self.listeners.tell(plugin, batch.wanted.clone()).await {
                Ok(told) => told,
                Err(error) if is_about_the_events(&error) => {
                    tracing::warn!(plugin, code = error.code(), "a batch of events cannot be taken");
                    return Ok(Outcome::Indigestible);
                }
                Err(error) => {
                    metrics::counter!("consilium_feed_failures", "subscriber" => self.cursor(listener)).increment(1);
                    tracing::warn!(plugin, code = error.code(), "a plugin takes no events");
                    return Err(Stuck { error: Error::Busy, rest: error.retry_after() });
                }
            }
        };
        match self.commit(listener, shard, batch, told, None).await {
            Ok(true) => Ok(Outcome::Passed(batch.read.len())),
            Ok(false) => Ok(Outcome::Passed(0)),
            Err(Error::Refused(refusal)) if refusal.code == PluginValueRefusal::Conflict.refusal().code => {
                Ok(Outcome::LostRace)
            }
            Err(Error::Refused(refusal)) if refusal.code == PluginValueRefusal::Quota.refusal().code => {
                tracing::error!(plugin, "the store of a plugin is full: it takes no more events");
                Err(Error::Busy.into())
            }
            Err(Error::Refused(_)) => Ok(Outcome::Indigestible),
            Err(error) => Err(error.into()),
        }
    }

    async fn set_aside(&self, listener: &Listener, shard: i16, batch: Batch) -> Result<usize> {
        let Some(event) = batch.read.first().cloned() else { return Ok(0) };
        metrics::counter!("consilium_parked_entities", "subscriber" => self.cursor(listener)).increment(1);
        tracing::error!(
            plugin = listener.plugin, event = %event.id, entity = %event.entity.id,
            "an event could not be taken; its entity is set aside"
        );
        let moved = self.commit(listener, shard, &batch, Told::default(), Some(event)).await?;
        Ok(if moved { batch.read.len() } else { 0 })
    }

    /// Commits what was answered and moves the cursor, all or nothing. False when the cursor stands elsewhere by now:
    /// then somebody else has told these events.
    async fn commit(
        &self,
        listener: &Listener,
        shard: i16,
        batch: &Batch,
        told: Told,
        park: Option<EventEnvelope>,
    ) -> consilium_db::Result<bool> {
        let (name, quota, from, to) = (self.cursor(listener), listener.quota_bytes, batch.from, batch.to);
        let plugin = listener.plugin.clone();
        let writes: Vec<PluginWrite> = told.writes.into_iter().map(plugin_write).collect();
        let rejected = rejected(batch, &told.rejected);
        for (event, rejected) in &rejected {
            metrics::counter!("consilium_rejected_events", "subscriber" => name.clone()).increment(1);
            tracing::error!(plugin, event = %event.id, code = rejected.code, "a plugin can never take an event");
        }
        let write = move |tx: &mut Tx<'_>| {
            if subscriptions::claim(tx, &name, shard)? != Some(from) {
                return Ok(false);
            }
            for write in &writes {
                plugin_values::write(tx, &plugin, write, quota)?;
            }
            for (event, RejectedEvent { code, .. }) in &rejected {
                let entity = EntityRef::new("event", event.id.uuid());
                let told = json!({"plugin": plugin, "type": event.event_type, "code": code});
                tx.audit_with("event_rejected", &entity, 0, &told)?;
            }
            if let Some(event) = &park {
                subscriptions::park(tx, &name, event, "could not be taken")?;
            }
            subscriptions::advance(tx, &name, shard, to)?;
            Ok(true)
        };
        self.db.write(&self.meta(), write).await
    }
}

/// Events of the batch that the plugin can never take, with why; an id that was not told names nothing. What plugins
/// say is kept, so it may not be of any length.
fn rejected(batch: &Batch, rejected: &[RejectedEvent]) -> Vec<(EventEnvelope, RejectedEvent)> {
    let told = |event: &&EventEnvelope| batch.wanted.iter().any(|told| told.id == event.id.to_string());
    let known = batch.read.iter().filter(told).filter_map(|event| {
        let rejected = rejected.iter().find(|rejected| rejected.id == event.id.to_string())?;
        let code = rejected.code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect();
        Some((event.clone(), RejectedEvent { code, ..rejected.clone() }))
    });
    known.collect()
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
