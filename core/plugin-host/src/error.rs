//! Why a call failed, and why a library was refused.

use consilium_plugin_contract::PluginError;
use std::time::Duration;
use thiserror::Error;

/// A call without a reply. None of these says anything about other calls.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// No plugin has this id.
    #[error("there is no plugin {0}")]
    UnknownPlugin(String),
    /// The plugin does not fulfil the contract that the call belongs to.
    #[error("plugin {plugin} does not do {kind}")]
    UnsupportedKind {
        /// The plugin.
        plugin: String,
        /// The kind asked for.
        kind: String,
    },
    /// Too many calls wait already.
    #[error("the plugin is busy")]
    Busy,
    /// The call took longer than it may. Whether it took effect is not known.
    #[error("the plugin did not answer in time")]
    Timeout,
    /// The plugin's process ended while the call ran. Whether it took effect is not known.
    #[error("the plugin crashed: {0}")]
    Crashed(String),
    /// Half of the recent calls failed; the plugin is left alone for a while.
    #[error("the plugin failed too often and is left alone for a while")]
    BreakerOpen,
    /// It crashed too often and waits for an operator.
    #[error("the plugin is quarantined")]
    Quarantined,
    /// It was refused at start, or the host is shutting down.
    #[error("the plugin is not running")]
    Stopped,
    /// Its code panicked; it lives on.
    #[error("the plugin panicked: {0}")]
    Panicked(String),
    /// Its answer is not what the contract says, or too large.
    #[error("the plugin's answer is unusable: {0}")]
    InvalidAnswer(String),
    /// It could not understand the request.
    #[error("the plugin refused the request as invalid: {0}")]
    InvalidRequest(String),
    /// The plugin itself says no.
    #[error("{0}")]
    Plugin(#[from] PluginError),
}

impl CallError {
    /// A stable machine code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::UnknownPlugin(_) => "plugin_unknown",
            Self::UnsupportedKind { .. } => "plugin_kind_unsupported",
            Self::Busy => "plugin_busy",
            Self::Timeout => "plugin_timeout",
            Self::Crashed(_) => "plugin_crashed",
            Self::BreakerOpen => "plugin_breaker_open",
            Self::Quarantined => "plugin_quarantined",
            Self::Stopped => "plugin_stopped",
            Self::Panicked(_) => "plugin_panicked",
            Self::InvalidAnswer(_) => "plugin_answer_invalid",
            Self::InvalidRequest(_) => "plugin_request_invalid",
            Self::Plugin(error) => &error.code,
        }
    }

    /// Whether the same call may succeed a little later.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Busy | Self::Timeout | Self::Crashed(_) | Self::BreakerOpen => true,
            Self::Plugin(error) => error.retryable,
            Self::UnknownPlugin(_)
            | Self::UnsupportedKind { .. }
            | Self::Quarantined
            | Self::Stopped
            | Self::Panicked(_)
            | Self::InvalidAnswer(_)
            | Self::InvalidRequest(_) => false,
        }
    }

    /// How long the provider wants to be left alone, if it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let Self::Plugin(error) = self else { return None };
        error.retry_after_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// Whether it tells against the plugin or its provider: what the breaker counts.
    pub(crate) fn is_fault(&self) -> bool {
        match self {
            Self::Timeout | Self::Crashed(_) | Self::Panicked(_) | Self::InvalidAnswer(_) | Self::InvalidRequest(_) => {
                true
            }
            Self::Plugin(error) => error.retryable,
            _ => false,
        }
    }
}

/// Why a library is not started. The text is for operators.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoadError {
    /// The file cannot be read, copied or linked.
    #[error("the library cannot be loaded: {0}")]
    Library(String),
    /// It is no plugin.
    #[error("the library is no plugin: {0}")]
    NotAPlugin(String),
    /// It was built for another border.
    #[error("the library speaks ABI {plugin}, this host speaks {host}: rebuild it with the SDK of this release")]
    Abi {
        /// The library's, `major.minor`.
        plugin: String,
        /// Ours.
        host: String,
    },
    /// It cannot do without a part of the host that is not there.
    #[error("the plugin cannot do without {0}, which this host does not offer: use a release of the server that does")]
    Feature(String),
    /// Its manifest is unusable.
    #[error("the manifest is unusable: {0}")]
    Manifest(String),
    /// It fulfils a contract in a version that this host does not speak.
    #[error("the plugin fulfils {plugin}, this host speaks {host}: {advice}")]
    Contract {
        /// The plugin's contract.
        plugin: String,
        /// What the host speaks.
        host: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// It could not be looked at.
    #[error("the plugin could not be started: {0}")]
    Start(String),
}
