//! Messages of `pharmacy/1`.

use crate::{Golden, text};
use consilium_plugin_contract::pharmacy::{
    Cancel, Dispatch, DispatchStatus, HumanName, Medicine, Patient, Prescriber, Prescription, Status, Submit,
};
use serde_json::json;

pub fn pharmacy(golden: &mut Golden) {
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
    use DispatchStatus::{Accepted, Cancelled, Dispensed, Preparing, Ready, Rejected, Submitted};
    assert_eq!(
        json!([Submitted, Accepted, Preparing, Ready, Dispensed, Rejected, Cancelled]),
        json!(["submitted", "accepted", "preparing", "ready", "dispensed", "rejected", "cancelled"])
    );
}
