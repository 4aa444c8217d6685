//! The Rust code of `docs/webhooks.md`, so that it is compiled; a test compares the two.

use reqwest::header::HeaderMap; // or that of the crate `http`, which is the same
use standardwebhooks::{Webhook, WebhookError};

pub fn verify(secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
    Webhook::new(secret)?.verify(body, headers)
}
