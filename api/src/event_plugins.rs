//! Plugins of kind `events`, as they are fed: they see of an event what webhook subscribers see, and nothing of events
//! that are not in that catalogue.

use async_trait::async_trait;
use consilium_db::{Db, Result, Session};
use consilium_feeder::{Feeder, Listener, Listeners, Told};
use consilium_kernel::EventEnvelope;
use consilium_plugin_host::{
    CallError, PluginHost,
    contract::{
        Event,
        subscriber::{EventsTaken, OnEvents},
    },
};
use consilium_webhooks::catalogue;

/// The kind.
const EVENTS: &str = "events";

/// Those that run here.
struct EventPlugins(PluginHost);

/// What feeds them.
pub fn feeder(db: Db, plugins: PluginHost) -> Feeder {
    for Listener { plugin, events, .. } in Listener::of_kind(&plugins, EVENTS) {
        for event_type in events.iter().filter(|event_type| catalogue::find(event_type).is_none()) {
            tracing::warn!(plugin, event_type, "the plugin asks for events that no plugin is told");
        }
    }
    Feeder::new(db, EVENTS, std::sync::Arc::new(EventPlugins(plugins)))
}

#[async_trait]
impl Listeners for EventPlugins {
    fn listeners(&self) -> Vec<Listener> {
        Listener::of_kind(&self.0, EVENTS)
    }

    fn shown(&self, _: &mut Session<'_>, event: &EventEnvelope) -> Result<Option<Event>> {
        Ok(catalogue::shown(event).map(|data| consilium_feeder::event(event, data.into())))
    }

    async fn tell(&self, plugin: &str, events: Vec<Event>) -> std::result::Result<Told, CallError> {
        let EventsTaken { rejected, writes } = self.0.call(plugin, OnEvents { events }).await?;
        Ok(Told { writes, rejected })
    }
}
