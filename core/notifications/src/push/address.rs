//! Where a browser is reached, and the encryption that it alone can undo.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use consilium_egress::checked;
use consilium_kernel::FieldError;
use serde::{Deserialize, Serialize};
use web_push_native::{Auth, encrypt, p256::PublicKey};

use crate::{decide::SendError, model::PushSubscriptionId};

/// A browser that is told.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Its subscription.
    pub id: PushSubscriptionId,
    /// Where it is reached.
    pub address: BrowserAddress,
}

/// A `PushSubscription` of the W3C Push API. Whoever knows it can send to the browser, so it prints nothing of itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserAddress {
    /// Where the push service takes what is for this browser.
    pub endpoint: String,
    /// The browser's public key, base64url of an uncompressed P-256 point.
    pub p256dh: String,
    /// The secret shared with the browser, base64url of 16 bytes.
    pub auth: String,
}

impl std::fmt::Debug for BrowserAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BrowserAddress(…)")
    }
}

fn field(pointer: &str, code: &'static str, detail: &str) -> FieldError {
    FieldError { pointer: pointer.to_owned(), code: code.into(), detail: detail.to_owned() }
}

impl BrowserAddress {
    /// What is wrong with it, as far as can be told before the push service's name is looked up.
    pub fn check(&self, allow_private: bool) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        if let Err((code, detail)) = checked(&self.endpoint, allow_private) {
            wrong.push(field("/endpoint", code, detail));
        }
        if self.key().is_none() {
            wrong.push(field("/keys/p256dh", "invalid", "This is not base64url of an uncompressed P-256 point."));
        }
        if self.secret().is_none() {
            wrong.push(field("/keys/auth", "invalid", "This is not base64url of 16 bytes."));
        }
        wrong
    }

    /// The host of the push service.
    pub fn service(&self) -> String {
        url::Url::parse(&self.endpoint).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Encrypts for this browser alone.
    pub(super) fn encrypt(&self, message: Vec<u8>) -> Result<Vec<u8>, SendError> {
        let unusable = || SendError::Final("address".to_owned());
        let (key, secret) = self.key().zip(self.secret()).ok_or_else(unusable)?;
        encrypt(message, &key, &secret).map_err(|_| unusable())
    }

    fn key(&self) -> Option<PublicKey> {
        let point = BASE64URL.decode(&self.p256dh).ok().filter(|point| point.len() == 65)?;
        PublicKey::from_sec1_bytes(&point).ok()
    }

    fn secret(&self) -> Option<Auth> {
        let secret: [u8; 16] = BASE64URL.decode(&self.auth).ok()?.try_into().ok()?;
        Some(secret.into())
    }
}
