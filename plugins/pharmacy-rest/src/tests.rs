//! What is posted to a pharmacy, and which webhooks are believed.

use super::*;
use consilium_plugin_sdk::{
    contract::{
        pharmacy::{HumanName, Medicine, Patient, Prescriber, Prescription},
        webhook::WebhookEvent,
    },
    testing::FakeHost,
};
use ring::hmac;

const NOW: &str = "2026-11-20T09:00:00Z";

fn plugin() -> PharmacyRest {
    let config = Config { base_url: "https://rx.example.org/fhir/".to_owned(), identifier_system: own_system() };
    PharmacyRest { config }
}

fn host(status: u16, body: Value) -> FakeHost {
    FakeHost::at(NOW.parse().unwrap()).with_secret("webhook_secret", "shared").answering(move |_| {
        let body = Bytes(body.to_string().into_bytes());
        Ok(HttpFetched { status, headers: BTreeMap::new(), body })
    })
}

fn submit() -> Submit {
    let medicine = |name: &str| Medicine {
        name: name.to_owned(),
        dose: "500 mg".to_owned(),
        route: "oral".to_owned(),
        frequency: "three times a day".to_owned(),
        duration_days: 5,
        quantity: Some(15),
        instructions: Some("after meals".to_owned()),
    };
    Submit {
        idempotency_key: "key-1".to_owned(),
        pharmacy_id: None,
        prescription: Prescription {
            id: "rx-7".to_owned(),
            issued_at: NOW.parse().unwrap(),
            valid_until: Some("2026-12-20".parse().unwrap()),
            patient: Patient {
                id: "p-1".to_owned(),
                name: Some(HumanName { given: "আনিকা".to_owned(), family: "রহমান".to_owned() }),
                birth_date: Some("1990-02-28".parse().unwrap()),
                gender: Some("female".to_owned()),
                phone: None,
            },
            prescriber: Prescriber {
                id: "d-1".to_owned(),
                display_name: "Dr. Karim".to_owned(),
                licence_number: "BMDC-1".to_owned(),
            },
            diagnosis: Some("Acute pharyngitis".to_owned()),
            medicines: vec![medicine("Amoxicillin"), medicine("Paracetamol")],
            advice: None,
            verification_code: Some("ABCD".to_owned()),
        },
    }
}

fn created() -> Value {
    json!({"resourceType": "Bundle", "type": "transaction-response", "entry": [
        {"response": {"status": "201", "location": "Patient/1/_history/1"}},
        {"response": {"status": "201", "location": "Practitioner/2/_history/1"}},
        {"response": {"status": "201", "location": "MedicationRequest/3/_history/1"}},
        {"response": {"status": "201", "location": "https://rx.example.org/fhir/MedicationRequest/4"}},
    ]})
}

#[test]
fn failures_of_the_pharmacy_say_whether_to_try_again() {
    for (status, code, retryable) in [
        (401, "pharmacy_denied", false),
        (404, "prescription_unknown", false),
        (422, "pharmacy_refused", false),
        (429, "pharmacy_unavailable", true),
        (503, "pharmacy_unavailable", true),
    ] {
        let host = host(status, json!({"diagnostics": "patient আনিকা"}));
        let error = plugin().submit(&host.host(), submit()).unwrap_err();
        assert_eq!((error.code.as_str(), error.retryable), (code, retryable));
        assert!(!error.message.contains("আনিকা"), "what the server says may quote the patient");
    }
    let garbage = plugin().submit(&host(200, json!({"entry": []})).host(), submit()).unwrap_err();
    assert_eq!(garbage.code, "pharmacy_answer_invalid");
}

#[test]
fn a_prescription_without_medicines_is_not_sent() {
    let host = host(200, created());
    let mut request = submit();
    request.prescription.medicines.clear();
    assert_eq!(plugin().submit(&host.host(), request).unwrap_err().code, "prescription_empty");
    assert!(host.requests().is_empty());
}

#[test]
fn references_that_are_no_references_reach_no_url() {
    let host = host(200, json!({}));
    for reference in ["", "MedicationRequest/", "MedicationRequest/../Patient", "Patient/1", "MedicationRequest/1,x"] {
        let status = plugin().status(&host.host(), Status { reference: reference.to_owned() });
        assert_eq!(status.unwrap_err().code, "reference_invalid", "{reference}");
    }
    assert!(host.requests().is_empty());
}

#[test]
fn a_prescription_is_posted_as_a_transaction() {
    let host = host(200, created());
    let dispatch = plugin().submit(&host.host(), submit()).unwrap();
    assert_eq!(dispatch.reference, "MedicationRequest/3,MedicationRequest/4");
    let requests = host.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://rx.example.org/fhir"));
    assert_eq!(request.headers["idempotency-key"], "key-1");
    assert_eq!(request.headers["authorization"], "Bearer {{secret:api_token}}");
    let bundle: Value = serde_json::from_slice(&request.body.as_ref().unwrap().0).unwrap();
    let golden: Value = serde_json::from_str(include_str!("bundle.golden.json")).unwrap();
    assert_eq!(bundle, golden, "{bundle:#}");
}

