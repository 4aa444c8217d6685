//! Acme Video takes money on a page of its own and knows payments and refunds by our keys.

use consilium_plugin_sdk::contract::{Bytes, Money, Reconciled, host::HttpFetch, payment::*};
use consilium_plugin_sdk::{Host, PaymentProvider, Plugin, PluginError, Sensitive, export_plugin, percent_encode};
use serde_json::{Value, json};

/// What the operator configures.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the provider is, without a slash at the end.
    #[schemars(example = "https://pay.example.org")]
    pub base_url: String,
}

/// The plugin.
pub struct AcmeVideo(Config);

/// What the provider knows by a key.
#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Known {
    Payment(Bill),
    Refund(Return),
    Nothing {},
}

#[derive(serde::Deserialize)]
struct Bill {
    id: String,
    state: String,
    page: Sensitive,
}

#[derive(serde::Deserialize)]
struct Return {
    id: String,
    payment: String,
    state: String,
    amount: i64,
    currency: String,
}

impl Plugin for AcmeVideo {
    type Config = Config;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self(config))
    }
}

impl PaymentProvider for AcmeVideo {
    fn create_payment(&self, host: &Host<'_>, request: CreatePayment) -> Result<Payment, PluginError> {
        let body = json!({
            "key": request.idempotency_key, "amount": request.amount.amount_minor, "currency": request.amount.currency,
            "statement": request.description, "order": request.payment_id, "back_to": request.return_url,
            "valid_until": request.expires_at, "receipt_to": request.payer.and_then(|payer| payer.email),
        });
        let bill: Bill = self.ask(host, "POST", "/payments", Some(body))?;
        bill.told()
    }

    fn refund(&self, host: &Host<'_>, request: Refund) -> Result<Refunded, PluginError> {
        let path = format!("/payments/{}/refunds", percent_encode(&request.reference));
        let Money { amount_minor, currency } = request.amount;
        let body = json!({"key": request.idempotency_key, "amount": amount_minor, "currency": currency});
        let back: Return = self.ask(host, "POST", &path, Some(body))?;
        back.told()
    }

    fn reconcile(&self, host: &Host<'_>, request: Reconcile) -> Result<Reconciled<Settlement>, PluginError> {
        let path = format!("/by-key/{}", percent_encode(&request.idempotency_key));
        Ok(match self.ask(host, "GET", &path, None)? {
            Known::Payment(bill) => Reconciled::done(Settlement::Payment(bill.told()?)),
            Known::Refund(back) => Reconciled::done(Settlement::Refund(back.told()?)),
            Known::Nothing {} => Reconciled::not_done(),
        })
    }
}

impl Bill {
    fn told(self) -> Result<Payment, PluginError> {
        let status = state(&self.state)?;
        let page = (status == PaymentState::Pending).then_some(self.page);
        Ok(Payment { reference: self.id, status, checkout_url: page, client_token: None, expires_at: None })
    }
}

impl Return {
    fn told(self) -> Result<Refunded, PluginError> {
        let amount = Money { amount_minor: self.amount, currency: self.currency };
        Ok(Refunded { reference: self.payment, refund: self.id, status: state(&self.state)?, amount })
    }
}

/// A word that is not known may mean that money moved: it is no state to guess.
fn state(word: &str) -> Result<PaymentState, PluginError> {
    Ok(match word {
        "open" => PaymentState::Pending,
        "paid" | "returned" => PaymentState::Succeeded,
        "refused" => PaymentState::Failed,
        "given_up" => PaymentState::Cancelled,
        "too_late" => PaymentState::Expired,
        _ => return Err(PluginError::retryable("answer_unknown", "the provider names a state that it does not list")),
    })
}

impl AcmeVideo {
    fn ask<T: serde::de::DeserializeOwned>(
        &self,
        host: &Host<'_>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, PluginError> {
        let response = host.fetch(&HttpFetch {
            method: method.into(),
            url: format!("{}{path}", self.0.base_url),
            headers: [
                ("authorization".into(), "Bearer {{secret:api_key}}".into()),
                ("content-type".into(), "application/json".into()),
            ]
            .into(),
            body: body.map(|body| Bytes(body.to_string().into_bytes())),
            timeout_ms: None,
        })?;
        match response.status {
            200..=299 => serde_json::from_slice(&response.body.0)
                .map_err(|_| PluginError::retryable("answer_unknown", "the provider's answer is not what it promises")),
            404 => Err(PluginError::permanent("payment_unknown", "the provider knows no such payment")),
            409 => Err(PluginError::permanent("not_refundable", "nothing was paid, or it was given back already")),
            status @ (429 | 500..) => Err(PluginError::retryable("provider_failing", status.to_string())),
            status => Err(PluginError::permanent("provider_refused", status.to_string())),
        }
    }
}

export_plugin!(AcmeVideo, kinds: [payment], manifest: "../plugin.toml");
