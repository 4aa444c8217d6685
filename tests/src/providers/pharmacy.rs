//! A pharmacy with a FHIR endpoint that takes every prescription.
//!
//! | mark | page |
//! |---|---|
//! | [fhir] | "RESTful API", section "transaction", <https://hl7.org/fhir/R4/http.html#transaction> |

use std::sync::Mutex;

use serde_json::{Value, json};

use super::{Answer, Contract, Request, Violation};

/// Keeps the last prescription as proof that it was told everything. Its FHIR base is `/fhir`.
#[derive(Default)]
pub struct Pharmacy(Mutex<Option<Value>>);

impl Pharmacy {
    /// The last Bundle.
    pub fn received(&self) -> Option<Value> {
        self.0.lock().unwrap().clone()
    }

    /// What its webhooks call the last prescription.
    fn reference(&self) -> Value {
        let received = self.received();
        let places = received.iter().flat_map(places).filter(|place| place.starts_with("MedicationRequest/"));
        places.collect::<Vec<_>>().join(",").into()
    }
}

/// Where the resources of a Bundle are put.
fn places(bundle: &Value) -> Vec<String> {
    let kinds = bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]["resourceType"]);
    kinds.enumerate().map(|(n, kind)| format!("{}/{n}", kind.as_str().unwrap_or_default())).collect()
}

impl Contract for Pharmacy {
    fn answer(&self, request: &Request) -> Result<Answer, Violation> {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/fhir") => {
                let bundle = request.json();
                if bundle["resourceType"] != "Bundle" || bundle["type"] != "transaction" {
                    return Err(Answer::empty(400).because("[fhir] a transaction is a Bundle of type transaction"));
                }
                let located = |place: String| json!({"response": {"status": "201 Created", "location": format!("{place}/_history/1")}});
                let entries: Vec<Value> = places(&bundle).into_iter().map(located).collect();
                *self.0.lock().unwrap() = Some(bundle);
                let answer = json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entries});
                Ok(Answer {
                    headers: vec![("Content-Type".to_owned(), "application/fhir+json".to_owned())],
                    ..Answer::json(200, &answer)
                })
            }
            // Not of FHIR: the window through which a test looks that runs in another process.
            ("GET", "/reference") => Ok(Answer::json(200, &self.reference())),
            _ => Err(Answer::empty(404).because("nothing else is asked of it")),
        }
    }
}
