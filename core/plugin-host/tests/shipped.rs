//! Every plugin that is shipped, in both isolation modes, through the whole border.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{
    Isolation, MemoryServices, PluginConfig, PluginHost, SecretSource,
    contract::{
        Bytes, Entity, Event, HealthCheck, HealthStatus, Money,
        analytics::{ConsultationEnded, OnEvents, Report},
        pharmacy::{Cancel, DispatchStatus, HumanName, Medicine, Patient, Prescriber, Prescription, Status, Submit},
        video::{Join, Participant, Role},
        webhook::Verify,
    },
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, sync::Arc};
use tempfile::TempDir;

const BOTH: [Isolation; 2] = [Isolation::Process, Isolation::InProcess];
const QUOTA: u64 = 1024 * 1024;

fn plugin(
    id: &str,
    isolation: Isolation,
    config: Value,
    secrets: &[(&str, &str)],
    directory: &TempDir,
) -> PluginConfig {
    let mut plugin = PluginConfig::new(id, support::library(id));
    plugin.isolation = isolation;
    plugin.config = support::config(config);
    for (name, value) in secrets {
        let path = directory.path().join(name);
        fs::write(&path, value).unwrap();
        plugin.secrets.insert((*name).to_owned(), SecretSource::File(path));
    }
    plugin
}

async fn healthy(host: &PluginHost, id: &str) {
    assert_eq!(host.call(id, HealthCheck {}).await.unwrap().status, HealthStatus::Ok, "{id}");
}

fn join() -> Join {
    Join {
        room: "consultation7".to_owned(),
        consultation_id: "7".to_owned(),
        participant: Participant {
            id: "anna".to_owned(),
            role: Role::Patient,
            display_name: "Anna".to_owned(),
            email: None,
            avatar_url: None,
        },
        expires_at: "2099-01-01T00:00:00Z".parse().unwrap(),
    }
}

#[tokio::test]
async fn video_webrtc() {
    for isolation in BOTH {
        let directory = tempfile::tempdir().unwrap();
        let config = json!({"turn_urls": ["turn:turn.example.org"]});
        let plugin = plugin("video-webrtc", isolation, config, &[("turn_secret", "north")], &directory);
        let host = support::start(support::settings(&directory), plugin).await;
        healthy(&host, "video-webrtc").await;
        let access = host.call("video-webrtc", join()).await.unwrap();
        assert!(access.peers().unwrap().0[0].username.as_ref().unwrap().ends_with(":anna"));
        host.shutdown().await;
    }
}

#[tokio::test]
async fn video_jitsi() {
    for isolation in BOTH {
        let directory = tempfile::tempdir().unwrap();
        let config = json!({"base_url": "https://meet.example.org", "app_id": "consilium"});
        let plugin = plugin("video-jitsi", isolation, config, &[("app_secret", "shared")], &directory);
        let host = support::start(support::settings(&directory), plugin).await;
        healthy(&host, "video-jitsi").await;
        let access = host.call("video-jitsi", join()).await.unwrap();
        assert!(access.page().unwrap().expose().starts_with("https://meet.example.org/consultation7?jwt=ey"));
        host.shutdown().await;
    }
}

#[tokio::test]
async fn analytics() {
    for isolation in BOTH {
        let directory = tempfile::tempdir().unwrap();
        let services = Arc::new(MemoryServices::default());
        let plugin = plugin("analytics", isolation, json!({}), &[], &directory);
        let host = support::start_with(support::settings(&directory), plugin, services.clone()).await;
        healthy(&host, "analytics").await;
        let ended = ConsultationEnded {
            consultation_id: "c".to_owned(),
            doctor_id: "d".to_owned(),
            patient_id: "p".to_owned(),
            started_at: "2026-11-20T09:00:00Z".parse().unwrap(),
            ended_at: "2026-11-20T09:20:00Z".parse().unwrap(),
            time_zone: "Asia/Dhaka".to_owned(),
            fee: Some(Money { amount_minor: 5, currency: "BDT".to_owned() }),
        };
        let event = |id: &str, kind: &str| Event {
            id: id.to_owned(),
            kind: kind.to_owned(),
            schema: 1,
            entity: Entity { kind: "consultation".to_owned(), id: "c".to_owned() },
            version: 1,
            facility: "f".to_owned(),
            at: "2026-11-20T09:20:00Z".parse().unwrap(),
            data: serde_json::to_value(&ended).unwrap(),
        };
        let batch = OnEvents { events: vec![event("1", "consultation_ended"), event("2", "message_sent")] };
        for writes in [1, 0] {
            let counted = host.call("analytics", batch.clone()).await.unwrap();
            assert_eq!(counted.writes.len(), writes);
            services.commit("analytics", &counted.writes, QUOTA).unwrap();
        }
        let day = "2026-11-20".parse().unwrap();
        let report = Report { doctor_id: "d".to_owned(), from: day, to: day };
        let days = host.call("analytics", report).await.unwrap().days;
        assert_eq!((days.len(), days[0].sessions, days[0].average_duration_seconds), (1, 1, 1200));
        host.shutdown().await;
    }
}

