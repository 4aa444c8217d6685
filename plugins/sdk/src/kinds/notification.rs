//! `notification/1`.

use super::serves;
use crate::{Host, Plugin};
use consilium_plugin_contract::{PluginError, Reconciled, notification as n};

/// Carries messages over the channels that the operator routes to it. Implement [`crate::Webhooks`]
/// beside it to tell what arrived.
pub trait NotificationChannel: Plugin {
    /// Sends one message, once per key.
    ///
    /// # Errors
    /// `channel_unsupported`, `address_invalid`, `unsubscribed`, `message_too_long`, and what the
    /// provider says.
    fn send(&self, host: &Host<'_>, request: n::Send) -> Result<n::Sent, PluginError>;

    /// What became of a `send` with this key. Left out, nobody can tell.
    ///
    /// # Errors
    /// What the provider says.
    fn reconcile(&self, host: &Host<'_>, request: n::Reconcile) -> Result<Reconciled<n::Sent>, PluginError> {
        let _ = (host, request);
        Ok(Reconciled::unknown())
    }
}

serves!(notification: NotificationChannel { send, reconcile });
