//! Messages of `payment/1`.

use crate::{Golden, text};
use consilium_plugin_contract::{
    Money, Reconciled, Sensitive,
    payment::{CreatePayment, Payer, Payment, PaymentState, Reconcile, Refund, Refunded, Settlement},
};
use serde_json::json;

pub fn payment(golden: &mut Golden) {
    let until = "2026-11-20T09:15:00Z".parse().unwrap();
    let amount = Money { amount_minor: 150_000, currency: text("BDT") };
    let payment = Payment {
        reference: text("pay-1"),
        status: PaymentState::Pending,
        checkout_url: Some(Sensitive::new("https://pay.example.org/pay-1")),
        client_token: Some(Sensitive::new("ct_1")),
        expires_at: Some(until),
    };
    golden.call(
        &CreatePayment {
            idempotency_key: text("key"),
            payment_id: text("p-7"),
            amount: amount.clone(),
            description: text("Visit on 20 November"),
            payer: Some(Payer {
                name: Some(text("Ada Rahman")),
                email: Some(text("ada@example.org")),
                phone: Some(text("+8801700000000")),
            }),
            return_url: text("https://clinic.example.org/payments/p-7"),
            language: Some(text("bn")),
            expires_at: Some(until),
        },
        &payment,
    );
    let refunded = Refunded {
        reference: text("pay-1"),
        refund: text("refund-1"),
        status: PaymentState::Succeeded,
        amount: amount.clone(),
    };
    golden.call(
        &Refund {
            idempotency_key: text("key-2"),
            reference: text("pay-1"),
            amount,
            reason: Some(text("cancelled in time")),
        },
        &refunded,
    );
    let done = Reconciled::done(Settlement::Refund(refunded));
    golden.call(&Reconcile { idempotency_key: text("key-2") }, &done);
    assert_eq!(json!(Settlement::Payment(payment))["payment"]["reference"], "pay-1");
    let others: [Reconciled<Settlement>; 2] = [Reconciled::not_done(), Reconciled::unknown()];
    assert_eq!(json!(others), json!([{"outcome": "not_done"}, {"outcome": "unknown"}]));
}
