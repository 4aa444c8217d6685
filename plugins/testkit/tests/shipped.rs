//! Every plugin that is shipped reaches gold, in both isolation modes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::Isolation;
use consilium_plugin_sdk::cassette::Cassette;
use consilium_plugin_testkit::{Level, examine};
use serde_json::{Value, json};
use std::path::Path;

async fn is_gold(id: &str, config: Value, cassette: Option<&str>) {
    let mut options = support::options();
    options.isolation = vec![Isolation::Process, Isolation::InProcess];
    options.settings.config = config.as_object().cloned();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cassettes");
    options.cassette = cassette.map(|file| Cassette::load(folder.join(file)).unwrap());
    let report = examine(&support::plugin(id), &options).await.unwrap();
    println!("{report}");
    assert_eq!(report.reached, Some(Level::Gold), "{report}");
    let modes = [Isolation::Process, Isolation::InProcess];
    for isolation in modes {
        assert!(report.findings.iter().any(|finding| finding.isolation == Some(isolation)), "{isolation} was left out");
    }
}

#[tokio::test]
async fn video_webrtc() {
    is_gold("video-webrtc", json!({"turn_urls": ["turn:turn.example.org"]}), None).await;
}

#[tokio::test]
async fn video_jitsi() {
    is_gold("video-jitsi", json!({"base_url": "https://meet.example.org", "app_id": "consilium"}), None).await;
}

#[tokio::test]
async fn pharmacy_rest() {
    is_gold("pharmacy-rest", json!({"base_url": "https://rx.example.org/fhir"}), Some("pharmacy-rest.json")).await;
}

#[tokio::test]
async fn analytics() {
    is_gold("analytics", json!({}), None).await;
}