/// Plays a pharmacy: creates what a Bundle asks for, dispenses nothing, lets itself be patched.
async fn pharmacy() -> String {
    let address = support::http(|request, _| {
        assert_eq!(request.header("authorization"), Some("Bearer very-secret-token"));
        let body = match (request.method(), request.path()) {
            ("POST", "/fhir") => {
                assert_eq!(request.header("idempotency-key"), Some("key"));
                let bundle: Value = serde_json::from_str(request.body()).unwrap();
                let created = bundle["entry"].as_array().unwrap().iter().enumerate().map(|(number, entry)| {
                    let kind = entry["resource"]["resourceType"].as_str().unwrap();
                    json!({"response": {"status": "201 Created", "location": format!("{kind}/{number}/_history/1")}})
                });
                json!({"resourceType": "Bundle", "entry": created.collect::<Vec<_>>()})
            }
            ("GET", "/fhir/MedicationDispense?prescription=MedicationRequest/2") => json!({"entry": []}),
            ("GET", "/fhir/MedicationRequest/2") => json!({"status": "active"}),
            ("PATCH", "/fhir/MedicationRequest/2") => json!({"status": "cancelled"}),
            other => panic!("{other:?}"),
        };
        Some(support::response("200 OK", "Content-Type: application/fhir+json\r\n", &body.to_string()))
    });
    format!("http://{}/fhir", address.await)
}

fn submit() -> Submit {
    Submit {
        idempotency_key: "key".to_owned(),
        pharmacy_id: None,
        prescription: Prescription {
            id: "rx".to_owned(),
            issued_at: "2026-11-20T09:00:00Z".parse().unwrap(),
            valid_until: None,
            patient: Patient {
                id: "p".to_owned(),
                name: Some(HumanName { given: "Ada".to_owned(), family: "Rahman".to_owned() }),
                birth_date: None,
                gender: None,
                phone: None,
            },
            prescriber: Prescriber {
                id: "d".to_owned(),
                display_name: "Dr. K".to_owned(),
                licence_number: "L".to_owned(),
            },
            diagnosis: None,
            medicines: vec![Medicine {
                name: "Paracetamol".to_owned(),
                dose: "500 mg".to_owned(),
                route: "oral".to_owned(),
                frequency: "three times a day".to_owned(),
                duration_days: 5,
                quantity: None,
                instructions: None,
            }],
            advice: None,
            verification_code: None,
        },
    }
}

#[tokio::test]
async fn pharmacy_rest() {
    for isolation in BOTH {
        let directory = tempfile::tempdir().unwrap();
        let secrets = [("api_token", "very-secret-token"), ("webhook_secret", "shared")];
        let config = json!({"base_url": pharmacy().await});
        let mut plugin = plugin("pharmacy-rest", isolation, config, &secrets, &directory);
        plugin.allow_private = true;
        let host = support::start(support::settings(&directory), plugin).await;
        healthy(&host, "pharmacy-rest").await;
        let reference = host.call("pharmacy-rest", submit()).await.unwrap().reference;
        assert_eq!(reference, "MedicationRequest/2");
        let status = host.call("pharmacy-rest", Status { reference: reference.clone() }).await.unwrap().status;
        assert_eq!(status, DispatchStatus::Accepted);
        let cancel = Cancel { idempotency_key: "c".to_owned(), reference, reason: None };
        assert_eq!(host.call("pharmacy-rest", cancel).await.unwrap().status, DispatchStatus::Cancelled);
        let forged = Verify {
            query: None,
            headers: BTreeMap::from([("x-signature".to_owned(), "t=1,v1=00".to_owned())]),
            body: Bytes(b"{}".to_vec()),
            received_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        };
        assert_eq!(host.call("pharmacy-rest", forged).await.unwrap_err().code(), "webhook_forged");
        host.shutdown().await;
    }
}

#[tokio::test]
async fn a_pharmacy_on_a_private_address_needs_the_operators_leave() {
    let directory = tempfile::tempdir().unwrap();
    let secrets = [("api_token", "very-secret-token")];
    let config = json!({"base_url": "https://127.0.0.1:1/fhir"});
    let plugin = plugin("pharmacy-rest", Isolation::Process, config, &secrets, &directory);
    let host = support::start(support::settings(&directory), plugin).await;
    assert_eq!(host.call("pharmacy-rest", submit()).await.unwrap_err().code(), "address_denied");
}
