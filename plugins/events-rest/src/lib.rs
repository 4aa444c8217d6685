//! Tells events on, batch by batch, to an HTTP server. Never shipped.
//!
//! The server decides what becomes of a batch: 2xx takes it, 422 means that its first event can never be taken, and
//! whatever else it answers makes the batch come again. What was taken is remembered in the plugin's store.

use consilium_plugin_sdk::{
    EventSubscriber, Host, Plugin, PluginError,
    contract::{
        Bytes,
        host::{HttpFetch, KvWrite},
        subscriber::{EventsTaken, OnEvents, RejectedEvent},
    },
    export_plugin,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where batches are posted to.
    url: String,
}

/// The plugin.
pub struct EventsRest(Config);

impl Plugin for EventsRest {
    type Config = Config;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self(config))
    }
}

impl EventSubscriber for EventsRest {
    fn on_events(&self, host: &Host<'_>, request: OnEvents) -> Result<EventsTaken, PluginError> {
        let response = host.fetch(&HttpFetch {
            method: "POST".to_owned(),
            url: self.0.url.clone(),
            headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
            body: Some(Bytes(json!(request.events).to_string().into_bytes())),
            timeout_ms: Some(3_000),
        })?;
        let wait = response.headers.get("retry-after").and_then(|seconds| seconds.parse().ok());
        let mut events = request.events.into_iter().map(|event| event.id);
        let rejected = match response.status {
            200..=299 => None,
            422 => events.next(),
            status => {
                let down = PluginError::retryable("server_down", format!("the server answered {status}"));
                return Err(PluginError { retry_after_seconds: wait, ..down });
            }
        };
        let rejected = rejected.map(|id| RejectedEvent {
            id,
            code: "not_wanted".to_owned(),
            message: "the server can never take it".to_owned(),
        });
        let writes = events.map(|key| KvWrite { key, value: Some(json!(true)), expected: None });
        Ok(EventsTaken { rejected: rejected.into_iter().collect(), writes: writes.collect() })
    }
}

export_plugin!(EventsRest, kinds: [events], manifest: "../plugin.toml");
