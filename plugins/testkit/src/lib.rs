//! Tools for those who write plugins; the `consilium plugin` commands are thin shells around them.
//!
//! | module | what |
//! |---|---|
//! | `examine` | the conformance kit: every check over one library, in one or both isolation modes |
//! | `checks/` | what is checked, as a table with levels and advice, and how |
//! | `kinds/` | sensible calls for each kind of plugin, and what must be true of the answers |
//! | `report` | what was found, for people and machines |
//! | `scaffold/` | a new plugin's crate, with the SDK's source beside it |
//! | `pack` | a library with its manifest, licence and sums in one reproducible archive |
//! | `develop` | watches, rebuilds, copies and reloads |
//!
//! It knows the plugin host and nothing else of the core; no request of a plugin leaves the machine
//! unless a cassette is being recorded.

mod checks;
mod develop;
mod ear;
mod examine;
mod kinds;
pub mod pack;
mod report;
pub mod scaffold;
mod session;
mod subject;

pub use consilium_plugin_sdk::cassette;
pub use develop::{Develop, Event as DevelopEvent, Reload, develop};
pub use examine::{Options, examine, record};
pub use report::{Finding, Level, Report, Verdict};
pub use subject::{PluginSettings, Unfit};
