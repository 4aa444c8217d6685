//! `webhook/1`.

use super::serves;
use crate::{Host, Plugin};
use consilium_plugin_contract::{PluginError, webhook as w};

/// What the provider posts to the platform. Any plugin may add it to its kinds.
pub trait Webhooks: Plugin {
    /// Says whether a request is the provider's, and which delivery it is. Quick and without any
    /// effect: the provider waits for it.
    ///
    /// # Errors
    /// `webhook_forged`, `webhook_stale`, `webhook_malformed`.
    fn verify(&self, host: &Host<'_>, request: w::Verify) -> Result<w::Verified, PluginError>;

    /// Says what a verified delivery means. Called later, and possibly more than once.
    ///
    /// # Errors
    /// Retryable ones are tried again; after any other the delivery is set aside.
    fn read(&self, host: &Host<'_>, request: w::Read) -> Result<w::WebhookFacts, PluginError>;
}

serves!(webhook: Webhooks { verify, read });
