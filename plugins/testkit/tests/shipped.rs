//! Every plugin that is shipped, and the example in C, reaches gold in both isolation modes. What their providers
//! answer is beside each plugin, in `cassettes/conformance.json`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::Isolation;
use consilium_plugin_sdk::cassette::Cassette;
use consilium_plugin_testkit::{Level, Options, examine};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const BOTH: [Isolation; 2] = [Isolation::Process, Isolation::InProcess];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn options(id: &str, config: &Value) -> Options {
    let mut options = support::options();
    options.isolation = BOTH.into();
    options.settings.config = config.as_object().cloned();
    let cassette = root().join("plugins").join(id).join("cassettes/conformance.json");
    options.cassette = cassette.exists().then(|| Cassette::load(cassette).unwrap());
    options
}

async fn is_gold(library: &Path, options: &Options) {
    let report = examine(library, options).await.unwrap();
    println!("{report}");
    assert_eq!(report.reached, Some(Level::Gold), "{report}");
    for isolation in BOTH {
        assert!(report.findings.iter().any(|finding| finding.isolation == Some(isolation)), "{isolation} was left out");
    }
}

/// A test for each plugin, and their ids.
macro_rules! shipped {
    ($($name:ident: $config:expr),+ $(,)?) => {
        const SHIPPED: &[&str] = &[$(stringify!($name)),+];

        $(#[tokio::test]
        async fn $name() {
            let id = stringify!($name).replace('_', "-");
            let key = tempfile::tempdir().unwrap();
            let mut options = options(&id, &$config);
            options.settings.secret_files = secrets(&id, key.path());
            is_gold(&support::plugin(&id), &options).await;
        })+
    };
}

shipped! {
    analytics: json!({}),
    pharmacy_rest: json!({"base_url": "https://rx.example.org/fhir"}),
    video_jitsi: json!({"base_url": "https://meet.example.org", "app_id": "consilium"}),
    video_livekit: json!({
        "server_url": "https://livekit.example.org", "api_key": "APIkey",
        "recording": {"s3": {
            "endpoint": "https://s3.example.org", "region": "eu-1", "bucket": "recordings", "access_key": "AKIA",
        }},
    }),
    video_meet: json!({"subject": "rooms@clinic.example.org"}),
    video_webrtc: json!({"turn_urls": ["turn:turn.example.org"]}),
    video_zoom: json!({
        "account_id": "account-1", "client_id": "client-1",
        // As many as there are consultations at the same time.
        "host_users": (1..=40).map(|number| format!("host-{number}@clinic.example.org")).collect::<Vec<_>>(),
        "registration": {"email_domain": "consultations.example.org"},
    }),
}

/// The one secret that the kit cannot make up: a service account's key.
fn secrets(id: &str, folder: &Path) -> BTreeMap<String, PathBuf> {
    if id != "video-meet" {
        return BTreeMap::new();
    }
    let file = folder.join("service_account");
    let private_key = fs::read_to_string(root().join("plugins/video-jitsi/src/test_key.pem")).unwrap();
    let account = json!({
        "type": "service_account", "client_email": "consilium@project.iam.gserviceaccount.com",
        "private_key_id": "key-1", "private_key": private_key,
    });
    fs::write(&file, account.to_string()).unwrap();
    [("service_account".to_owned(), file)].into()
}

/// The other way in which Google Meet makes rooms, as far as it differs.
#[tokio::test]
async fn video_meet_by_calendar() {
    let key = tempfile::tempdir().unwrap();
    let mut options = options("video-meet", &json!({"subject": "rooms@clinic.example.org", "mode": "calendar"}));
    options.settings.secret_files = secrets("video-meet", key.path());
    options.only = ["calls.", "egress.", "repeat.", "provider."].map(str::to_owned).into();
    is_gold(&support::plugin("video-meet"), &options).await;
}

#[tokio::test]
async fn the_example_in_c() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("make")
        .arg("-sC")
        .arg(root().join("plugins/example-c"))
        .arg(format!("OUT={}", folder.path().display()))
        .status();
    assert!(made.expect("this test needs make and a C compiler").success());
    is_gold(
        &folder.path().join("libexample_c.so"),
        &options("example-c", &json!({"base_url": "https://acme.example"})),
    )
    .await;
}

#[test]
fn every_plugin_that_is_shipped_is_examined() {
    let build = fs::read_to_string(root().join("scripts/build")).unwrap();
    let list = build.split_once("shipped_plugins=(").and_then(|(_, rest)| rest.split_once(')')).unwrap().0;
    let shipped: BTreeSet<String> = list.split_whitespace().map(str::to_owned).collect();
    let examined: BTreeSet<String> = SHIPPED.iter().map(|name| name.replace('_', "-")).collect();
    assert_eq!(shipped, examined, "what scripts/build ships, and what is examined here");
}
