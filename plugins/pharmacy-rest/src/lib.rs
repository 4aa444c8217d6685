//! A pharmacy with a FHIR R4 endpoint.
//!
//! | call | HTTP |
//! |---|---|
//! | submit | `POST [base]` with a transaction Bundle and `Idempotency-Key`; its response names the MedicationRequests |
//! | status | `GET [base]/MedicationDispense?prescription=…`, the request's own status when nothing is dispensed yet |
//! | cancel | `PATCH [base]/MedicationRequest/{id}` (JSON Patch) for each |
//! | webhook | `X-Signature: t=<unix>,v1=<hex HMAC-SHA256 of "t.body">` |
//!
//! A prescription's reference is its MedicationRequests, joined by commas, which is also how FHIR
//! search writes a list of alternatives.

mod bundle;
mod reply;
mod webhook;

use bundle::transaction;
use consilium_plugin_sdk::{
    Host, PharmacyGateway, Plugin, PluginError, Webhooks,
    contract::{
        Bytes,
        host::{HttpFetch, HttpFetched},
        pharmacy::{Cancel, Dispatch, DispatchStatus, Status, Submit},
        webhook::{Read, Verified, Verify, WebhookFacts},
    },
    export_plugin,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FHIR_JSON: &str = "application/fhir+json";

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The pharmacy's FHIR R4 base, such as `https://rx.example.org/fhir`.
    #[schemars(regex(pattern = r"^https?://[^?#]+$"))]
    base_url: String,
    /// `system` of the identifiers that Consilium gives, such as `https://clinic.example.org/prescriptions`.
    #[serde(default = "own_system")]
    identifier_system: String,
}

fn own_system() -> String {
    "urn:consilium:prescription".to_owned()
}

/// The plugin.
pub struct PharmacyRest {
    config: Config,
}

impl Plugin for PharmacyRest {
    type Config = Config;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self { config })
    }
}

impl PharmacyGateway for PharmacyRest {
    fn submit(&self, host: &Host<'_>, request: Submit) -> Result<Dispatch, PluginError> {
        if request.prescription.medicines.is_empty() {
            return Err(PluginError::permanent("prescription_empty", "a prescription has at least one medicine"));
        }
        let bundle = transaction(&request.prescription, &self.config.identifier_system);
        let answer = self.send(host, "POST", "", Some((&bundle, FHIR_JSON)), Some(&request.idempotency_key))?;
        let reference = reply::references(&answer)?.join(",");
        Ok(Dispatch { reference, status: DispatchStatus::Submitted, updated_at: None })
    }

    fn status(&self, host: &Host<'_>, request: Status) -> Result<Dispatch, PluginError> {
        let references = checked(&request.reference)?;
        let search = format!("/MedicationDispense?prescription={}", request.reference);
        let dispensed = reply::dispensed(&self.send(host, "GET", &search, None, None)?);
        let mut dispatches = Vec::new();
        for reference in references {
            dispatches.push(match dispensed.get(reference) {
                Some(found) => *found,
                None => reply::requested(&self.send(host, "GET", &format!("/{reference}"), None, None)?),
            });
        }
        let (status, updated_at) = reply::slowest(&dispatches)
            .ok_or_else(|| PluginError::permanent("pharmacy_answer_invalid", "no status was found"))?;
        Ok(Dispatch { reference: request.reference, status, updated_at })
    }

    fn cancel(&self, host: &Host<'_>, request: Cancel) -> Result<Dispatch, PluginError> {
        let mut patch = vec![json!({"op": "replace", "path": "/status", "value": "cancelled"})];
        if let Some(reason) = &request.reason {
            patch.push(json!({"op": "add", "path": "/statusReason", "value": {"text": reason}}));
        }
        let patch = Value::from(patch);
        for (index, reference) in checked(&request.reference)?.into_iter().enumerate() {
            let key = format!("{}-{index}", request.idempotency_key);
            let body = Some((&patch, "application/json-patch+json"));
            self.send(host, "PATCH", &format!("/{reference}"), body, Some(&key))?;
        }
        Ok(Dispatch { reference: request.reference, status: DispatchStatus::Cancelled, updated_at: None })
    }
}

impl Webhooks for PharmacyRest {
    fn verify(&self, host: &Host<'_>, request: Verify) -> Result<Verified, PluginError> {
        webhook::verify(host, &request)
    }

    fn read(&self, _: &Host<'_>, request: Read) -> Result<WebhookFacts, PluginError> {
        webhook::read(&request.body)
    }
}

impl PharmacyRest {
    fn send(
        &self,
        host: &Host<'_>,
        method: &str,
        path: &str,
        body: Option<(&Value, &str)>,
        idempotency_key: Option<&str>,
    ) -> Result<Value, PluginError> {
        let mut headers = BTreeMap::from([
            ("accept".to_owned(), FHIR_JSON.to_owned()),
            ("authorization".to_owned(), "Bearer {{secret:api_token}}".to_owned()),
        ]);
        if let Some((_, content_type)) = body {
            headers.insert("content-type".to_owned(), content_type.to_owned());
        }
        if let Some(key) = idempotency_key {
            headers.insert("idempotency-key".to_owned(), key.to_owned());
        }
        let response = host.fetch(&HttpFetch {
            method: method.to_owned(),
            url: format!("{}{path}", self.config.base_url.trim_end_matches('/')),
            headers,
            body: body.map(|(value, _)| Bytes(value.to_string().into_bytes())),
            timeout_ms: None,
        })?;
        read(&response)
    }
}

/// Success is JSON; what went wrong is told by status alone, because an OperationOutcome may quote
/// the patient.
fn read(response: &HttpFetched) -> Result<Value, PluginError> {
    let status = response.status;
    let message = || format!("the pharmacy answered {status}");
    let said = |code: &str| PluginError::permanent(code, message());
    match status {
        204 => Ok(Value::Null),
        200..=299 if response.body.0.is_empty() => Ok(Value::Null),
        200..=299 => serde_json::from_slice(&response.body.0)
            .map_err(|e| PluginError::permanent("pharmacy_answer_invalid", e.to_string())),
        401 | 403 => Err(said("pharmacy_denied")),
        404 | 410 => Err(said("prescription_unknown")),
        408 | 425 | 429 | 500..=599 => {
            let down = PluginError::retryable("pharmacy_unavailable", message());
            let wait = response.headers.get("retry-after").and_then(|value| value.trim().parse().ok());
            Err(PluginError { retry_after_seconds: wait, ..down })
        }
        _ => Err(said("pharmacy_refused")),
    }
}

/// The MedicationRequests of a reference, which becomes part of a URL.
fn checked(reference: &str) -> Result<Vec<&str>, PluginError> {
    // FHIR R4, datatypes: id is [A-Za-z0-9\-\.]{1,64}.
    let is_id = |id: &str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    };
    let parts: Vec<&str> = reference.split(',').collect();
    if parts.iter().all(|part| part.strip_prefix("MedicationRequest/").is_some_and(is_id)) {
        Ok(parts)
    } else {
        Err(PluginError::permanent("reference_invalid", "not a reference that this pharmacy gave"))
    }
}

export_plugin!(PharmacyRest, kinds: [pharmacy, webhook], manifest: "../plugin.toml");

#[cfg(test)]
mod tests;
