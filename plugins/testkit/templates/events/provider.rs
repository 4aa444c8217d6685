//! The plugin against a cassette: neither network nor server.

use acme_video::{AcmeVideo, Config};

use consilium_plugin_sdk::{
    EventSubscriber, Plugin, PluginError,
    cassette::{Cassette, Fault},
    contract::subscriber::{EventsTaken, OnEvents},
    testing::FakeHost,
};
use serde_json::json;

fn told(cassette: Cassette) -> (Result<EventsTaken, PluginError>, Vec<String>) {
    let host = FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap()).playing(cassette);
    let plugin = AcmeVideo::create(Config { base_url: "https://bus.example.org".into() }, &host.host()).unwrap();
    let event = |id: &str| {
        json!({
            "id": id, "type": "appointment_accepted", "schema": 1, "version": 2, "facility": "f",
            "entity": {"kind": "appointment", "id": "a"}, "at": "2026-11-20T09:00:00Z", "data": {"appointment_id": "a"},
        })
    };
    let batch: OnEvents = serde_json::from_value(json!({"events": [event("e-1"), event("e-2")]})).unwrap();
    let answer = plugin.on_events(&host.host(), batch);
    (answer, host.requests().into_iter().map(|request| request.url).collect())
}

fn cassette() -> Cassette {
    Cassette::load("tests/cassette.json").unwrap()
}

#[test]
fn a_receiver_that_fails_gets_the_batch_again() {
    for fault in [Fault::Timeout, Fault::Reset, Fault::Status { code: 503, retry_after_seconds: None }] {
        assert!(told(cassette().failing(fault)).0.unwrap_err().retryable);
    }
}

#[test]
fn an_event_that_is_refused_holds_up_no_other() {
    let refused = Fault::Status { code: 422, retry_after_seconds: None };
    let rejected = told(cassette().failing(refused)).0.unwrap().rejected;
    let ids: Vec<_> = rejected.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["e-1", "e-2"]);
}

#[test]
fn each_event_is_told_under_its_id() {
    let (answer, urls) = told(cassette());
    assert_eq!(answer.unwrap(), EventsTaken::default());
    assert_eq!(urls, ["https://bus.example.org/events/e-1", "https://bus.example.org/events/e-2"]);
}
