//! Pins the JSON of every message. A test that fails here means that plugins built before would
//! break: add an optional field instead, or make a new contract version. `UPDATE_GOLDEN=1` rewrites
//! the files when the change is deliberate.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use consilium_plugin_contract::{
    Bytes, Call, ContractId, Entity, Event, Health, HealthCheck, HealthStatus, KvPermission, Manifest, Money,
    Permissions, PluginError, SecretSpec, SecretUse, Sensitive, WebhookSpec,
    analytics::{ConsultationEnded, ConsultationRated, DoctorDay, DoctorReport, EventsCounted, OnEvents, Report},
    host::{
        Clock, ClockTime, Done, HttpFetch, HttpFetched, KvDelete, KvDeleted, KvEntry, KvFound, KvGet, KvList, KvListed,
        KvPut, KvStored, KvWrite, Log, LogLevel, Secret, SecretValue,
    },
    pharmacy::{
        Cancel, Dispatch, DispatchStatus, HumanName, Medicine, Patient, Prescriber, Prescription, Status, Submit,
        Webhook, WebhookAccepted,
    },
    video::{CreateRoom, EndRoom, IceServer, Join, Media, Participant, Role, Room, RoomEnded, Signalling, VideoAccess},
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
    video(&mut golden);
    pharmacy(&mut golden);
    analytics(&mut golden);
    host(&mut golden);
    plugin(&mut golden);
    let files = fs::read_dir(&golden.folder).unwrap();
    let files: BTreeSet<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, golden.known, "a file without a message, or a message without a file");
}

fn video(golden: &mut Golden) {
    let at = "2026-11-20T09:00:00Z".parse().unwrap();
    let room = Room { room: text("consultation-7") };
    golden.call(
        &CreateRoom {
            idempotency_key: text("key"),
            consultation_id: text("7"),
            starts_at: at,
            ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        },
        &room,
    );
    golden.call(
        &Join {
            room: text("consultation-7"),
            consultation_id: text("7"),
            participant: Participant {
                id: text("anna"),
                role: Role::Doctor,
                display_name: text("Anna"),
                email: Some(text("anna@example.org")),
                avatar_url: Some(text("https://example.org/anna.png")),
            },
            expires_at: at,
        },
        &VideoAccess {
            provider: text("acme"),
            room: text("consultation-7"),
            join_url: Some(Sensitive::new("https://meet.example.org/7")),
            token: Some(Sensitive::new("ey")),
            ice_servers: vec![IceServer {
                urls: vec![text("turn:turn.example.org")],
                username: Some(text("1795165800:anna")),
                credential: Some(Sensitive::new("c2VjcmV0")),
            }],
            signalling: Some(Signalling {
                exchange: true,
                publish: vec![Media::Audio, Media::Video, Media::Screen],
                moderate: true,
            }),
            expires_at: at,
        },
    );
    golden.call(&EndRoom { room: text("consultation-7") }, &RoomEnded { emptied: false });
    let roles = [Role::Doctor, Role::Patient, Role::Clinician, Role::Interpreter];
    assert_eq!(json!(roles), json!(["doctor", "patient", "clinician", "interpreter"]));
}

fn pharmacy(golden: &mut Golden) {
    let at = "2026-11-20T09:00:00Z".parse().unwrap();
    let dispatch = Dispatch { reference: text("rx-1"), status: DispatchStatus::Ready, updated_at: Some(at) };
    golden.call(
        &Submit {
            idempotency_key: text("key"),
            pharmacy_id: Some(text("north")),
            prescription: Prescription {
                id: text("rx"),
                issued_at: at,
                valid_until: Some("2026-12-20".parse().unwrap()),
                patient: Patient {
                    id: text("p"),
                    name: Some(HumanName { given: text("Ada"), family: text("Rahman") }),
                    birth_date: Some("1990-02-28".parse().unwrap()),
                    gender: Some(text("female")),
                    phone: Some(text("+8801700000000")),
                },
                prescriber: Prescriber { id: text("d"), display_name: text("Dr. K"), licence_number: text("L-1") },
                diagnosis: Some(text("Influenza")),
                medicines: vec![Medicine {
                    name: text("Paracetamol"),
                    dose: text("500 mg"),
                    route: text("oral"),
                    frequency: text("three times a day"),
                    duration_days: 5,
                    quantity: Some(15),
                    instructions: Some(text("after meals")),
                }],
                advice: Some(text("Rest")),
                verification_code: Some(text("ABCD")),
            },
        },
        &dispatch,
    );
    golden.call(&Status { reference: text("rx-1") }, &dispatch);
    golden.call(
        &Cancel { idempotency_key: text("key"), reference: text("rx-1"), reason: Some(text("wrong dose")) },
        &dispatch,
    );
    golden.call(
        &Webhook {
            headers: [(text("x-signature"), text("t=1,v1=00"))].into(),
            body: Bytes(b"{}".to_vec()),
            received_at: at,
        },
        &WebhookAccepted {
            updates: vec![dispatch],
            writes: vec![KvWrite { key: text("seen/1"), value: Some(json!(1)), expected: Some(0) }],
        },
    );
    use DispatchStatus::{Accepted, Cancelled, Dispensed, Preparing, Ready, Rejected, Submitted};
    assert_eq!(
        json!([Submitted, Accepted, Preparing, Ready, Dispensed, Rejected, Cancelled]),
        json!(["submitted", "accepted", "preparing", "ready", "dispensed", "rejected", "cancelled"])
    );
}

