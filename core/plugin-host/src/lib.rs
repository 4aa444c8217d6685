//! The plugin border, host side: loads libraries, keeps each plugin in a child process (or, if its
//! operator trusts it, on threads of its own), and supervises it so that whatever a plugin does
//! costs one call an error and nothing else.
//!
//! | folder | what |
//! |---|---|
//! | `border/` | the library, its C ABI, frames, threads, the child process; runs on both sides |
//! | `lane/` | the way of calls into a plugin: bulkhead, breaker, what runs and what waits |
//! | `actor/` | one supervising actor per plugin: starts, time limits, restart, hot swap, quarantine |
//! | `services/` | what a plugin may ask of the host, and the permission for each |
//! | `registry` | [`PluginHost`], the door for the rest of the core |
//!
//! It knows nothing of databases or HTTP handlers: whoever embeds it implements [`HostServices`].

mod actor;
mod border;
mod config;
mod error;
mod generation;
mod inspect;
mod lane;
mod registry;
mod services;
pub mod trace;

pub use actor::{Alert, PluginInfo, PluginState, ReloadError, Reloaded};
pub use border::{Protection, Sandbox, child_main};
pub use config::{ConfigProblem, Isolation, PluginConfig, SecretSource, Settings};
pub use consilium_kernel::Clock;
pub use error::{CallError, LoadError};
pub use generation::{Adapted, Edition};
pub use inspect::{check, inspect};
pub use lane::{BreakerState, Resting};
pub use registry::PluginHost;
pub use services::{Arriving, Audited, BlobStore, HostServices, KvWritten, MemoryServices};
pub use trace::Trace;

/// The messages that plugins and host exchange.
pub use consilium_plugin_contract as contract;
