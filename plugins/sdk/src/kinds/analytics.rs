//! `analytics/1`.

use super::serves;
use crate::{Host, Plugin};
use consilium_plugin_contract::{PluginError, analytics as a};

/// Counts what happens, and answers what it counted.
pub trait AnalyticsSink: Plugin {
    /// Counts a batch; what it answers is committed by the host together with its cursor.
    ///
    /// # Errors
    /// The batch comes again.
    fn on_events(&self, host: &Host<'_>, request: a::OnEvents) -> Result<a::EventsCounted, PluginError>;

    /// Answers what was counted.
    ///
    /// # Errors
    /// `range_too_long`, and what the store says.
    fn report(&self, host: &Host<'_>, request: a::Report) -> Result<a::DoctorReport, PluginError>;
}

serves!(analytics: AnalyticsSink { on_events, report });
