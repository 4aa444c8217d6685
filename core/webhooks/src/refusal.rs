//! Why webhooks say no.

consilium_kernel::refusals! {
    /// Why a command about webhooks is refused.
    pub enum WebhookRefusal {
        Disabled: Conflict, "subscription_disabled", "This subscription is disabled. Enable it first.";
        Replaying: Conflict, "replay_running", "Events are being replayed to this subscription already.";
        NotWaiting: Conflict, "invalid_transition", "Only a delivery that failed or was given up can be retried.";
        TooMany: Conflict, "too_many_subscriptions", "This facility has as many webhook subscriptions as it may have.";
        Stale: Stale, "stale", "Somebody else changed the subscription in the meantime. Please load it again.";
    }
}
