//! What operators see of a plugin.

use super::{Phase, Supervisor};
use crate::{
    Isolation, PluginConfig,
    border::Sandbox,
    generation::Adapted,
    lane::{BreakerState, Resting},
};
use consilium_kernel::Timestamp;
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
    /// Those of them that are of an older version, and spoken through an adapter.
    pub adapted: Vec<Adapted>,
    /// Where its code runs.
    pub isolation: Isolation,
    /// Whether it serves.
    pub state: PluginState,
    /// Its child process, while there is one.
    pub pid: Option<u32>,
    /// How that process is confined, in its own words; none before it has started.
    pub sandbox: Option<Sandbox>,
    /// Counts its starts, restarts and swaps included; 0 when it never started.
    pub generation: u64,
    /// SHA-256 of the library that serves, in hex; empty when it was never read.
    pub library_sha256: String,
    /// Whether calls pass.
    pub breaker: BreakerState,
    /// Methods that are not called for now, because the provider asked to be left alone.
    pub resting: Vec<Resting>,
    /// What it said of itself last.
    pub health: Option<Health>,
    /// Calls taken since the server started.
    pub calls: u64,
    /// Those that failed through the plugin or its provider.
    pub failures: u64,
    /// Times it was restarted after a crash.
    pub restarts: u64,
    /// Times it was replaced while it served.
    pub swaps: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// What an operator has to look at.
    pub alerts: Vec<Alert>,
}

/// Something that does not mend itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// `plugin_quarantined` or `plugin_stopped`.
    pub code: &'static str,
    /// What happened; for operators.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
}

impl Alert {
    pub(crate) fn new(code: &'static str, message: String, since: Timestamp) -> Self {
        Self { code, message, since }
    }
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
    pub(crate) fn refused(config: &PluginConfig, reason: String, since: Timestamp) -> Self {
        Self {
            id: config.id.clone(),
            plugin: String::new(),
            version: String::new(),
            kinds: Vec::new(),
            adapted: Vec::new(),
            isolation: config.isolation,
            state: PluginState::Stopped,
            pid: None,
            sandbox: None,
            generation: 0,
            library_sha256: String::new(),
            breaker: BreakerState::Closed,
            resting: Vec::new(),
            health: None,
            calls: 0,
            failures: 0,
            restarts: 0,
            swaps: 0,
            alerts: vec![Alert::new("plugin_stopped", reason.clone(), since)],
            last_error: Some(reason),
        }
    }
}

impl Supervisor {
    pub(super) fn describe(&self) -> PluginInfo {
        let manifest = &self.build.manifest;
        let (tally, breaker, resting) = self.lane.tally();
        PluginInfo {
            id: self.id.clone(),
            plugin: manifest.id.clone(),
            version: manifest.version.clone(),
            kinds: manifest.kinds.clone(),
            adapted: Adapted::of(manifest),
            isolation: self.isolation,
            state: match self.phase {
                Phase::Starting => PluginState::Starting,
                Phase::Running => PluginState::Running,
                Phase::Quarantined => PluginState::Quarantined,
                Phase::Draining | Phase::Stopped => PluginState::Stopped,
            },
            pid: self.current.and_then(|number| self.generation(number)).and_then(|current| current.link.pid()),
            sandbox: self.current.and_then(|number| self.generations.get(&number)?.sandbox.clone()),
            generation: self.current.unwrap_or(self.number),
            library_sha256: self.build.sha256.clone(),
            breaker,
            resting,
            health: self.health.clone(),
            calls: tally.calls,
            failures: tally.failures,
            restarts: self.restarts,
            swaps: self.swaps,
            last_error: tally.last_error,
            alerts: self.alert.iter().cloned().collect(),
        }
    }
}
