//! What operators see of a plugin.

use super::{BreakerState, Phase, Supervisor};
use crate::{
    Isolation, PluginConfig,
    border::{Link, Sandbox},
};
use consilium_plugin_contract::{ContractId, Health};
use serde::Serialize;

/// One configured plugin as it is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PluginInfo {
    /// Id of this instance, from the configuration.
    pub id: String,
    /// Id of the plugin, from its manifest; empty when it was never read.
    pub plugin: String,
    /// Version of the plugin.
    pub version: String,
    /// Contracts it fulfils.
    pub kinds: Vec<ContractId>,
    /// Where its code runs.
    pub isolation: Isolation,
    /// Whether it serves.
    pub state: PluginState,
    /// Its child process, while there is one.
    pub pid: Option<u32>,
    /// How that process is confined, in its own words; none before it has started.
    pub sandbox: Option<Sandbox>,
    /// Whether calls pass.
    pub breaker: BreakerState,
    /// What it said of itself last.
    pub health: Option<Health>,
    /// Calls taken since the server started.
    pub calls: u64,
    /// Those that failed through the plugin or its provider.
    pub failures: u64,
    /// Times it was restarted after a crash.
    pub restarts: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Whether a plugin serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginState {
    /// Serving.
    Running,
    /// Being started or restarted; calls wait.
    Starting,
    /// Crashed too often; an operator has to resume it.
    Quarantined,
    /// Refused, or ended with the server.
    Stopped,
}

impl PluginInfo {
    /// A plugin that was not started.
    pub(crate) fn refused(config: &PluginConfig, reason: String) -> Self {
        Self {
            id: config.id.clone(),
            plugin: String::new(),
            version: String::new(),
            kinds: Vec::new(),
            isolation: config.isolation,
            state: PluginState::Stopped,
            pid: None,
            sandbox: None,
            breaker: BreakerState::Closed,
            health: None,
            calls: 0,
            failures: 0,
            restarts: 0,
            last_error: Some(reason),
        }
    }
}

impl Supervisor {
    pub(super) fn describe(&self) -> PluginInfo {
        let manifest = &self.setup.manifest;
        PluginInfo {
            id: self.setup.id.clone(),
            plugin: manifest.id.clone(),
            version: manifest.version.clone(),
            kinds: manifest.kinds.clone(),
            isolation: self.setup.isolation,
            state: match self.phase {
                Phase::Starting => PluginState::Starting,
                Phase::Running => PluginState::Running,
                Phase::Quarantined => PluginState::Quarantined,
                Phase::Draining | Phase::Stopped => PluginState::Stopped,
            },
            pid: self.link.as_ref().and_then(Link::pid),
            sandbox: self.sandbox.clone(),
            breaker: self.breaker.state(std::time::Instant::now()),
            health: self.health.clone(),
            calls: self.calls,
            failures: self.failures,
            restarts: self.restarts,
            last_error: self.last_error.clone(),
        }
    }
}
