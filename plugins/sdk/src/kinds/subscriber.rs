//! `events/1`.

use super::serves;
use crate::{Host, Plugin};
use consilium_plugin_contract::{PluginError, subscriber as s};

/// Is told what happens on the platform.
pub trait EventSubscriber: Plugin {
    /// Takes a batch. A repeated event must not have a second effect: its id stays the same.
    ///
    /// # Errors
    /// Retryable: the batch comes again. Any other stops the delivery until an operator looks.
    fn on_events(&self, host: &Host<'_>, request: s::OnEvents) -> Result<s::EventsTaken, PluginError>;
}

serves!(events: EventSubscriber { on_events });
