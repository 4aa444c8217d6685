//! The messages that cross the plugin border: one module per plugin kind, one for what plugins may
//! ask of the host, and the manifest in which a plugin says what it is.
//!
//! Everything here is data. Both sides ignore fields they do not know, so a minor version may add
//! optional fields and new calls; anything else needs a new contract version of its kind, and an
//! adapter in [`versions`] for plugins of the one before. The files in `tests/golden` pin the JSON of
//! every message, those in `tests/former` what plugins of replaced contracts say.

pub mod analytics;
pub mod assistant;
pub mod blob;
mod error;
mod event;
mod feature;
pub mod fhir;
pub mod host;
mod manifest;
pub mod notification;
pub mod payment;
pub mod pharmacy;
mod plugin;
mod reconcile;
#[cfg(feature = "schema")]
pub mod reference;
pub mod subscriber;
mod value;
pub mod versions;
pub mod video;
pub mod webhook;

pub use error::PluginError;
pub use event::{Entity, Event};
pub use feature::Feature;
pub use manifest::{
    BlobPermission, ContractId, ContractIdError, KvPermission, Manifest, Permissions, SecretSpec, SecretUse,
    WebhookSpec,
};
pub use plugin::{Health, HealthCheck, HealthStatus};
pub use reconcile::{Outcome, Reconciled};
pub use value::{Bytes, Money, Sensitive};

use serde::{Serialize, de::DeserializeOwned};

/// Largest payload, in bytes, that may cross the border in either direction.
pub const MAX_PAYLOAD: usize = 4 * 1024 * 1024;

/// A request with the name it travels under and the reply it is answered with.
pub trait Call: Serialize + DeserializeOwned + Send + 'static {
    /// `kind.call`, such as `video.create_room`.
    const METHOD: &'static str;
    /// What a successful call answers.
    type Reply: Serialize + DeserializeOwned + Send + 'static;

    /// Drops what the plugin's manifest does not let it see; the host does this before it sends.
    fn restrict(&mut self, permissions: &Permissions) {
        let _ = permissions;
    }

    /// The part of the method before the dot: the plugin kind, `plugin` or `host`.
    #[must_use]
    fn kind() -> &'static str {
        Self::METHOD.split('.').next().unwrap_or_default()
    }
}

/// Ties a request type to its method name and reply.
macro_rules! calls {
    ($($request:ty => $method:literal -> $reply:ty),+ $(,)?) => {
        $(impl $crate::Call for $request {
            const METHOD: &'static str = $method;
            type Reply = $reply;
        })+
    };
}
pub(crate) use calls;
