//! The e-mail channel: words from templates, an invite for the calendar, handed to a mail server.

mod calendar;
mod compose;
mod smtp;
mod templates;
#[cfg(test)]
mod tests;
mod words;

use std::{path::Path, time::Duration};

use url::Url;

use crate::{
    decide::SendError,
    model::Channel,
    notifier::{Outgoing, Transport},
    settings::{SettingsError, SmtpSettings},
};
use compose::Composer;

pub use templates::Templates;

/// Sends e-mail through a mail server.
pub struct Mailer {
    composer: Composer,
    server: smtp::Server,
    time_limit: Duration,
}

impl Mailer {
    /// # Errors
    /// The first setting that cannot be used; without `smtp.url` there is no mailer to make.
    pub fn new(settings: &SmtpSettings, templates: Templates, base_url: &Url) -> Result<Self, SettingsError> {
        Ok(Self {
            composer: Composer::new(settings, templates, base_url.clone())?,
            server: smtp::Server::new(settings)?,
            time_limit: Duration::from_secs(settings.timeout_seconds.max(1)),
        })
    }

    /// Says what is wrong with the settings without connecting to anything. For `check-config`.
    pub fn check(settings: &SmtpSettings, templates: Option<&Path>, base_url: &Url) -> Vec<SettingsError> {
        let composed =
            Templates::load(templates).and_then(|templates| Composer::new(settings, templates, base_url.clone()));
        let server = settings.url.as_ref().map_or(Ok(()), |_| smtp::Server::new(settings).map(|_| ()));
        [composed.err(), server.err()].into_iter().flatten().collect()
    }
}

#[async_trait::async_trait]
impl Transport for Mailer {
    fn channel(&self) -> Channel {
        Channel::Email
    }

    fn time_limit(&self) -> Duration {
        self.time_limit
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<(), SendError> {
        let message = self.composer.compose(outgoing)?;
        self.server.send(&message).await
    }
}
