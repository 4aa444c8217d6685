//! `pharmacy/1`: a prescription on its way.

use super::{Effect, NOON, Sample, id};
use crate::session::{Session, Trouble};
use consilium_plugin_host::contract::{
    Call,
    pharmacy::{Cancel, Dispatch, Status, Submit},
};
use serde_json::{Value, json};

pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<Submit>(submit(0)),
        Sample::of::<Status>(json!({"reference": "reference-1"})),
        Sample::of::<Cancel>(json!({"idempotency_key": "cancel", "reference": "reference-1", "reason": "a mistake"})),
    ]
}

pub(super) async fn samples_of_made(session: &Session, number: u64) -> Result<Vec<Sample>, Trouble> {
    let reference = send(session, number).await?.reference;
    Ok(vec![Sample::of::<Status>(json!({"reference": reference})), Sample::of::<Cancel>(cancel(&reference, number))])
}

fn cancel(reference: &str, number: u64) -> Value {
    json!({"idempotency_key": format!("cancel-{number}"), "reference": reference, "reason": "a mistake"})
}

fn submit(number: u64) -> Value {
    json!({
        "idempotency_key": format!("prescription-{number}"),
        "prescription": {
            "id": id(4, number), "issued_at": NOON, "valid_until": "2027-02-20", "diagnosis": "Acute pharyngitis",
            "patient": {
                "id": id(3, number), "name": {"given": "Ada", "family": "Rahman"}, "birth_date": "1990-05-17",
                "gender": "female", "phone": "+8801700000000",
            },
            "prescriber": {"id": id(2, number), "display_name": "Dr. Kamal Hossain", "licence_number": "A-12345"},
            "medicines": [{
                "name": "Paracetamol", "dose": "500 mg", "route": "oral", "frequency": "three times a day",
                "duration_days": 5, "quantity": 15, "instructions": "after meals",
            }],
            "verification_code": "ABCD-EFGH",
        },
    })
}

async fn send(session: &Session, number: u64) -> Result<Dispatch, Trouble> {
    let dispatch = session.ask::<Submit>(submit(number)).await?;
    if dispatch.reference.is_empty() {
        return Err(Trouble::new(Submit::METHOD, "the reference is empty: nobody could ask again with it"));
    }
    Ok(dispatch)
}

pub(super) async fn effect(session: &Session, number: u64) -> Result<Effect, Trouble> {
    let dispatch = send(session, number).await?;
    Ok(Effect { method: Submit::METHOD, left: json!(dispatch.reference), distinct: true })
}

pub(super) async fn story(session: &Session, number: u64) -> Result<String, Trouble> {
    let reference = send(session, number).await?.reference;
    let status = session.ask::<Status>(json!({"reference": reference})).await?;
    if status.reference != reference {
        return Err(Trouble::new(Status::METHOD, "the answer is about another reference than the question"));
    }
    session.ask::<Cancel>(cancel(&reference, number)).await?;
    Ok(reference)
}
