//! What an operator says about notifications and the mail server.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// How messages are sent, whatever the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationSettings {
    /// A folder of templates that replace built-in ones or add languages: `<language>/<kind>.{subject,txt,html}.j2`.
    pub templates: Option<PathBuf>,
    /// Attempts before a message is given up and shown as dead; the waits between them grow from 10 s to an hour.
    pub max_attempts: u32,
    /// Messages sent at the same time, per channel.
    pub concurrency: u32,
    /// Milliseconds between looks for due messages.
    pub poll_ms: u64,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self { templates: None, max_attempts: 30, concurrency: 4, poll_ms: 500 }
    }
}

/// The mail server that takes our mail.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpSettings {
    /// `smtp://user:password@host:587` (STARTTLS required) or `smtps://user:password@host:465` (TLS from the first
    /// byte). `smtp://…?tls=none` sends in the clear; a server on this very machine (localhost) may do without TLS.
    /// Special characters in user and password are percent-encoded. Without a URL no mail is sent, and what is due
    /// waits until it expires.
    #[serde(skip_serializing)]
    pub url: Option<SecretString>,
    /// The sender, `Name <address>`; the name is also what the product calls itself in mails.
    pub from: String,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// Seconds that handing over one mail may take, from connecting to the server's last answer.
    pub timeout_seconds: u64,
    /// A PEM file with the certificate of a private authority that the mail server's certificate comes from.
    pub ca_file: Option<PathBuf>,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self {
            url: None,
            from: "Consilium <no-reply@localhost.localdomain>".to_owned(),
            reply_to: None,
            timeout_seconds: 30,
            ca_file: None,
        }
    }
}

/// How browsers are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushSettings {
    /// `mailto:` or `https:`, for push services that want to write to the operator (RFC 8292, 2.1).
    pub contact: Option<String>,
    /// Whether push services may have private and loopback addresses, and be without TLS.
    pub allow_private_addresses: bool,
    /// What one attempt may take.
    pub timeout: std::time::Duration,
    /// Browsers that somebody may have; a further one takes the place of the oldest.
    pub max_subscriptions: usize,
}

impl Default for PushSettings {
    fn default() -> Self {
        Self {
            contact: None,
            allow_private_addresses: false,
            timeout: std::time::Duration::from_secs(15),
            max_subscriptions: 10,
        }
    }
}

/// A setting that cannot be used. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct SettingsError {
    /// Which setting: `smtp.url`.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl SettingsError {
    pub(crate) fn new(key: &'static str, reason: impl Into<String>) -> Self {
        Self { key, reason: reason.into() }
    }
}
