//! The e-mail channel: words from templates, an invite for the calendar, handed to a mail server.

mod calendar;
mod compose;
mod smtp;
mod templates;
mod words;

use std::{path::Path, sync::Arc, time::Duration};

use lettre::AsyncTransport;
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
    composer: Arc<Composer>,
    server: smtp::Server,
    time_limit: Duration,
}

impl Mailer {
    /// Must be called inside a runtime, in which its connections will live.
    ///
    /// # Errors
    /// The first setting that cannot be used; without `smtp.url` there is no mailer to make.
    pub fn new(settings: &SmtpSettings, templates: Templates, base_url: &Url) -> Result<Self, SettingsError> {
        Ok(Self {
            composer: Arc::new(Composer::new(settings, templates, base_url.clone())?),
            server: smtp::server(settings)?,
            time_limit: Duration::from_secs(settings.timeout_seconds.max(1)),
        })
    }

    /// Says what is wrong with the settings without connecting to anything.
    pub fn check(settings: &SmtpSettings, templates: Option<&Path>, base_url: &Url) -> Vec<SettingsError> {
        let composed =
            Templates::load(templates).and_then(|templates| Composer::new(settings, templates, base_url.clone()));
        let server = settings.url.as_ref().map_or(Ok(()), |_| smtp::address(settings).map(|_| ()));
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
        match self.server.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(smtp::judge(&error)),
        }
    }
}
