//! Webhooks of the pharmacy: believed only with a fresh, genuine signature.

use consilium_plugin_sdk::{
    Host, PluginError,
    contract::{
        Bytes,
        pharmacy::{Dispatch, DispatchStatus},
        webhook::{Verified, Verify, WebhookEvent, WebhookFacts},
    },
};
use jiff::Timestamp;
use ring::hmac;
use serde::Deserialize;

/// As in the manifest.
const REPLAY_WINDOW_SECONDS: i64 = 300;
const HEADER: &str = "x-signature";

/// What the pharmacy posts.
#[derive(Deserialize)]
struct Notice {
    /// Unique per notice; a repeated delivery keeps it.
    id: String,
    reference: String,
    status: DispatchStatus,
    occurred_at: Timestamp,
}

pub(crate) fn verify(host: &Host<'_>, request: &Verify) -> Result<Verified, PluginError> {
    let signed_at = signature(host, request)?;
    if (request.received_at.as_second() - signed_at).abs() > REPLAY_WINDOW_SECONDS {
        return Err(PluginError::permanent("webhook_stale", "the signature is too old, or from the future"));
    }
    Ok(Verified { delivery_id: notice(&request.body)?.id, reply: None })
}

pub(crate) fn read(body: &Bytes) -> Result<WebhookFacts, PluginError> {
    let Notice { reference, status, occurred_at, .. } = notice(body)?;
    let update = Dispatch { reference, status, updated_at: Some(occurred_at) };
    Ok(WebhookFacts { events: vec![WebhookEvent::PrescriptionStatus(update)] })
}

fn notice(body: &Bytes) -> Result<Notice, PluginError> {
    let malformed = |e: String| PluginError::permanent("webhook_malformed", e);
    let notice: Notice = serde_json::from_slice(&body.0).map_err(|e| malformed(e.to_string()))?;
    if notice.id.is_empty() || notice.id.len() > 128 {
        return Err(malformed("id has 1 to 128 bytes".to_owned()));
    }
    super::checked(&notice.reference)?;
    Ok(notice)
}

/// Checks the signature and answers when it was made.
fn signature(host: &Host<'_>, request: &Verify) -> Result<i64, PluginError> {
    let forged = || PluginError::permanent("webhook_forged", "the signature is missing or wrong");
    let header = request.headers.get(HEADER).ok_or_else(forged)?;
    let field = |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let time = field("t").ok_or_else(forged)?;
    let signature = field("v1").and_then(|text| hex::decode(text).ok()).ok_or_else(forged)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, host.secret("webhook_secret")?.expose().as_bytes());
    let signed = [time.as_bytes(), b".", &request.body.0].concat();
    // Compares in constant time.
    hmac::verify(&key, &signed, &signature).map_err(|_| forged())?;
    time.parse().map_err(|_| forged())
}
