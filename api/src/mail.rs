//! Outgoing mail, out of the configuration.

use std::{path::PathBuf, sync::Arc};

use consilium_notifications::{Mailer, NotificationSettings, SmtpSettings, Templates, Transport};
use secrecy::SecretString;

use crate::config::Config;

/// How messages are sent, so many of them at once.
pub fn settings(config: &Config, concurrency: u32) -> NotificationSettings {
    NotificationSettings { templates: templates(config), concurrency, ..NotificationSettings::default() }
}

/// The mailer; `None` without a mail server, so that mail waits in the queue.
pub fn mailer(config: &Config, base_url: &str) -> anyhow::Result<Option<Arc<dyn Transport>>> {
    if config.smtp.url.is_empty() {
        tracing::warn!("smtp.url is empty: mail waits in the queue and is not sent");
        return Ok(None);
    }
    let templates = Templates::load(templates(config).as_deref())?;
    Ok(Some(Arc::new(Mailer::new(&smtp(config), templates, &base_url.parse()?)?)))
}

/// The mail server.
pub fn smtp(config: &Config) -> SmtpSettings {
    let set = &config.smtp;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    SmtpSettings {
        url: given(&set.url).map(SecretString::from),
        from: set.from.clone(),
        reply_to: given(&set.reply_to),
        timeout_seconds: set.timeout_seconds,
        ca_file: given(&set.ca_file).map(PathBuf::from),
    }
}

/// The folder of templates of the operator's own.
pub fn templates(config: &Config) -> Option<PathBuf> {
    Some(&config.smtp.templates).filter(|path| !path.is_empty()).map(PathBuf::from)
}
