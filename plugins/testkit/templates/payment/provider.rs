//! The plugin against a cassette: neither network nor server.

use acme_video::{AcmeVideo, Config};

use consilium_plugin_sdk::{
    PaymentProvider, Plugin, PluginError,
    cassette::{Cassette, Fault},
    contract::{
        Outcome,
        payment::{CreatePayment, PaymentState, Reconcile, Refund, Settlement},
    },
    testing::FakeHost,
};
use serde_json::json;

fn host(cassette: Cassette) -> FakeHost {
    FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap()).playing(cassette)
}

fn cassette() -> Cassette {
    Cassette::load("tests/cassette.json").unwrap()
}

fn plugin(host: &FakeHost) -> AcmeVideo {
    AcmeVideo::create(Config { base_url: "https://pay.example.org".into() }, &host.host()).unwrap()
}

fn payment() -> CreatePayment {
    serde_json::from_value(json!({
        "idempotency_key": "pay-7", "payment_id": "7", "amount": {"amount_minor": 150_000, "currency": "BDT"},
        "description": "Visit on 20 November", "return_url": "https://clinic.example.org/payments/7",
    }))
    .unwrap()
}

fn refund(reference: &str) -> Refund {
    serde_json::from_value(json!({
        "idempotency_key": "back-7", "reference": reference, "amount": {"amount_minor": 75_000, "currency": "BDT"},
    }))
    .unwrap()
}

fn refused(fault: Fault) -> PluginError {
    let host = host(cassette().failing(fault));
    plugin(&host).refund(&host.host(), refund("p-1")).unwrap_err()
}

#[test]
fn refusals_say_what_the_platform_understands() {
    let status = |code| Fault::Status { code, retry_after_seconds: None };
    for (fault, code, retryable) in [
        (status(404), "payment_unknown", false),
        (status(409), "not_refundable", false),
        (status(429), "provider_failing", true),
        (Fault::Garbage, "answer_unknown", true),
    ] {
        let error = refused(fault);
        assert_eq!((error.code.as_str(), error.retryable), (code, retryable));
    }
}

#[test]
fn a_reference_cannot_point_elsewhere() {
    let host = host(cassette());
    plugin(&host).refund(&host.host(), refund("../keys?x=")).unwrap();
    assert_eq!(host.requests()[0].url, "https://pay.example.org/payments/..%2Fkeys%3Fx%3D/refunds");
}

#[test]
fn money_is_asked_for_given_back_and_found_again() {
    let host = host(cassette());
    let plugin = plugin(&host);
    let made = plugin.create_payment(&host.host(), payment()).unwrap();
    assert_eq!((made.reference.as_str(), made.status), ("p-pay-7", PaymentState::Pending));
    assert_eq!(made.checkout_url.unwrap().expose(), "https://pay.example.org/p-pay-7");
    let back = plugin.refund(&host.host(), refund(&made.reference)).unwrap();
    assert_eq!((back.reference.as_str(), back.amount.amount_minor), ("p-pay-7", 75_000));
    let known = |key: &str| plugin.reconcile(&host.host(), Reconcile { idempotency_key: key.into() }).unwrap().outcome;
    let Outcome::Done(Settlement::Payment(paid)) = known("pay-7") else { panic!("the payment is not known") };
    assert_eq!((paid.status, paid.checkout_url), (PaymentState::Succeeded, None));
    assert!(matches!(known("back-7"), Outcome::Done(Settlement::Refund(refund)) if refund.refund == back.refund));
    assert_eq!(known("never-7"), Outcome::NotDone);
}
