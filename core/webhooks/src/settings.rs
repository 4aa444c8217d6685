//! What an operator says about webhooks.

use jiff::SignedDuration;

/// How events are told to subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Whether they may go to private and loopback addresses, and without TLS.
    pub allow_private_addresses: bool,
    /// What one attempt may take, from connecting to the end of the answer.
    pub timeout: std::time::Duration,
    /// Subscriptions served at the same time; each gets one request after the other.
    pub concurrency: usize,
    /// A subscription that did nothing but fail for so long is disabled. Longer than the day for which each delivery
    /// is tried.
    pub disable_after: SignedDuration,
    /// How long the log is kept.
    pub keep: SignedDuration,
    /// Subscriptions that a facility may have.
    pub max_subscriptions: usize,
    /// Between looks for due deliveries.
    pub tick: std::time::Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            allow_private_addresses: false,
            timeout: std::time::Duration::from_secs(15),
            concurrency: 16,
            disable_after: SignedDuration::from_hours(5 * 24),
            keep: SignedDuration::from_hours(30 * 24),
            max_subscriptions: 50,
            tick: std::time::Duration::from_millis(500),
        }
    }
}
