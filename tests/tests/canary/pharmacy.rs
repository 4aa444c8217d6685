//! A pharmacy that takes every prescription, and keeps the last as proof that it was told everything.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

/// Listens on a free port until the test ends.
pub struct Pharmacy {
    /// The FHIR base.
    pub base_url: String,
    /// The last Bundle.
    pub received: Arc<Mutex<Option<Value>>>,
}

impl Pharmacy {
    pub fn open() -> Self {
        let received = Arc::<Mutex<Option<Value>>>::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let base_url = format!("http://{}/fhir", listener.local_addr().unwrap());
        let shared = web::Data::from(received.clone());
        let app = move || App::new().app_data(shared.clone()).route("/fhir", web::post().to(submit));
        actix_rt::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { base_url, received }
    }
}

/// A transaction (FHIR R4, http.html#transaction): an answer for each entry.
async fn submit(received: web::Data<Mutex<Option<Value>>>, bundle: web::Bytes) -> HttpResponse {
    let bundle: Value = serde_json::from_slice(&bundle).unwrap();
    let entries = bundle["entry"].as_array().unwrap().iter().enumerate().map(|(n, entry)| {
        let kind = entry["resource"]["resourceType"].as_str().unwrap();
        json!({"response": {"status": "201 Created", "location": format!("{kind}/{n}/_history/1")}})
    });
    let answer =
        json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entries.collect::<Vec<_>>()});
    *received.lock().unwrap() = Some(bundle.clone());
    HttpResponse::Ok().content_type("application/fhir+json").body(answer.to_string())
}
