//! Outbound webhooks, out of the configuration.

use std::{sync::Arc, time::Duration};

use consilium_db::Db;
use consilium_webhooks::{Dispatcher, HttpTransport, WebhookSettings, Webhooks};
use jiff::SignedDuration;

use crate::config::Config;

/// How events are told to subscribers.
pub fn settings(config: &Config) -> WebhookSettings {
    let set = &config.webhooks;
    let days = |days: u32| SignedDuration::from_hours(i64::from(days) * 24);
    WebhookSettings {
        allow_private_addresses: set.allow_private_addresses,
        timeout: Duration::from_secs(set.timeout_seconds),
        concurrency: usize::try_from(set.concurrency).unwrap_or(1),
        disable_after: days(set.disable_after_days),
        keep: days(set.keep_days),
        max_subscriptions: usize::try_from(set.max_subscriptions).unwrap_or(usize::MAX),
        ..WebhookSettings::default()
    }
}

/// What sends them.
pub fn dispatcher(config: &Config, db: &Db, webhooks: &Webhooks) -> anyhow::Result<Arc<Dispatcher>> {
    let transport = HttpTransport::new(&settings(config), db.clock().clone()).map_err(anyhow::Error::msg)?;
    Ok(webhooks.dispatcher(Arc::new(transport)))
}
