//! Secrets and signatures, as Standard Webhooks has them
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>): the secret is
//! `whsec_` and base64; the signature is `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// What a secret begins with, so that it is recognised where it should not be.
const PREFIX: &str = "whsec_";
/// Random bytes of a secret; the standard asks for 24 to 64.
const LENGTH: usize = 32;

/// The key that subscription and subscriber share. Prints nothing of itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A new one; `None` when the machine has no random numbers.
    pub fn generate() -> Option<Self> {
        let mut bytes = zeroize::Zeroizing::new([0u8; LENGTH]);
        SystemRandom::new().fill(bytes.as_mut()).ok()?;
        Some(Self(format!("{PREFIX}{}", STANDARD.encode(bytes.as_ref()))))
    }

    /// For whoever may see it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The bytes that sign.
    fn key(&self) -> Option<hmac::Key> {
        let bytes = zeroize::Zeroizing::new(STANDARD.decode(self.0.strip_prefix(PREFIX)?).ok()?);
        Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The header `webhook-signature`: a signature for each secret, the newest first, with spaces between.
pub fn sign<'a>(secrets: impl IntoIterator<Item = &'a Secret>, id: &str, at: Timestamp, body: &str) -> String {
    let signed = format!("{id}.{}.{body}", at.as_second());
    let signatures = secrets.into_iter().filter_map(Secret::key).map(|key| {
        let tag = hmac::sign(&key, signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag.as_ref()))
    });
    signatures.collect::<Vec<_>>().join(" ")
}
