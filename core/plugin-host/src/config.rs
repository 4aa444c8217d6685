//! What an operator says about plugins in general and about each one.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

/// Limits for all plugins. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where copies of libraries are kept, named by their SHA-256.
    pub cache_directory: PathBuf,
    /// Program and first arguments of the child process; this program's `plugin-host` when empty.
    pub child_command: Vec<String>,
    /// Calls that run at the same time, per plugin.
    pub max_running: usize,
    /// Calls that wait for their turn, per plugin; more are refused as `busy`.
    pub max_waiting: usize,
    /// How long a call may run, and how long it may wait for its turn.
    pub call_timeout_ms: u64,
    /// How long a health check may run.
    pub health_timeout_ms: u64,
    /// Time between health checks.
    pub health_interval_ms: u64,
    /// How long a cancelled call may take to return before its process is killed.
    pub cancel_grace_ms: u64,
    /// How long a plugin may take to load and be created.
    pub start_timeout_ms: u64,
    /// How long running calls may take when the host shuts down.
    pub drain_timeout_ms: u64,
    /// The breaker looks at this many calls; half of them failing opens it.
    pub breaker_window: usize,
    /// How long an open breaker refuses calls before it lets one try.
    pub breaker_open_ms: u64,
    /// How long calls of a method are kept away at most from a provider that asks to be left alone.
    pub longest_rest_ms: u64,
    /// Wait before the first restart; doubled with each further crash.
    pub restart_backoff_ms: u64,
    /// Longest wait before a restart.
    pub restart_backoff_max_ms: u64,
    /// This many crashes within `crash_window_ms` quarantine a plugin.
    pub max_crashes: usize,
    /// How long a crash counts.
    pub crash_window_ms: u64,
    /// Calls that never returned, in-process, before the plugin is quarantined.
    pub max_abandoned: usize,
    /// Memory of a child process in MiB, unless its plugin has a limit of its own.
    pub memory_limit_mib: u64,
    /// Largest HTTP response a plugin is given, in bytes.
    pub http_body_limit: usize,
    /// How long repeated refusals of requests to one host are gathered into one line of the audit log.
    pub egress_audit_window_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache_directory: PathBuf::from("data/plugin-cache"),
            child_command: Vec::new(),
            max_running: 8,
            max_waiting: 64,
            call_timeout_ms: 5_000,
            health_timeout_ms: 2_000,
            health_interval_ms: 10_000,
            cancel_grace_ms: 250,
            start_timeout_ms: 10_000,
            drain_timeout_ms: 30_000,
            breaker_window: 20,
            breaker_open_ms: 30_000,
            longest_rest_ms: 60_000,
            restart_backoff_ms: 100,
            restart_backoff_max_ms: 10_000,
            max_crashes: 5,
            crash_window_ms: 300_000,
            max_abandoned: 2,
            memory_limit_mib: 512,
            http_body_limit: 2 * 1024 * 1024,
            egress_audit_window_ms: 600_000,
        }
    }
}

impl Settings {
    /// Program and arguments that become the child process.
    pub(crate) fn child_command(&self) -> (String, Vec<String>) {
        match self.child_command.split_first() {
            Some((program, arguments)) => (program.clone(), arguments.to_vec()),
            // Not `current_exe`: after an upgrade on disk that path is another program.
            None => ("/proc/self/exe".to_owned(), vec!["plugin-host".to_owned()]),
        }
    }
}

/// Milliseconds from a setting.
pub(crate) fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// One plugin as the operator configures it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginConfig {
    /// Name of this instance: lower case words joined by dashes. It names the plugin in the API, in
    /// logs and in its store; two instances of one library have two.
    pub id: String,
    /// The shared library.
    pub library: PathBuf,
    /// Where its code runs.
    #[serde(default)]
    pub isolation: Isolation,
    /// Its own configuration, checked against the schema in its manifest.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Hosts it may reach besides those its manifest declares.
    #[serde(default)]
    pub egress: Vec<String>,
    /// Lets it reach private and loopback addresses, and use plain `http`.
    #[serde(default)]
    pub allow_private: bool,
    /// Where the secrets of its manifest come from.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretSource>,
    /// Memory of its child process in MiB, if not what [`Settings::memory_limit_mib`] says.
    #[serde(default)]
    pub memory_mib: Option<u64>,
}

impl PluginConfig {
    /// A plugin with defaults for everything else.
    #[must_use]
    pub fn new(id: impl Into<String>, library: impl Into<PathBuf>) -> Self {
        Self {
            id: id.into(),
            library: library.into(),
            isolation: Isolation::default(),
            config: Map::new(),
            egress: Vec::new(),
            allow_private: false,
            secrets: BTreeMap::new(),
            memory_mib: None,
        }
    }

    /// Memory of its child process in MiB.
    pub(crate) fn memory_mib(&self, settings: &Settings) -> u64 {
        self.memory_mib.unwrap_or(settings.memory_limit_mib)
    }
}

/// Where a plugin's code runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// In a child process: a crash costs the calls in flight.
    #[default]
    Process,
    /// On threads of the server: for trusted plugins only, a segfault ends the server.
    InProcess,
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process => "process",
            Self::InProcess => "in-process",
        })
    }
}

/// Where a secret's value is read from, at start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretSource {
    /// A file; a trailing line break is dropped.
    File(PathBuf),
    /// An environment variable of the server.
    Env(String),
}

impl SecretSource {
    /// Reads the value.
    ///
    /// # Errors
    /// Why it cannot be read, without the value.
    pub(crate) fn read(&self) -> Result<SecretString, String> {
        let value = match self {
            Self::File(path) => std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?,
            Self::Env(name) => std::env::var(name).map_err(|e| format!("environment variable {name}: {e}"))?,
        };
        let value = value.trim_end_matches(['\r', '\n']);
        if value.is_empty() {
            return Err("is empty".to_owned());
        }
        Ok(SecretString::from(value))
    }
}

/// Something wrong with a plugin's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigProblem {
    /// Which instance.
    pub plugin: String,
    /// Which key, as a path from the plugin: `config.turn_urls.0`, `secrets.turn_secret`, `library`.
    pub key: String,
    /// What is wrong, and what would be right where that is known.
    pub reason: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin {}: {}: {}", self.plugin, self.key, self.reason)
    }
}
