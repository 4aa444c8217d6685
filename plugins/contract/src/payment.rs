//! `payment/1`: takes money for a visit and gives it back. What happens at the provider afterwards
//! comes as `payment_status` by [`crate::webhook`].

use crate::{Call, Money, Permissions, Reconciled, Sensitive, calls};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The contract's name in manifests.
pub const CONTRACT: &str = "payment/1";

/// Asks for money. Nothing is taken until the payer agrees on the provider's page or widget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatePayment {
    /// The same key is charged once, however often it is sent.
    pub idempotency_key: String,
    /// The platform's id of what is paid, to be handed back by the provider where it can.
    pub payment_id: String,
    /// How much.
    pub amount: Money,
    /// What the payer reads on the statement. Never says anything about health.
    pub description: String,
    /// Who pays, as far as the manifest's `patient_fields` allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<Payer>,
    /// Where the provider sends the payer back to, whatever happened.
    pub return_url: String,
    /// BCP 47, for the provider's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// When the platform stops waiting: the slot is given away then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Who pays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Payer {
    /// Field `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Field `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Field `phone`, E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// A payment at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Payment {
    /// The provider's name for it.
    pub reference: String,
    /// How far it is.
    pub status: PaymentState,
    /// The page on which the payer agrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_url: Option<Sensitive>,
    /// For the provider's widget, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<Sensitive>,
    /// When page and token stop working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Gives money back, all of it or a part. Several refunds of one payment may not exceed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refund {
    /// The same key is refunded once.
    pub idempotency_key: String,
    /// From [`Payment`].
    pub reference: String,
    /// How much, in the currency of the payment.
    pub amount: Money,
    /// For the provider's records. Never says anything about health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A refund at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refunded {
    /// The payment, as asked.
    pub reference: String,
    /// The provider's name for the refund.
    pub refund: String,
    /// How far it is.
    pub status: PaymentState,
    /// How much.
    pub amount: Money,
}

/// Asks what became of a call with this key, and how it stands today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reconcile {
    /// Of [`CreatePayment`] or [`Refund`].
    pub idempotency_key: String,
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// A payment was created.
    Payment(Payment),
    /// A refund was made.
    Refund(Refunded),
}

/// Where a payment or a refund stands, told by the provider's webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

impl Call for CreatePayment {
    const METHOD: &'static str = "payment.create_payment";
    type Reply = Payment;

    fn restrict(&mut self, permissions: &Permissions) {
        if let Some(payer) = &mut self.payer {
            permissions.keep("name", &mut payer.name);
            permissions.keep("email", &mut payer.email);
            permissions.keep("phone", &mut payer.phone);
        }
        self.payer.take_if(|payer| *payer == Payer::default());
    }
}

calls!(
    Refund => "payment.refund" -> Refunded,
    Reconcile => "payment.reconcile" -> Reconciled<Settlement>,
);
