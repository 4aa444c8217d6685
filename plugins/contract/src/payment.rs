//! `payment/1`: takes money for a visit and gives it back.

use crate::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The contract's name in manifests.
pub const CONTRACT: &str = "payment/1";

/// Where a payment or a refund stands, told by the provider's webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentStatus {
    /// The provider's name for the payment.
    pub reference: String,
    /// The provider's name for the refund, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<String>,
    /// How far it is.
    pub status: PaymentState,
    /// What was paid or given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// When, by the provider's clock.
    pub at: Timestamp,
}

/// How far a payment or a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// The payer, or the provider, still has something to do.
    Pending,
    /// The money is there; a refund: it is on its way back.
    Succeeded,
    /// It will not come; a new payment has to be made.
    Failed,
    /// Given up before anything was paid.
    Cancelled,
    /// Not paid in time.
    Expired,
}