fn analytics(golden: &mut Golden) {
    let at = "2026-11-20T09:00:00Z".parse().unwrap();
    let money = Money { amount_minor: 150_000, currency: text("BDT") };
    let ended = ConsultationEnded {
        consultation_id: text("c"),
        doctor_id: text("d"),
        patient_id: text("p"),
        started_at: at,
        ended_at: "2026-11-20T09:20:00Z".parse().unwrap(),
        time_zone: text("Asia/Dhaka"),
        fee: Some(money.clone()),
    };
    golden.pin("event.consultation_ended.1", &ended);
    golden.pin(
        "event.consultation_rated.1",
        &ConsultationRated {
            consultation_id: text("c"),
            doctor_id: text("d"),
            ended_at: at,
            time_zone: text("Asia/Dhaka"),
            rating: 5,
        },
    );
    let event = Event {
        id: text("e"),
        kind: text("consultation_ended"),
        schema: 1,
        entity: Entity { kind: text("consultation"), id: text("c") },
        version: 3,
        facility: text("f"),
        at,
        data: serde_json::to_value(ended).unwrap(),
    };
    let write = KvWrite { key: text("day/d/2026-11-20"), value: None, expected: None };
    golden.call(&OnEvents { events: vec![event] }, &EventsCounted { writes: vec![write] });
    golden.call(
        &Report { doctor_id: text("d"), from: "2026-11-01".parse().unwrap(), to: "2026-11-30".parse().unwrap() },
        &DoctorReport {
            days: vec![DoctorDay {
                date: "2026-11-20".parse().unwrap(),
                sessions: 3,
                average_duration_seconds: 1200,
                average_rating: Some(4.5),
                earnings: vec![money],
                patients: 2,
            }],
        },
    );
}

fn host(golden: &mut Golden) {
    let entry = KvEntry { key: text("k"), value: json!({"n": 1}), version: 2 };
    golden.call(&Log { level: LogLevel::Warn, message: text("slow") }, &Done {});
    golden.call(
        &HttpFetch {
            method: text("POST"),
            url: text("https://api.example.org/"),
            headers: [(text("authorization"), text("Bearer {{secret:token}}"))].into(),
            body: Some(Bytes(b"{}".to_vec())),
            timeout_ms: Some(1000),
        },
        &HttpFetched {
            status: 201,
            headers: [(text("content-type"), text("application/json"))].into(),
            body: Bytes(b"{}".to_vec()),
        },
    );
    golden.call(&KvGet { key: text("k") }, &KvFound { entry: Some(entry.clone()) });
    golden.call(&KvPut { key: text("k"), value: json!({"n": 1}), expected: Some(1) }, &KvStored { version: 2 });
    golden.call(
        &KvList { prefix: text("day/"), from: Some(text("day/2026")), limit: 100 },
        &KvListed { entries: vec![entry] },
    );
    golden.call(&KvDelete { key: text("k"), expected: Some(2) }, &KvDeleted { existed: true });
    golden.call(&Clock {}, &ClockTime { now: "2026-11-20T09:00:00Z".parse().unwrap() });
    golden.call(&Secret { name: text("seed") }, &SecretValue { value: Some(Sensitive::new("value")) });
    let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug];
    assert_eq!(json!(levels), json!(["error", "warn", "info", "debug"]));
}

fn plugin(golden: &mut Golden) {
    golden.call(&HealthCheck {}, &Health { status: HealthStatus::Degraded, detail: Some(text("no TURN server")) });
    assert_eq!(json!([HealthStatus::Ok, HealthStatus::Down]), json!(["ok", "down"]));
    golden.pin("error", &PluginError::retryable("provider_down", "the provider answered 503"));
    golden.pin(
        "manifest",
        &Manifest {
            id: text("acme"),
            version: text("1.2.3"),
            licence: text("Apache-2.0"),
            description: text("Acme's rooms"),
            kinds: vec!["video/1".parse::<ContractId>().unwrap()],
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
            },
            webhooks: vec![WebhookSpec {
                method: text("pharmacy.webhook"),
                verification: text("hmac-sha256"),
                replay_window_seconds: 300,
            }],
            idempotent: vec![text("video.create_room")],
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
