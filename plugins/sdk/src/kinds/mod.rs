//! What a plugin of each kind implements. Every call may run on several threads at once.

mod analytics;
mod assistant;
mod notification;
mod payment;
mod pharmacy;
mod subscriber;
mod video;
mod webhook;

pub use analytics::{AnalyticsSink, analytics};
pub use assistant::{Assistant, assistant};
pub use notification::{NotificationChannel, notification};
pub use payment::{PaymentProvider, payment};
pub use pharmacy::{PharmacyGateway, pharmacy};
pub use subscriber::{EventSubscriber, events};
pub use video::{VideoProvider, video};
pub use webhook::{Webhooks, webhook};

use crate::{Host, HostApi};
use consilium_plugin_contract::{Call, Health, HealthCheck, PluginError};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// What every plugin implements.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// Its configuration. The JSON Schema is derived from it and checked by the host, so doc
    /// comments on the fields are what operators read.
    type Config: DeserializeOwned + JsonSchema;

    /// Makes the plugin. It must not wait for its provider here.
    ///
    /// # Errors
    /// Why this configuration cannot work. Retryable errors are tried again later.
    fn create(config: Self::Config, host: &Host<'_>) -> Result<Self, PluginError>;

    /// How the plugin and its provider are doing, within two seconds.
    ///
    /// # Errors
    /// Counts as not healthy.
    fn health(&self, host: &Host<'_>) -> Result<Health, PluginError> {
        let _ = host;
        Ok(Health::ok())
    }

    /// Nobody waits for `call_id` any more. Most plugins look at [`Host::is_cancelled`] instead.
    fn on_cancel(&self, call_id: u64) {
        let _ = call_id;
    }
}

/// Why a call has no reply.
#[doc(hidden)]
pub enum Failure {
    /// The plugin said no.
    Refused(PluginError),
    /// The request does not parse, or its method is unknown.
    Invalid(PluginError),
}

/// A call on its way to the method that serves it.
#[doc(hidden)]
pub struct Incoming<'a> {
    pub api: &'a dyn HostApi,
    pub call_id: u64,
    pub method: &'a str,
    pub request: &'a [u8],
}

impl Incoming<'_> {
    /// Serves the call if it is a `C`.
    pub(crate) fn serve<C: Call>(
        &self,
        handler: impl FnOnce(&Host<'_>, C) -> Result<C::Reply, PluginError>,
    ) -> Option<Result<Vec<u8>, Failure>> {
        (self.method == C::METHOD).then(|| {
            let request = serde_json::from_slice(self.request).map_err(|e| self.invalid(&e))?;
            let host = Host::new(self.api, self.call_id);
            let reply = handler(&host, request).map_err(Failure::Refused)?;
            serde_json::to_vec(&reply).map_err(|e| self.invalid(&e))
        })
    }

    fn invalid(&self, error: &serde_json::Error) -> Failure {
        Failure::Invalid(PluginError::permanent("malformed", format!("{}: {error}", self.method)))
    }
}

#[doc(hidden)]
pub type Served = Option<Result<Vec<u8>, Failure>>;

/// Serves the calls that every plugin answers.
#[doc(hidden)]
pub fn plugin<P: Plugin>(plugin: &P, incoming: &Incoming<'_>) -> Served {
    incoming.serve(|host, _: HealthCheck| plugin.health(host))
}

/// Makes the function by which [`crate::export_plugin!`] serves the calls of a kind.
macro_rules! serves {
    ($kind:ident: $interface:ident { $($call:ident),+ $(,)? }) => {
        /// Serves the calls of the kind.
        #[doc(hidden)]
        pub fn $kind<P: $interface>(plugin: &P, incoming: &$crate::kinds::Incoming<'_>) -> $crate::kinds::Served {
            None$(.or_else(|| incoming.serve(|host, request| plugin.$call(host, request))))+
        }
    };
}
pub(crate) use serves;
