//! Tells Acme Video what happens. It knows an event by its id, so telling it twice has one effect.

use consilium_plugin_sdk::contract::{Bytes, Event, host::HttpFetch, subscriber::*};
use consilium_plugin_sdk::{EventSubscriber, Host, Plugin, PluginError, export_plugin, percent_encode};
use serde_json::json;

/// What the operator configures.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the receiving system is, without a slash at the end.
    #[schemars(example = "https://bus.example.org")]
    pub base_url: String,
}

/// The plugin.
pub struct AcmeVideo(Config);

impl Plugin for AcmeVideo {
    type Config = Config;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self(config))
    }
}

impl EventSubscriber for AcmeVideo {
    fn on_events(&self, host: &Host<'_>, request: OnEvents) -> Result<EventsTaken, PluginError> {
        let mut taken = EventsTaken::default();
        for event in request.events {
            // What cannot be told now makes the whole batch come again; what can never be, stands aside.
            match self.tell(host, &event) {
                Err(error) if error.retryable => return Err(error),
                Err(PluginError { code, message, .. }) => {
                    taken.rejected.push(RejectedEvent { id: event.id, code, message });
                }
                Ok(()) => {}
            }
        }
        Ok(taken)
    }
}

impl AcmeVideo {
    fn tell(&self, host: &Host<'_>, event: &Event) -> Result<(), PluginError> {
        let response = host.fetch(&HttpFetch {
            method: "PUT".into(),
            url: format!("{}/events/{}", self.0.base_url, percent_encode(&event.id)),
            headers: [
                ("authorization".into(), "Bearer {{secret:api_key}}".into()),
                ("content-type".into(), "application/json".into()),
            ]
            .into(),
            body: Some(Bytes(json!(event).to_string().into_bytes())),
            timeout_ms: None,
        });
        // Nobody was asked, so nothing was refused: whatever kept us from asking, the event comes again.
        let response = response.map_err(|error| PluginError { retryable: true, ..error })?;
        match response.status {
            200..=299 => Ok(()),
            // A wrong key is nobody's event's fault: an operator mends it, and nothing was lost.
            status @ (401 | 403 | 429 | 500..) => {
                Err(PluginError::retryable("receiver_unavailable", status.to_string()))
            }
            status => Err(PluginError::permanent("receiver_refused", status.to_string())),
        }
    }
}

export_plugin!(AcmeVideo, kinds: [events], manifest: "../plugin.toml");