#[test]
fn status_is_that_of_the_slowest_medicine() {
    let host = FakeHost::at(NOW.parse().unwrap()).answering(|request| {
        let body = if request.url.contains("/MedicationDispense?") {
            json!({"entry": [
                {"resource": {"status": "completed", "meta": {"lastUpdated": "2026-11-20T10:00:00Z"},
                    "authorizingPrescription": [{"reference": "MedicationRequest/3"}]}},
                {"resource": {"status": "preparation", "meta": {"lastUpdated": "2026-11-20T09:30:00Z"},
                    "authorizingPrescription": [{"reference": "MedicationRequest/3"}]}},
            ]})
        } else {
            json!({"status": "active", "meta": {"lastUpdated": "2026-11-20T09:01:00Z"}})
        };
        Ok(HttpFetched { status: 200, headers: BTreeMap::new(), body: Bytes(body.to_string().into_bytes()) })
    });
    let status = |reference: &str| {
        let dispatch = plugin().status(&host.host(), Status { reference: reference.to_owned() }).unwrap();
        (dispatch.status, dispatch.updated_at.map(|at| at.to_string()))
    };
    let ten = Some("2026-11-20T10:00:00Z".to_owned());
    assert_eq!(status("MedicationRequest/3"), (DispatchStatus::Dispensed, ten.clone()));
    assert_eq!(status("MedicationRequest/3,MedicationRequest/4"), (DispatchStatus::Accepted, ten));
}

#[test]
fn cancelling_patches_every_medicine_under_its_own_key() {
    let host = host(200, json!({}));
    let request = Cancel {
        idempotency_key: "k".to_owned(),
        reference: "MedicationRequest/3,MedicationRequest/4".to_owned(),
        reason: Some("wrong dose".to_owned()),
    };
    assert_eq!(plugin().cancel(&host.host(), request).unwrap().status, DispatchStatus::Cancelled);
    let sent: Vec<_> =
        host.requests().into_iter().map(|r| (r.method, r.url, r.headers["idempotency-key"].clone())).collect();
    let patch = |id: &str, key: &str| {
        ("PATCH".to_owned(), format!("https://rx.example.org/fhir/MedicationRequest/{id}"), key.to_owned())
    };
    assert_eq!(sent, [patch("3", "k-0"), patch("4", "k-1")]);
}

fn notice(id: &str) -> String {
    json!({"id": id, "reference": "MedicationRequest/3", "status": "ready", "occurred_at": NOW}).to_string()
}

fn signed(body: &str, secret: &str, signed_at: &str, received_at: &str) -> Verify {
    let time = signed_at.parse::<jiff::Timestamp>().unwrap().as_second();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hex::encode(hmac::sign(&key, format!("{time}.{body}").as_bytes()));
    Verify {
        query: None,
        headers: BTreeMap::from([("x-signature".to_owned(), format!("t={time},v1={signature}"))]),
        body: Bytes(body.as_bytes().to_vec()),
        received_at: received_at.parse().unwrap(),
    }
}

#[test]
fn forged_stale_and_malformed_webhooks_are_refused() {
    let host = host(200, json!({}));
    let code = |webhook: Verify| plugin().verify(&host.host(), webhook).unwrap_err().code;
    assert_eq!(code(signed(&notice("1"), "guessed", NOW, NOW)), "webhook_forged");
    let mut changed = signed(&notice("1"), "shared", NOW, NOW);
    changed.body = Bytes(notice("2").into_bytes());
    assert_eq!(code(changed), "webhook_forged");
    let mut moved = signed(&notice("1"), "shared", "2026-11-20T08:00:00Z", NOW);
    let later = moved.headers["x-signature"].replace("t=", "t=1,t=");
    moved.headers.insert("x-signature".to_owned(), later);
    assert_eq!(code(moved), "webhook_forged");
    let mut bare = signed(&notice("1"), "shared", NOW, NOW);
    bare.headers.clear();
    assert_eq!(code(bare), "webhook_forged");
    assert_eq!(code(signed(&notice("1"), "shared", "2026-11-20T08:54:59Z", NOW)), "webhook_stale");
    assert_eq!(code(signed(&notice("1"), "shared", "2026-11-20T09:05:01Z", NOW)), "webhook_stale");
    assert_eq!(code(signed("{}", "shared", NOW, NOW)), "webhook_malformed");
    assert_eq!(code(signed(&notice(""), "shared", NOW, NOW)), "webhook_malformed");
}

#[test]
fn a_genuine_webhook_is_named_by_its_id_and_read_without_its_signature() {
    let host = host(200, json!({}));
    let request = signed(&notice("1"), "shared", NOW, NOW);
    let verified = plugin().verify(&host.host(), request.clone()).unwrap();
    assert_eq!((verified.delivery_id.as_str(), verified.reply), ("1", None));
    let again = signed(&notice("1"), "shared", "2026-11-20T09:04:00Z", "2026-11-20T09:04:00Z");
    assert_eq!(plugin().verify(&host.host(), again).unwrap().delivery_id, "1", "signed anew, the same delivery");
    let read =
        Read { delivery_id: "1".to_owned(), headers: [].into(), body: request.body, received_at: request.received_at };
    let facts = plugin().read(&host.host(), read).unwrap();
    let update = Dispatch {
        reference: "MedicationRequest/3".to_owned(),
        status: DispatchStatus::Ready,
        updated_at: Some(NOW.parse().unwrap()),
    };
    assert_eq!(facts.events, [WebhookEvent::PrescriptionStatus(update)]);
}
