//! The channel of web push: a short message, encrypted for one browser (RFC 8291), handed to its push service (RFC 8030)
//! by a server that says who it is (RFC 8292).

mod address;
mod message;
mod service;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use consilium_db::PushKey;
use consilium_egress::{checked, describe, retry_after};
use consilium_kernel::Clock;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, Response, Url, header};
use serde::Serialize;

use crate::{
    decide::SendError,
    model::Channel,
    notifier::{Outgoing, Transport},
    settings::{PushSettings, SettingsError},
};

pub use address::{Browser, BrowserAddress};

/// How long a push service may believe our signature; RFC 8292 allows a day.
const BELIEVED: SignedDuration = SignedDuration::from_hours(12);

/// Sends to push services.
pub struct Pusher {
    client: Client,
    clock: Arc<dyn Clock>,
    key: EncodingKey,
    public: String,
    settings: PushSettings,
}

/// Who sends, and to which service (RFC 8292, section 2).
#[derive(Serialize)]
struct Claims<'a> {
    aud: String,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
}

impl Pusher {
    /// # Errors
    /// When no TLS is to be had.
    pub fn new(key: &PushKey, settings: PushSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let agent = concat!("Consilium-Push/", env!("CARGO_PKG_VERSION"));
        let client = consilium_egress::client(agent, settings.timeout, settings.allow_private_addresses)
            .map_err(|reason| SettingsError::new("push", reason))?;
        let signing = EncodingKey::from_ec_der(&key.pkcs8);
        Ok(Self { client, clock, key: signing, public: BASE64URL.encode(&key.public), settings })
    }

    async fn post(&self, outgoing: &Outgoing, browser: &Browser) -> Result<(), SendError> {
        // Looked at again: what was allowed when the browser subscribed may not be any more.
        let url = checked(&browser.address.endpoint, self.settings.allow_private_addresses)
            .map_err(|(code, _)| SendError::Final(code.to_owned()))?;
        let request = self
            .client
            .post(url.clone())
            .header(header::AUTHORIZATION, self.vapid(&url)?)
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header("TTL", message::seconds_to_live(outgoing.expires_at, self.clock.now()))
            .header("Urgency", message::urgency(outgoing.kind))
            .header("Topic", outgoing.entity_id.simple().to_string())
            .body(browser.address.encrypt(message::body(outgoing.id, &outgoing.payload.content))?);
        let response = request.send().await.map_err(|error| SendError::Passing(describe(&error).to_owned()))?;
        self.judge(&response)
    }

    /// What the answer means (RFC 8030, sections 5 and 7.3).
    fn judge(&self, response: &Response) -> Result<(), SendError> {
        let status = response.status();
        let code = format!("push_{}", status.as_u16());
        let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let asked = asked.and_then(|text| retry_after(text, self.clock.now()));
        match (status.as_u16(), asked) {
            (200..=299, _) => Ok(()),
            (404 | 410, _) => Err(SendError::Gone(code)),
            (429 | 500..=599, Some(wait)) => Err(SendError::NotBefore(code, wait)),
            (408 | 429 | 500..=599, None) => Err(SendError::Passing(code)),
            _ => Err(SendError::Final(code)),
        }
    }

    /// The `Authorization` header (RFC 8292, section 3).
    fn vapid(&self, url: &Url) -> Result<String, SendError> {
        let exp = self.clock.now().as_second() + BELIEVED.as_secs();
        let claims = Claims { aud: url.origin().ascii_serialization(), exp, sub: self.settings.contact.as_deref() };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key)
            .map_err(|_| SendError::Final("vapid".to_owned()))?;
        Ok(format!("vapid t={token}, k={}", self.public))
    }
}

#[async_trait::async_trait]
impl Transport for Pusher {
    fn channel(&self) -> Channel {
        Channel::Push
    }

    fn time_limit(&self) -> Duration {
        self.settings.timeout
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<(), SendError> {
        match &outgoing.browser {
            Some(browser) => self.post(outgoing, browser).await,
            None => Err(SendError::Final("no_address".to_owned())),
        }
    }
}
