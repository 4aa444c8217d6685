//! The way out: one POST, to public addresses only, without redirects, bounded in time and size.

use std::{error::Error as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use consilium_egress::{AddressDenied, PublicOnly, is_public};
use consilium_kernel::{Clock, EventId};
use jiff::Timestamp;
use reqwest::{Client, header};
use url::{Host, Url};

use crate::{
    decide::{Outcome, retry_after},
    settings::WebhookSettings,
};

/// How much of an answer is read before the connection is closed; nothing in it is used.
const ANSWER_LIMIT: usize = 16 * 1024;
/// The longest address.
const URL_LIMIT: usize = 2_000;

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
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err("no TLS provider is installed in this process".to_owned());
        }
        let mut client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("Consilium-Webhooks/", env!("CARGO_PKG_VERSION")))
            .timeout(settings.timeout);
        if !settings.allow_private_addresses {
            client = client.dns_resolver(Arc::new(PublicOnly));
        }
        let client = client.build().map_err(|error| error.to_string())?;
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

/// The address, if events may be sent there: otherwise a code and a sentence.
pub fn checked(text: &str, allow_private: bool) -> Result<Url, (&'static str, &'static str)> {
    let Ok(url) = Url::parse(text) else { return Err(("invalid", "This is not a URL.")) };
    if text.len() > URL_LIMIT {
        return Err(("too_long", "A URL has at most 2000 characters."));
    }
    if url.scheme() != "https" && !(url.scheme() == "http" && allow_private) {
        return Err(("not_https", "Events are sent over https only."));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(("invalid", "The URL must have neither a user, nor a password, nor a fragment."));
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(_)) => None,
        None => return Err(("invalid", "The URL names no host.")),
    };
    if !allow_private && address.is_some_and(|address| !is_public(address)) {
        return Err(("address_denied", "Events are not sent to private addresses."));
    }
    Ok(url)
}

/// A code for what went wrong; the error itself may hold the address.
fn describe(error: &reqwest::Error) -> &'static str {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<AddressDenied>().is_some() {
            return "address_denied";
        }
        source = cause.source();
    }
    match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() => "connection_failed",
        _ => "connection_lost",
    }
}
