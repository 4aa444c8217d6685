//! How a call went, in our words and in metrics.

use crate::CallError;
use consilium_plugin_contract::PluginError;
use consilium_plugin_sdk::abi::code;

/// What a caller gets.
pub(crate) type Answer = Result<Vec<u8>, CallError>;

/// Reads a return code.
pub(super) fn judge(returned: i32, payload: Vec<u8>) -> Answer {
    if returned == code::OK {
        return Ok(payload);
    }
    let error = || -> Result<PluginError, CallError> {
        let error: PluginError = serde_json::from_slice(&payload)
            .map_err(|_| CallError::InvalidAnswer(format!("code {returned} without a reason")))?;
        Ok(PluginError {
            code: shortened(&error.code, 64),
            message: shortened(&error.message, 500),
            retry_after_seconds: error.retry_after_seconds.filter(|_| error.retryable),
            ..error
        })
    };
    Err(match returned {
        code::ERROR => error().map_or_else(|invalid| invalid, CallError::Plugin),
        code::PANIC => error().map_or_else(|invalid| invalid, |e| CallError::Panicked(e.message)),
        code::INVALID => match error() {
            Ok(e) if e.code == "answer_too_large" => CallError::InvalidAnswer(e.message),
            // Built before this call existed; what it does offer still works.
            Ok(e) if e.code == "unknown_method" => {
                CallError::Plugin(PluginError::permanent("not_supported", e.message))
            }
            Ok(e) => CallError::InvalidRequest(e.to_string()),
            Err(invalid) => invalid,
        },
        code::CANCELLED => CallError::Timeout,
        other => CallError::InvalidAnswer(format!("it returned {other}")),
    })
}

/// What a plugin says is kept and shown, so it may not be of any length.
fn shortened(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

/// A label for metrics. The codes of plugins are their own, and there may be any number of them.
pub(super) fn outcome(error: &CallError) -> &str {
    if matches!(error, CallError::Plugin(_)) { "refused" } else { error.code() }
}

pub(super) fn count(plugin: &str, method: &'static str, outcome: &str) {
    metrics::counter!(
        "consilium_plugin_calls_total",
        "plugin" => plugin.to_owned(), "method" => method, "outcome" => outcome.to_owned()
    )
    .increment(1);
}
