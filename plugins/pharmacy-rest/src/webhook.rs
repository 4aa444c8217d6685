//! Webhooks of the pharmacy: believed only with a fresh, genuine signature, and only once.

use consilium_plugin_sdk::{
    Host, PluginError,
    contract::{
        host::{KvList, KvWrite},
        pharmacy::{Dispatch, DispatchStatus, Webhook, WebhookAccepted},
    },
};
use jiff::Timestamp;
use ring::hmac;
use serde::Deserialize;
use serde_json::json;

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

pub(crate) fn accept(host: &Host<'_>, request: &Webhook) -> Result<WebhookAccepted, PluginError> {
    let signed_at = verify(host, request)?;
    let now = request.received_at.as_second();
    if (now - signed_at).abs() > REPLAY_WINDOW_SECONDS {
        return Err(PluginError::permanent("webhook_stale", "the signature is too old, or from the future"));
    }
    let malformed = |e: String| PluginError::permanent("webhook_malformed", e);
    let notice: Notice = serde_json::from_slice(&request.body.0).map_err(|e| malformed(e.to_string()))?;
    if notice.id.is_empty() || notice.id.len() > 128 {
        return Err(malformed("id has 1 to 128 bytes".to_owned()));
    }
    super::checked(&notice.reference)?;
    let mut writes = forget_old(host, now)?;
    let seen = format!("seen/{}", notice.id);
    if host.kv_get(&seen)?.is_some() {
        return Ok(WebhookAccepted { updates: Vec::new(), writes });
    }
    writes.push(KvWrite { key: seen.clone(), value: Some(json!(now)), expected: Some(0) });
    // Twelve digits, so that keys sort by time.
    let due = format!("due/{:012}/{}", now + 2 * REPLAY_WINDOW_SECONDS, notice.id);
    writes.push(KvWrite { key: due, value: Some(json!(seen)), expected: None });
    let update = Dispatch { reference: notice.reference, status: notice.status, updated_at: Some(notice.occurred_at) };
    Ok(WebhookAccepted { updates: vec![update], writes })
}

/// Checks the signature and answers when it was made.
fn verify(host: &Host<'_>, request: &Webhook) -> Result<i64, PluginError> {
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

/// Frees the keys of notices that are stale by now, a few at a time.
fn forget_old(host: &Host<'_>, now: i64) -> Result<Vec<KvWrite>, PluginError> {
    let due = host.kv_list(&KvList { prefix: "due/".to_owned(), from: None, limit: 20 })?;
    let until = format!("due/{now:012}");
    let delete = |key: String| KvWrite { key, value: None, expected: None };
    let old = due.into_iter().take_while(|entry| entry.key < until);
    let keys = old.flat_map(|entry| [entry.value.as_str().map(str::to_owned), Some(entry.key)]);
    Ok(keys.flatten().map(delete).collect())
}
