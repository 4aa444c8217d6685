//! A prescription as a FHIR R4 transaction Bundle: Patient, Practitioner, one MedicationRequest per
//! medicine, held together by their group identifier.

use consilium_plugin_sdk::contract::pharmacy::{Medicine, Patient, Prescriber, Prescription};
use serde_json::{Map, Value, json};

const PATIENT: &str = "urn:uuid:00000000-0000-4000-8000-000000000001";
const PRACTITIONER: &str = "urn:uuid:00000000-0000-4000-8000-000000000002";

/// The Bundle. Everything is created only if it is not there (`ifNoneExist`), so that a repeated
/// transaction changes nothing even at a server that ignores Idempotency-Key.
pub(crate) fn transaction(prescription: &Prescription, system: &str) -> Value {
    let mut entries = vec![
        entry(PATIENT, &patient(&prescription.patient, system), &format!("{system}/patient"), &prescription.patient.id),
        entry(
            PRACTITIONER,
            &practitioner(&prescription.prescriber, system),
            &format!("{system}/practitioner"),
            &prescription.prescriber.id,
        ),
    ];
    for (index, medicine) in prescription.medicines.iter().enumerate() {
        let number = index + 1;
        let item = format!("{}-{number}", prescription.id);
        let resource = medication_request(prescription, medicine, system, &item);
        let url = format!("urn:uuid:00000000-0000-4000-8000-{:012}", number + 2);
        entries.push(entry(&url, &resource, system, &item));
    }
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

fn entry(full_url: &str, resource: &Value, system: &str, identifier: &str) -> Value {
    let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    json!({
        "fullUrl": full_url,
        "resource": resource,
        "request": {"method": "POST", "url": kind, "ifNoneExist": format!("identifier={system}|{identifier}")},
    })
}

fn patient(patient: &Patient, system: &str) -> Value {
    let name = patient.name.as_ref();
    without_nulls(json!({
        "resourceType": "Patient",
        "identifier": [{"system": format!("{system}/patient"), "value": patient.id}],
        "name": name.map(|name| json!([{"family": name.family, "given": [name.given]}])),
        "birthDate": patient.birth_date.map(|date| date.to_string()),
        "gender": patient.gender,
        "telecom": patient.phone.as_ref().map(|phone| json!([{"system": "phone", "value": phone}])),
    }))
}

fn practitioner(prescriber: &Prescriber, system: &str) -> Value {
    json!({
        "resourceType": "Practitioner",
        "identifier": [{"system": format!("{system}/practitioner"), "value": prescriber.id}],
        "name": [{"text": prescriber.display_name}],
        // Code MD of the FHIR code system for qualifications, v2-0360.
        "qualification": [{
            "identifier": [{"value": prescriber.licence_number}],
            "code": {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": "MD",
            }]},
        }],
    })
}

fn medication_request(prescription: &Prescription, medicine: &Medicine, system: &str, item: &str) -> Value {
    let supply = without_nulls(json!({
        "validityPeriod": prescription.valid_until.map(|day| json!({
            "start": prescription.issued_at.to_string(), "end": day.to_string(),
        })),
        "quantity": medicine.quantity.map(|value| json!({"value": value})),
        "expectedSupplyDuration": {
            "value": medicine.duration_days, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d",
        },
    }));
    let notes: Vec<Value> = prescription
        .advice
        .iter()
        .cloned()
        .chain(prescription.verification_code.iter().map(|code| format!("Verification code: {code}")))
        .map(|text| json!({"text": text}))
        .collect();
    without_nulls(json!({
        "resourceType": "MedicationRequest",
        "identifier": [{"system": system, "value": item}],
        "groupIdentifier": {"system": system, "value": prescription.id},
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": medicine.name},
        "subject": {"reference": PATIENT},
        "requester": {"reference": PRACTITIONER},
        "authoredOn": prescription.issued_at.to_string(),
        "reasonCode": prescription.diagnosis.as_ref().map(|text| json!([{"text": text}])),
        "dosageInstruction": [without_nulls(json!({
            "text": format!("{} {} {}", medicine.dose, medicine.route, medicine.frequency),
            "timing": {
                "repeat": {"boundsDuration": {
                    "value": medicine.duration_days, "unit": "days",
                    "system": "http://unitsofmeasure.org", "code": "d",
                }},
                "code": {"text": medicine.frequency},
            },
            "route": {"text": medicine.route},
            "patientInstruction": medicine.instructions,
        }))],
        "dispenseRequest": supply,
        "note": if notes.is_empty() { Value::Null } else { Value::from(notes) },
    }))
}

/// FHIR knows no null members.
fn without_nulls(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
}
