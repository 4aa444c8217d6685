//! What a feeder needs of the plugins it feeds.

use async_trait::async_trait;
use consilium_db::{Result, Session};
use consilium_kernel::EventEnvelope;
use consilium_plugin_host::{
    CallError, PluginHost,
    contract::{Entity, Event, host::KvWrite, subscriber::RejectedEvent},
};
use serde_json::Value;

/// A plugin that hears events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Names the instance, its cursors and its store.
    pub plugin: String,
    /// The event types it asks for in its manifest.
    pub events: Vec<String>,
    /// What its store may hold.
    pub quota_bytes: u64,
}

impl Listener {
    /// Those that fulfil a contract of this kind, whatever their state.
    #[must_use]
    pub fn of_kind(plugins: &PluginHost, kind: &str) -> Vec<Self> {
        let listener = |plugin: String| {
            let permissions = plugins.manifest(&plugin)?.permissions.clone();
            let quota_bytes = permissions.kv.map_or(0, |kv| kv.quota_bytes);
            Some(Self { plugin, events: permissions.events, quota_bytes })
        };
        plugins.providers_of(kind).into_iter().filter_map(listener).collect()
    }
}

/// An event as plugins know it, with these data in place of its own.
#[must_use]
pub fn event(event: &EventEnvelope, data: Value) -> Event {
    Event {
        id: event.id.to_string(),
        kind: event.event_type.clone(),
        schema: u32::from(event.schema),
        entity: Entity { kind: event.entity.kind.clone(), id: event.entity.id.to_string() },
        version: u64::try_from(event.version).unwrap_or_default(),
        facility: event.facility.to_string(),
        at: event.at,
        data,
    }
}

/// What a plugin answers to a batch.
#[derive(Debug, Default)]
pub struct Told {
    /// Changes of its own store, committed with the cursor.
    pub writes: Vec<KvWrite>,
    /// Events that it can never take.
    pub rejected: Vec<RejectedEvent>,
}

/// The plugins of one kind, as they are fed.
#[async_trait]
pub trait Listeners: Send + Sync + 'static {
    /// Those that are configured, whatever their state.
    fn listeners(&self) -> Vec<Listener>;
    /// The event with what plugins of this kind may see of it; `None` when there is nothing in it for them.
    fn shown(&self, session: &mut Session<'_>, event: &EventEnvelope) -> Result<Option<Event>>;
    /// Tells a batch. The plugin changes nothing; its answer says what is to be written.
    async fn tell(&self, plugin: &str, events: Vec<Event>) -> std::result::Result<Told, CallError>;
}
