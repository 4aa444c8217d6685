//! Pins the JSON of every message. A test that fails here means that plugins built before would
//! break: add an optional field instead, or make a new contract version. `UPDATE_GOLDEN=1` rewrites
//! the files when the change is deliberate.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod analytics;
mod assistant;
mod host;
mod notification;
mod payment;
mod pharmacy;
mod subscriber;
mod video;
mod webhook;

use consilium_plugin_contract::{
    BlobPermission, Call, ContractId, Feature, Health, HealthCheck, HealthStatus, KvPermission, Manifest, Permissions,
    PluginError, SecretSpec, SecretUse, Sensitive, WebhookSpec, analytics::OnEvents, payment::CreatePayment,
    pharmacy::Submit,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Debug, fs, path::PathBuf};

/// Compares messages with their files and remembers which files there should be.
struct Golden {
    folder: PathBuf,
    update: bool,
    known: BTreeSet<String>,
}

impl Golden {
    fn pin<T: Serialize + DeserializeOwned + PartialEq + Debug>(&mut self, name: &str, message: &T) {
        let file = format!("{name}.json");
        let path = self.folder.join(&file);
        let text = format!("{}\n", serde_json::to_string_pretty(message).unwrap());
        if self.update {
            fs::write(&path, &text).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(text, golden, "{name} is written differently now");
        assert_eq!(&serde_json::from_str::<T>(&golden).unwrap(), message, "{name} is read differently now");
        let mut newer: Value = serde_json::from_str(&golden).unwrap();
        newer["field_of_a_later_minor"] = json!(1);
        assert_eq!(&serde_json::from_value::<T>(newer).unwrap(), message, "{name} does not ignore unknown fields");
        assert!(self.known.insert(file), "{name} is pinned twice");
    }

    fn call<C: Call + PartialEq + Debug>(&mut self, request: &C, reply: &C::Reply)
    where
        C::Reply: PartialEq + Debug,
    {
        self.pin(&format!("{}.request", C::METHOD), request);
        self.pin(&format!("{}.reply", C::METHOD), reply);
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn every_message_is_written_and_read_as_before() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"));
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut golden = Golden { folder, update, known: BTreeSet::new() };
    video::video(&mut golden);
    webhook::webhook(&mut golden);
    pharmacy::pharmacy(&mut golden);
    payment::payment(&mut golden);
    notification::notification(&mut golden);
    assistant::assistant(&mut golden);
    analytics::analytics(&mut golden);
    subscriber::subscriber(&mut golden);
    host::host(&mut golden);
    plugin(&mut golden);
    let files = fs::read_dir(&golden.folder).unwrap();
    let files: BTreeSet<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, golden.known, "a file without a message, or a message without a file");
}

fn plugin(golden: &mut Golden) {
    golden.call(&HealthCheck {}, &Health { status: HealthStatus::Degraded, detail: Some(text("no TURN server")) });
    assert_eq!(json!([HealthStatus::Ok, HealthStatus::Down]), json!(["ok", "down"]));
    golden.pin("error", &PluginError::retryable("provider_down", "the provider answered 503").after(30));
    let plain = PluginError::permanent("room_unknown", "no such room");
    let older = json!({"code": "room_unknown", "retryable": false, "message": "no such room"});
    assert_eq!((json!(plain), serde_json::from_value(older.clone()).ok()), (older, Some(plain.clone())));
    golden.pin(
        "manifest",
        &Manifest {
            id: text("acme"),
            version: text("1.2.3"),
            licence: text("Apache-2.0"),
            description: text("Acme's rooms"),
            kinds: vec!["video/2".parse::<ContractId>().unwrap()],
            config_schema: json!({"type": "object"}),
            secrets: vec![SecretSpec {
                name: text("token"),
                description: text("API token"),
                usage: SecretUse::Inject,
                required: true,
            }],
            permissions: Permissions {
                egress: vec![text("api.example.org"), text("config:/base_url")],
                events: vec![text("consultation_ended")],
                patient_fields: vec![text("name")],
                kv: Some(KvPermission { quota_bytes: 1024 }),
                emit: vec![text("room_recorded")],
                blob: Some(BlobPermission { quota_bytes: 4096 }),
            },
            webhooks: vec![WebhookSpec {
                method: text("webhook.verify"),
                verification: text("hmac-sha256"),
                replay_window_seconds: 300,
            }],
            idempotent: vec![text("video.create_room")],
            requires: vec![Feature::Blob],
            requires_process_isolation: true,
        },
    );
}

#[test]
fn what_the_manifest_does_not_allow_is_taken_out() {
    let submit = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/pharmacy.submit.request.json"));
    let full: Submit = serde_json::from_slice(&submit.unwrap()).unwrap();
    let mut restricted = full.clone();
    restricted.restrict(&Permissions { patient_fields: vec![text("name"), text("gender")], ..Permissions::default() });
    let patient = &restricted.prescription.patient;
    assert_eq!((&patient.name, &patient.gender), (&full.prescription.patient.name, &Some(text("female"))));
    assert_eq!((&patient.birth_date, &patient.phone, &restricted.prescription.diagnosis), (&None, &None, &None));

    let events = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/analytics.on_events.request.json"));
    let mut batch: OnEvents = serde_json::from_slice(&events.unwrap()).unwrap();
    batch.restrict(&Permissions { events: vec![text("consultation_ended")], ..Permissions::default() });
    assert_eq!(batch.events.len(), 1);
    batch.restrict(&Permissions { events: vec![text("consultation_rated")], ..Permissions::default() });
    assert_eq!(batch.events.len(), 0);
}

#[test]
fn a_payer_is_known_only_as_far_as_the_manifest_asks() {
    let payment = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/payment.create_payment.request.json"));
    let full: CreatePayment = serde_json::from_slice(&payment.unwrap()).unwrap();
    let mut restricted = full.clone();
    restricted.restrict(&Permissions { patient_fields: vec![text("email")], ..Permissions::default() });
    let payer = restricted.payer.clone().unwrap();
    assert_eq!((payer.name, payer.email, payer.phone), (None, full.payer.unwrap().email, None));
    restricted.restrict(&Permissions::default());
    assert_eq!(restricted.payer, None);
}

#[test]
fn secrets_are_not_printed() {
    assert!(!format!("{:?}", Sensitive::new("north")).contains("north"));
}

#[test]
fn contracts_are_a_kind_and_a_number() {
    assert_eq!("video/1".parse::<ContractId>().unwrap().to_string(), "video/1");
    for wrong in ["video", "video/", "/1", "Video/1", "video/one", "video/1/2", "video/-1", "video/70000"] {
        assert!(wrong.parse::<ContractId>().is_err(), "{wrong}");
    }
}
