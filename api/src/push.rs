//! Web push, out of the configuration.

use std::{sync::Arc, time::Duration};

use consilium_db::Db;
use consilium_notifications::{PushSettings, Pusher, Transport};

use crate::config::Config;

/// How browsers are told.
pub fn settings(config: &Config) -> PushSettings {
    let set = &config.push;
    let contact = if set.contact.is_empty() { &config.server.base_url } else { &set.contact };
    PushSettings {
        contact: Some(contact.clone()).filter(|contact| is_contact(contact)),
        allow_private_addresses: set.allow_private_addresses,
        timeout: Duration::from_secs(set.timeout_seconds),
        max_subscriptions: usize::try_from(set.max_subscriptions).unwrap_or(usize::MAX),
    }
}

/// Whether push services may be told it (RFC 8292, 2.1).
pub fn is_contact(text: &str) -> bool {
    text.starts_with("mailto:") || text.starts_with("https://")
}

/// What sends to push services; `None` without a key for it.
pub fn pusher(config: &Config, db: &Db) -> anyhow::Result<Option<Arc<dyn Transport>>> {
    let Some(key) = &db.vault().keys().push_signing else {
        tracing::warn!("there is no push-signing.key: browsers are not told by web push");
        return Ok(None);
    };
    Ok(Some(Arc::new(Pusher::new(key, settings(config), db.clock().clone())?)))
}
