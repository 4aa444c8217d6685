//! What insights need of analytics plugins.

use async_trait::async_trait;
use consilium_plugin_host::{
    CallError, PluginHost,
    contract::analytics::{DoctorReport, EventsCounted, OnEvents, Report},
};

/// An analytics plugin that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// Names the instance, its cursors and its store.
    pub plugin: String,
    /// The event types it asks for in its manifest.
    pub events: Vec<String>,
    /// What its store may hold.
    pub quota_bytes: u64,
}

/// Analytics plugins, as insights call them.
#[async_trait]
pub trait Analytics: Send + Sync + 'static {
    /// Those that are configured, whatever their state; reports come from the first.
    fn sinks(&self) -> Vec<Sink>;
    /// Has a batch counted. The plugin changes nothing; its answer says what is to be written.
    async fn on_events(&self, plugin: &str, batch: OnEvents) -> Result<EventsCounted, CallError>;
    /// What was counted.
    async fn report(&self, plugin: &str, request: Report) -> Result<DoctorReport, CallError>;
}

#[async_trait]
impl Analytics for PluginHost {
    fn sinks(&self) -> Vec<Sink> {
        let running = self.providers_of("analytics").into_iter();
        running
            .filter_map(|plugin| {
                let permissions = self.manifest(&plugin)?.permissions.clone();
                let quota_bytes = permissions.kv.map_or(0, |kv| kv.quota_bytes);
                Some(Sink { plugin, events: permissions.events, quota_bytes })
            })
            .collect()
    }

    async fn on_events(&self, plugin: &str, batch: OnEvents) -> Result<EventsCounted, CallError> {
        self.call(plugin, batch).await
    }

    async fn report(&self, plugin: &str, request: Report) -> Result<DoctorReport, CallError> {
        self.call(plugin, request).await
    }
}
