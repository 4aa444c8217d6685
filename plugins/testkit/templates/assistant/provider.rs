//! The plugin against a cassette: neither network nor server.

use acme_video::{AcmeVideo, Config};

use consilium_plugin_sdk::{
    Assistant, Plugin,
    cassette::{Cassette, Fault},
    contract::assistant::{Answer, Summarise, Triage, Urgency},
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
    let config = Config { base_url: "https://llm.example.org/v1".into(), model: "a-model".into() };
    AcmeVideo::create(config, &host.host()).unwrap()
}

fn complaint() -> Triage {
    serde_json::from_value(json!({"language": "en", "subject": {}, "complaint": "My chest hurts"})).unwrap()
}

fn question(passage: &str) -> Answer {
    serde_json::from_value(json!({
        "language": "en", "audience": "clinician", "question": "When is chest pain an emergency?",
        "passages": [{"source": "protocol-12", "text": passage}],
    }))
    .unwrap()
}

#[test]
fn a_model_that_fails_or_rambles_is_worth_another_try() {
    for fault in [Fault::Timeout, Fault::Status { code: 429, retry_after_seconds: None }, Fault::Garbage] {
        let host = host(cassette().failing(fault));
        assert!(plugin(&host).triage(&host.host(), complaint()).unwrap_err().retryable);
    }
}

#[test]
fn an_answer_without_a_quote_that_stands_in_its_passage_is_none() {
    let host = host(cassette());
    let plugin = plugin(&host);
    let answered = plugin.answer(&host.host(), question("Nothing about chests.")).unwrap();
    assert_eq!((answered.text, answered.citations.len()), (None, 0));
    let passage = "Chest pain with sweating is an emergency. Call for help.";
    let answered = plugin.answer(&host.host(), question(passage)).unwrap();
    assert_eq!((answered.text.as_deref(), answered.citations.len()), (Some("When it comes with sweating."), 1));
}

#[test]
fn a_summary_keeps_to_its_length() {
    let host = host(cassette());
    let summarise = |most: u32| {
        let request: Summarise = serde_json::from_value(json!({
            "language": "en", "audience": "clinician", "purpose": "handover", "max_words": most, "passages": [],
        }))
        .unwrap();
        plugin(&host).summarise(&host.host(), request)
    };
    assert_eq!(summarise(3).unwrap_err().code, "too_long");
    assert!(summarise(80).unwrap().citations.is_empty());
}

#[test]
fn what_the_patient_said_is_data_and_not_part_of_the_task() {
    let host = host(cassette());
    let told = plugin(&host).triage(&host.host(), complaint()).unwrap();
    assert_eq!((told.urgency, told.produced_by.input_tokens), (Urgency::Emergency, Some(412)));
    let sent: Value = serde_json::from_slice(&host.requests()[0].body.as_ref().unwrap().0).unwrap();
    let said = |at: usize| sent["messages"][at]["content"].as_str().unwrap().contains("My chest hurts");
    assert!(!said(0) && said(1));
}
