//! `payment/1`.

use super::serves;
use crate::{Host, Plugin};
use consilium_plugin_contract::{PluginError, Reconciled, payment as p};

/// Money at a payment provider. Implement [`crate::Webhooks`] beside it: that is how the platform
/// hears that somebody paid.
pub trait PaymentProvider: Plugin {
    /// Asks for money, once per key.
    ///
    /// # Errors
    /// `amount_unsupported`, `currency_unsupported`, and what the provider says.
    fn create_payment(&self, host: &Host<'_>, request: p::CreatePayment) -> Result<p::Payment, PluginError>;

    /// Gives money back, once per key.
    ///
    /// # Errors
    /// `payment_unknown`, `refund_exceeds_payment`, `not_refundable`, and what the provider says.
    fn refund(&self, host: &Host<'_>, request: p::Refund) -> Result<p::Refunded, PluginError>;

    /// What became of a call with this key. Money moves by these calls, so there is no default: a
    /// plugin that cannot ask its provider remembers its keys in the store.
    ///
    /// # Errors
    /// What the provider says.
    fn reconcile(&self, host: &Host<'_>, request: p::Reconcile) -> Result<Reconciled<p::Settlement>, PluginError>;
}

serves!(payment: PaymentProvider { create_payment, refund, reconcile });
