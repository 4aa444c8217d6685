//! A pharmacy that speaks FHIR as `pharmacy-rest` expects it: takes prescriptions, reports what becomes of them.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::{Mutex, PoisonError},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use anyhow::Result;
use consilium_kernel::Timestamp;
use ring::hmac;
use serde_json::{Value, json};

/// A prescription as it came.
#[derive(Clone)]
pub(super) struct Received {
    /// What the pharmacy calls it, as its webhooks do.
    pub reference: String,
    /// The FHIR Bundle.
    pub bundle: Value,
}

/// Listens on a free port of this machine until it is stopped.
pub(super) struct Pharmacy {
    pub address: SocketAddr,
    counter: web::Data<Counter>,
    webhook_secret: String,
    running: ServerHandle,
}

/// What the handlers share.
struct Counter {
    api_token: String,
    /// By idempotency key.
    received: Mutex<BTreeMap<String, Received>>,
}

impl Pharmacy {
    /// Opens. Whoever sends must know `api_token`; its webhooks are signed with `webhook_secret`.
    pub(super) fn open(api_token: &str, webhook_secret: &str) -> Result<Self> {
        let counter = web::Data::new(Counter { api_token: api_token.to_owned(), received: Mutex::default() });
        let shared = counter.clone();
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let app = move || App::new().app_data(shared.clone()).route("/fhir", web::post().to(submit));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run();
        let running = server.handle();
        actix_rt::spawn(server);
        Ok(Self { address, counter, webhook_secret: webhook_secret.to_owned(), running })
    }

    /// The FHIR base.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}/fhir", self.address)
    }

    /// The prescription that came, if one did.
    pub(super) fn received(&self) -> Option<Received> {
        let received = self.counter.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.values().next().cloned()
    }

    /// The body of a webhook, and its header `X-Signature`.
    pub(super) fn notice(&self, reference: &str, status: &str, now: Timestamp) -> (String, String) {
        let id = format!("notice-{status}");
        let body = json!({"id": id, "reference": reference, "status": status, "occurred_at": now}).to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.webhook_secret.as_bytes());
        let time = now.as_second();
        let signature = hex::encode(hmac::sign(&key, format!("{time}.{body}").as_bytes()));
        (body, format!("t={time},v1={signature}"))
    }

    /// Closes.
    pub(super) async fn close(self) {
        self.running.stop(false).await;
    }
}

/// A transaction (FHIR R4, http.html#transaction): every entry is created, once per idempotency key.
async fn submit(request: HttpRequest, counter: web::Data<Counter>, bundle: web::Bytes) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("authorization") != format!("Bearer {}", counter.api_token) {
        return HttpResponse::Unauthorized().finish();
    }
    let Ok(bundle) = serde_json::from_slice::<Value>(&bundle) else { return HttpResponse::BadRequest().finish() };
    let entries = bundle.get("entry").and_then(Value::as_array).cloned().unwrap_or_default();
    let kinds: Vec<&str> =
        entries.iter().filter_map(|entry| entry.pointer("/resource/resourceType")?.as_str()).collect();
    let key = header("idempotency-key").to_owned();
    if bundle.get("type") != Some(&json!("transaction")) || key.is_empty() || !kinds.contains(&"MedicationRequest") {
        return HttpResponse::UnprocessableEntity().finish();
    }
    let places: Vec<String> = kinds.iter().enumerate().map(|(n, kind)| format!("{kind}/rx-{}", n + 1)).collect();
    let requests = places.iter().filter(|place| place.starts_with("MedicationRequest/"));
    let reference = requests.cloned().collect::<Vec<_>>().join(",");
    let answer: Vec<Value> = places
        .iter()
        .map(|place| json!({"response": {"status": "201 Created", "location": format!("{place}/_history/1")}}))
        .collect();
    let mut received = counter.received.lock().unwrap_or_else(PoisonError::into_inner);
    received.entry(key).or_insert(Received { reference, bundle });
    HttpResponse::Ok()
        .content_type("application/fhir+json")
        .body(json!({"resourceType": "Bundle", "type": "transaction-response", "entry": answer}).to_string())
}
