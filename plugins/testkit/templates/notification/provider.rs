//! The plugin against a cassette: neither network nor server.

use acme_video::{AcmeVideo, Config};

use consilium_plugin_sdk::{
    NotificationChannel, Plugin,
    cassette::{Cassette, Fault},
    contract::{
        Outcome,
        notification::{DeliveryState, Reconcile, Send, Sent},
    },
    testing::FakeHost,
};
use serde_json::{Value, json};

fn host(cassette: Cassette) -> FakeHost {
    FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap()).playing(cassette)
}

fn cassette() -> Cassette {
    Cassette::load("tests/cassette.json").unwrap()
}

fn plugin(host: &FakeHost) -> AcmeVideo {
    let config = Config { base_url: "https://sms.example.org".into(), sender: "Clinic".into() };
    AcmeVideo::create(config, &host.host()).unwrap()
}

fn message(to: Value) -> Send {
    serde_json::from_value(json!({
        "idempotency_key": "k/1", "to": to, "text": "At 15:00.", "category": "appointment_accepted", "language": "en",
    }))
    .unwrap()
}

fn text_message() -> Send {
    message(json!({"channel": "sms", "phone": "+8801700000000"}))
}

#[test]
fn other_channels_are_left_to_others() {
    let host = host(cassette());
    let mail = message(json!({"channel": "email", "address": "ada@example.org"}));
    assert_eq!(plugin(&host).send(&host.host(), mail).unwrap_err().code, "channel_unsupported");
    assert!(host.requests().is_empty());
}

#[test]
fn a_busy_provider_is_worth_another_try_and_a_wrong_number_is_not() {
    for (code, retryable) in [(429, true), (503, true), (422, false)] {
        let host = host(cassette().failing(Fault::Status { code, retry_after_seconds: None }));
        assert_eq!(plugin(&host).send(&host.host(), text_message()).unwrap_err().retryable, retryable, "{code}");
    }
}

#[test]
fn a_message_is_sent_and_found_again_by_its_key() {
    let host = host(cassette());
    let plugin = plugin(&host);
    let sent = plugin.send(&host.host(), text_message()).unwrap();
    assert_eq!((sent.reference.as_str(), sent.status), ("m-k/1", DeliveryState::Accepted));
    let known = |key: &str| plugin.reconcile(&host.host(), Reconcile { idempotency_key: key.into() }).unwrap().outcome;
    let delivered = Sent { reference: "m-k%2F1".into(), status: DeliveryState::Delivered };
    assert_eq!(known("k/1"), Outcome::Done(delivered));
    assert_eq!(known("never-used-1"), Outcome::NotDone);
}
