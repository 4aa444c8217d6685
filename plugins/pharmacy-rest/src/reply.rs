//! What a pharmacy's FHIR resources say in our words.

use consilium_plugin_sdk::{PluginError, contract::pharmacy::DispatchStatus};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// A status and when it was last changed.
pub(crate) type Found = (DispatchStatus, Option<Timestamp>);

/// The MedicationRequests named in a transaction-response, in its order and without their versions.
pub(crate) fn references(bundle: &Value) -> Result<Vec<String>, PluginError> {
    let found: Vec<String> = entries(bundle)
        .filter_map(|entry| {
            let location = entry.pointer("/response/location")?.as_str()?;
            let (_, rest) = location.rsplit_once("MedicationRequest/")?;
            let id = rest.split('/').next()?;
            Some(format!("MedicationRequest/{id}"))
        })
        .collect();
    if found.is_empty() {
        let message = "the response names no MedicationRequest";
        return Err(PluginError::permanent("pharmacy_answer_invalid", message));
    }
    Ok(found)
}

/// The newest MedicationDispense of each MedicationRequest.
pub(crate) fn dispensed(bundle: &Value) -> BTreeMap<String, Found> {
    let mut newest = BTreeMap::<String, Found>::new();
    for resource in entries(bundle).filter_map(|entry| entry.get("resource")) {
        let found = (dispense_status(text(resource, "/status")), updated(resource));
        let prescriptions = resource.get("authorizingPrescription").and_then(Value::as_array);
        for reference in prescriptions.into_iter().flatten().filter_map(|r| r.get("reference")?.as_str()) {
            let newer = newest.get(reference).is_none_or(|(_, at)| found.1 > *at);
            if newer {
                newest.insert(reference.to_owned(), found);
            }
        }
    }
    newest
}

/// A MedicationRequest that nothing was dispensed for.
pub(crate) fn requested(resource: &Value) -> Found {
    let status = match text(resource, "/status") {
        "cancelled" | "stopped" | "entered-in-error" => DispatchStatus::Cancelled,
        "completed" => DispatchStatus::Dispensed,
        "active" => DispatchStatus::Accepted,
        _ => DispatchStatus::Submitted,
    };
    (status, updated(resource))
}

/// A prescription is as far as the medicine that is least far; withdrawn and refused ones count
/// only when there are no others.
pub(crate) fn slowest(found: &[Found]) -> Option<Found> {
    let status = found.iter().map(|(status, _)| *status).min_by_key(|status| progress(*status))?;
    let updated_at = found.iter().filter_map(|(_, at)| *at).max();
    Some((status, updated_at))
}

fn progress(status: DispatchStatus) -> u8 {
    match status {
        DispatchStatus::Submitted => 0,
        DispatchStatus::Accepted => 1,
        DispatchStatus::Preparing => 2,
        DispatchStatus::Ready => 3,
        DispatchStatus::Dispensed => 4,
        DispatchStatus::Rejected => 5,
        DispatchStatus::Cancelled => 6,
    }
}

/// FHIR R4 value set medicationdispense-status. `in-progress` is packed and waits to be picked up.
fn dispense_status(code: &str) -> DispatchStatus {
    match code {
        "preparation" | "on-hold" => DispatchStatus::Preparing,
        "in-progress" => DispatchStatus::Ready,
        "completed" => DispatchStatus::Dispensed,
        "declined" | "stopped" => DispatchStatus::Rejected,
        "cancelled" | "entered-in-error" => DispatchStatus::Cancelled,
        _ => DispatchStatus::Accepted,
    }
}

fn entries(bundle: &Value) -> impl Iterator<Item = &Value> {
    bundle.get("entry").and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(resource: &'a Value, pointer: &str) -> &'a str {
    resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn updated(resource: &Value) -> Option<Timestamp> {
    text(resource, "/meta/lastUpdated").parse().ok()
}
