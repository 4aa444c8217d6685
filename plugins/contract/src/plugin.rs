//! Calls that every plugin answers, whatever its kind.

use crate::calls;
use serde::{Deserialize, Serialize};

/// Asks how the plugin and its provider are doing; answered within two seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthCheck {}

/// The answer to a health check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// The verdict.
    pub status: HealthStatus,
    /// One sentence for operators when it is not `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Health {
    /// All is well.
    #[must_use]
    pub fn ok() -> Self {
        Self { status: HealthStatus::Ok, detail: None }
    }
}

/// How well a plugin can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Serving.
    Ok,
    /// Serving, with limits named in the detail.
    Degraded,
    /// Not serving.
    Down,
}

calls!(HealthCheck => "plugin.health" -> Health);
