//! Messages of `pharmacy/1`.

use crate::{Golden, text};
use consilium_plugin_contract::{
    Reconciled,
    fhir::{Address, DayOfWeek, HoursOfOperation, Position},
    pharmacy::{
        Cancel, Dispatch, DispatchStatus, HumanName, Medicine, Patient, PharmaciesFound, Pharmacy, Prescriber,
        Prescription, Reconcile, Search, Status, Submit,
    },
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
    golden.call(&Reconcile { idempotency_key: text("key") }, &Reconciled::done(dispatch.clone()));
    golden.call(
        &Search {
            text: Some(text("Dhanmondi")),
            near: Some(Position { latitude: 23.7461, longitude: 90.3742 }),
            open_at: Some(at),
            limit: 20,
        },
        &PharmaciesFound { pharmacies: vec![corner()] },
    );
    use DispatchStatus::{Accepted, Cancelled, Dispensed, Preparing, Ready, Rejected, Submitted};
    assert_eq!(
        json!([Submitted, Accepted, Preparing, Ready, Dispensed, Rejected, Cancelled]),
        json!(["submitted", "accepted", "preparing", "ready", "dispensed", "rejected", "cancelled"])
    );
}

fn corner() -> Pharmacy {
    use DayOfWeek::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    Pharmacy {
        id: text("north"),
        name: text("North Corner Pharmacy"),
        address: Some(Address {
            line: vec![text("12 Lake Road")],
            city: Some(text("Dhaka")),
            district: Some(text("Dhanmondi")),
            postal_code: Some(text("1209")),
            country: Some(text("BD")),
        }),
        phone: Some(text("+88029000000")),
        position: Some(Position { latitude: 23.7465, longitude: 90.376 }),
        distance_metres: Some(190),
        hours_of_operation: vec![
            HoursOfOperation {
                days_of_week: vec![Mon, Tue, Wed, Thu, Sat, Sun],
                all_day: false,
                opening_time: Some("08:00:00".parse().unwrap()),
                closing_time: Some("22:00:00".parse().unwrap()),
            },
            HoursOfOperation { days_of_week: vec![Fri], all_day: true, opening_time: None, closing_time: None },
        ],
        time_zone: Some(text("Asia/Dhaka")),
    }
}
