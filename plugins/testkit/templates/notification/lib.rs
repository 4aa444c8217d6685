//! Acme Video sends text messages, each key's once, and knows messages by their keys.

use consilium_plugin_sdk::contract::{Bytes, Reconciled, host::HttpFetch, notification::*};
use consilium_plugin_sdk::{Host, NotificationChannel, Plugin, PluginError, export_plugin, percent_encode};
use serde_json::{Value, json};

/// What the operator configures.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the provider is, without a slash at the end.
    #[schemars(example = "https://sms.example.org")]
    pub base_url: String,
    /// Who a message comes from: a number or a registered name.
    #[schemars(example = &"Clinic")]
    pub sender: String,
}

/// The plugin.
pub struct AcmeVideo(Config);

/// A message at the provider.
#[derive(serde::Deserialize)]
struct Message {
    id: String,
    state: String,
}

#[derive(serde::Deserialize)]
struct Messages {
    messages: Vec<Message>,
}

impl Plugin for AcmeVideo {
    type Config = Config;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self(config))
    }
}

impl NotificationChannel for AcmeVideo {
    fn send(&self, host: &Host<'_>, request: Send) -> Result<Sent, PluginError> {
        let Recipient::Sms { phone } = &request.to else {
            return Err(PluginError::permanent("channel_unsupported", "Acme Video sends text messages only"));
        };
        let body = json!({
            "key": request.idempotency_key, "from": self.0.sender, "to": phone, "text": request.text,
            "valid_until": request.expires_at,
        });
        let message: Message = self.ask(host, "POST", "", Some(body))?;
        Ok(message.sent())
    }

    fn reconcile(&self, host: &Host<'_>, request: Reconcile) -> Result<Reconciled<Sent>, PluginError> {
        let query = format!("?key={}", percent_encode(&request.idempotency_key));
        let found: Messages = self.ask(host, "GET", &query, None)?;
        let message = found.messages.into_iter().next();
        Ok(message.map_or_else(Reconciled::not_done, |message| Reconciled::done(message.sent())))
    }
}

impl Message {
    fn sent(self) -> Sent {
        let status = match self.state.as_str() {
            "sent" => DeliveryState::Sent,
            "delivered" => DeliveryState::Delivered,
            "failed" => DeliveryState::Failed,
            "unknown_number" => DeliveryState::AddressInvalid,
            "stopped" => DeliveryState::Unsubscribed,
            _ => DeliveryState::Accepted,
        };
        Sent { reference: self.id, status }
    }
}

impl AcmeVideo {
    fn ask<T: serde::de::DeserializeOwned>(
        &self,
        host: &Host<'_>,
        method: &str,
        query: &str,
        body: Option<Value>,
    ) -> Result<T, PluginError> {
        let response = host.fetch(&HttpFetch {
            method: method.into(),
            url: format!("{}/messages{query}", self.0.base_url),
            headers: [
                ("authorization".into(), "Bearer {{secret:api_key}}".into()),
                ("content-type".into(), "application/json".into()),
            ]
            .into(),
            body: body.map(|body| Bytes(body.to_string().into_bytes())),
            timeout_ms: None,
        })?;
        match response.status {
            200..=299 => serde_json::from_slice(&response.body.0)
                .map_err(|_| PluginError::retryable("answer_unknown", "the provider's answer is not what it promises")),
            422 => Err(PluginError::permanent("address_invalid", "the provider knows no such number")),
            status @ (429 | 500..) => Err(PluginError::retryable("provider_failing", status.to_string())),
            status => Err(PluginError::permanent("provider_refused", status.to_string())),
        }
    }
}

export_plugin!(AcmeVideo, kinds: [notification], manifest: "../plugin.toml");
