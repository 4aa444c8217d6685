//! What insights need of analytics plugins.

use std::sync::Arc;

use async_trait::async_trait;
use consilium_db::{Result, Session};
use consilium_feeder::{Listener, Listeners, Told};
use consilium_kernel::EventEnvelope;
use consilium_plugin_host::{
    CallError, PluginHost,
    contract::{
        Event,
        analytics::{DoctorReport, EventsCounted, OnEvents, Report},
    },
};

use crate::events::shown;

/// Analytics plugins, as insights call them.
#[async_trait]
pub trait Analytics: Send + Sync + 'static {
    /// Those that are configured, whatever their state; reports come from the first.
    fn sinks(&self) -> Vec<Listener>;
    /// Has a batch counted. The plugin changes nothing; its answer says what is to be written.
    async fn on_events(&self, plugin: &str, batch: OnEvents) -> std::result::Result<EventsCounted, CallError>;
    /// What was counted.
    async fn report(&self, plugin: &str, request: Report) -> std::result::Result<DoctorReport, CallError>;
}

#[async_trait]
impl Analytics for PluginHost {
    fn sinks(&self) -> Vec<Listener> {
        Listener::of_kind(self, "analytics")
    }

    async fn on_events(&self, plugin: &str, batch: OnEvents) -> std::result::Result<EventsCounted, CallError> {
        self.call(plugin, batch).await
    }

    async fn report(&self, plugin: &str, request: Report) -> std::result::Result<DoctorReport, CallError> {
        self.call(plugin, request).await
    }
}

/// Analytics plugins, as they are fed.
pub(crate) struct Sinks(pub(crate) Arc<dyn Analytics>);

#[async_trait]
impl Listeners for Sinks {
    fn listeners(&self) -> Vec<Listener> {
        self.0.sinks()
    }

    fn shown(&self, session: &mut Session<'_>, event: &EventEnvelope) -> Result<Option<Event>> {
        shown(session, event)
    }

    async fn tell(&self, plugin: &str, events: Vec<Event>) -> std::result::Result<Told, CallError> {
        let EventsCounted { writes } = self.0.on_events(plugin, OnEvents { events }).await?;
        Ok(Told { writes, rejected: Vec::new() })
    }
}
