//! `assistant/1`.

use super::serves;
use crate::{Host, Plugin};
use consilium_plugin_contract::{PluginError, assistant as a};

/// A machine's opinion, always shown as such.
pub trait Assistant: Plugin {
    /// Says how urgent a complaint seems, and what to ask next.
    ///
    /// # Errors
    /// `not_supported`, `language_unsupported`, `model_unavailable`, `model_refused`.
    fn triage(&self, host: &Host<'_>, request: a::Triage) -> Result<a::Assessment, PluginError>;

    /// Answers a question from the passages, with citations.
    ///
    /// # Errors
    /// `not_supported`, `language_unsupported`, `model_unavailable`, `model_refused`, `too_long`.
    fn answer(&self, host: &Host<'_>, request: a::Answer) -> Result<a::Answered, PluginError>;

    /// Summarises the passages, with citations.
    ///
    /// # Errors
    /// `not_supported`, `language_unsupported`, `model_unavailable`, `model_refused`, `too_long`.
    fn summarise(&self, host: &Host<'_>, request: a::Summarise) -> Result<a::Summary, PluginError>;
}

serves!(assistant: Assistant { triage, answer, summarise });
