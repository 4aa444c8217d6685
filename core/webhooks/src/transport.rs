//! The way out: one POST, to public addresses only, without redirects, bounded in time and size.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use consilium_egress::{checked, describe, retry_after};
use consilium_kernel::{Clock, EventId};
use jiff::Timestamp;
use reqwest::{Client, header};

use crate::{decide::Outcome, settings::WebhookSettings};

/// How much of an answer is read before the connection is closed; nothing in it is used.
const ANSWER_LIMIT: usize = 16 * 1024;

/// A message on its way. Prints nothing of itself.
pub struct Outgoing {
    /// The `webhook-id`.
    pub id: EventId,
    /// Where it goes.
    pub url: String,
    /// The `webhook-timestamp`: when this attempt was made.
    pub at: Timestamp,
    /// The `webhook-signature`.
    pub signature: String,
    /// What it says.
    pub body: String,
}

/// A way to hand a message over.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Hands it over and says how that went.
    async fn post(&self, outgoing: &Outgoing) -> Outcome;
}

/// HTTP.
pub struct HttpTransport {
    client: Client,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    allow_private: bool,
}

impl HttpTransport {
    /// A transport by these settings.
    ///
    /// # Errors
    /// When no TLS is to be had.
    pub fn new(settings: &WebhookSettings, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let agent = concat!("Consilium-Webhooks/", env!("CARGO_PKG_VERSION"));
        let client = consilium_egress::client(agent, settings.timeout, settings.allow_private_addresses)?;
        Ok(Self { client, clock, timeout: settings.timeout, allow_private: settings.allow_private_addresses })
    }

    async fn exchange(&self, outgoing: &Outgoing) -> Result<Outcome, &'static str> {
        // Looked at again: what was allowed when the subscription was made may not be any more.
        let url = checked(&outgoing.url, self.allow_private).map_err(|(code, _)| code)?;
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", outgoing.id.to_string())
            .header("webhook-timestamp", outgoing.at.as_second())
            .header("webhook-signature", &outgoing.signature)
            .body(outgoing.body.clone());
        let mut response = request.send().await.map_err(|error| describe(&error))?;
        let mut read = 0;
        // To its end where it is short, so that the connection can be used again. That it breaks off changes
        // nothing: the status was sent before.
        while let Ok(Some(chunk)) = response.chunk().await {
            read += chunk.len();
            if read > ANSWER_LIMIT {
                break;
            }
        }
        let wait = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = wait.and_then(|text| retry_after(text, self.clock.now()));
        Ok(Outcome::Answered { status: response.status().as_u16(), retry_after })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn post(&self, outgoing: &Outgoing) -> Outcome {
        let exchange = tokio::time::timeout(self.timeout, self.exchange(outgoing));
        exchange.await.unwrap_or(Err("timeout")).unwrap_or_else(Outcome::Failed)
    }
}
