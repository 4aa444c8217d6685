//! How a plugin, or a host service, says no.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A failed call: a stable machine code, whether trying again may help, and a sentence for operators.
///
/// The message is written to logs and shown to operators, so it must not hold patient data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PluginError {
    /// Stable, lower snake case: `room_unknown`, `pharmacy_unreachable`.
    pub code: String,
    /// True when the same call may succeed later.
    pub retryable: bool,
    /// One sentence without patient data.
    pub message: String,
    /// When the provider says after how many seconds to ask again (`Retry-After` of HTTP). The host does not ask
    /// earlier, and neither does whoever repeats the call. Of a retryable error only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
}

impl PluginError {
    /// An error that will come again with the same request.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), retryable: false, message: message.into(), retry_after_seconds: None }
    }

    /// The answer to an optional call that this plugin does not offer: code `not_supported`.
    #[must_use]
    pub fn not_supported(method: &str) -> Self {
        Self::permanent("not_supported", format!("this plugin does not offer {method}"))
    }

    /// An error that may go away: the provider is down, busy or slow.
    pub fn retryable(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), retryable: true, message: message.into(), retry_after_seconds: None }
    }

    /// The same, with the number of seconds after which the provider wants to be asked again.
    #[must_use]
    pub fn after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for PluginError {}
