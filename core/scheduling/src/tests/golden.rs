//! How events and commands are written: others read them, on other nodes and later. A change that is meant gets
//! a new schema number.

use consilium_kernel::{DEFAULT_FACILITY, Id, TimeZone};
use serde_json::{Value, json};
use uuid::Uuid;

use super::support::t;
use crate::{
    Appointment, AppointmentEvent, AppointmentKind, Booking, Change, Party, ScheduleCommand, Status, VisitType,
};

fn id<T>(n: u128) -> Id<T> {
    Id::new(Uuid::from_u128(n))
}

fn written(n: u128) -> String {
    Uuid::from_u128(n).to_string()
}

#[test]
fn an_event_is_the_whole_appointment_and_who_did_it() {
    let event = AppointmentEvent {
        appointment: Appointment {
            id: id(1),
            doctor_id: id(2),
            patient_id: id(3),
            facility_id: DEFAULT_FACILITY,
            kind: AppointmentKind::Booked,
            starts_at: t("2026-06-03T03:40:00Z"),
            ends_at: t("2026-06-03T04:10:00Z"),
            time_zone: "Asia/Dhaka".parse::<TimeZone>().unwrap(),
            status: Status::NoShow,
            revision: 1,
            version: 4,
            visit_type: VisitType::InPerson,
            is_emergency: false,
            reason: Some("a cough".to_owned()),
            symptoms: None,
            consultation_id: Some(id(4)),
            started_at: None,
            created_at: t("2026-06-01T08:00:00Z"),
        },
        by: Party::Patient,
        note: Some("the bus".to_owned()),
        previous_starts_at: Some(t("2026-06-03T03:00:00Z")),
    };
    let golden = json!({
        "id": written(1),
        "doctor_id": written(2),
        "patient_id": written(3),
        "facility_id": DEFAULT_FACILITY.to_string(),
        "starts_at": "2026-06-03T03:40:00Z",
        "ends_at": "2026-06-03T04:10:00Z",
        "time_zone": "Asia/Dhaka",
        "status": "no_show",
        "revision": 1,
        "version": 4,
        "visit_type": "in_person",
        "is_emergency": false,
        "reason": "a cough",
        "symptoms": null,
        "consultation_id": written(4),
        "started_at": null,
        "created_at": "2026-06-01T08:00:00Z",
        "by": "patient",
        "note": "the bus",
        "previous_starts_at": "2026-06-03T03:00:00Z",
    });
    assert_eq!(serde_json::to_value(&event).unwrap(), golden);
    assert_eq!(serde_json::from_value::<AppointmentEvent>(golden).unwrap(), event);
}

#[test]
fn commands_travel_as_they_are_written_here() {
    let commands = [
        (
            ScheduleCommand::Book(Booking {
                appointment_id: id(1),
                patient_id: id(3),
                starts_at: t("2026-06-03T03:40:00Z"),
                visit_type: VisitType::Chat,
                is_emergency: true,
                reason: "a cough".to_owned(),
                symptoms: Some("fever".to_owned()),
            }),
            json!({
                "command": "book", "appointment_id": written(1), "patient_id": written(3),
                "starts_at": "2026-06-03T03:40:00Z", "visit_type": "chat", "is_emergency": true,
                "reason": "a cough", "symptoms": "fever",
            }),
        ),
        change(Change::Accept { consultation_id: id(4) }, json!({ "to": "accept", "consultation_id": written(4) })),
        change(Change::Reject, json!({ "to": "reject" })),
        change(Change::Cancel, json!({ "to": "cancel" })),
        change(Change::NoShow, json!({ "to": "no_show" })),
        change(
            Change::Reschedule { starts_at: t("2026-06-03T03:40:00Z") },
            json!({ "to": "reschedule", "starts_at": "2026-06-03T03:40:00Z" }),
        ),
    ];
    for (command, golden) in commands {
        let json = serde_json::to_value(&command).unwrap();
        assert_eq!(json, golden);
        let again: ScheduleCommand = serde_json::from_value(golden).unwrap();
        assert_eq!(serde_json::to_value(&again).unwrap(), json);
    }
}

fn change(change: Change, golden: Value) -> (ScheduleCommand, Value) {
    let command = ScheduleCommand::Change { appointment_id: id(1), change, note: None, no_show_minutes: 30 };
    let golden = json!({
        "command": "change", "appointment_id": written(1), "change": golden, "note": null, "no_show_minutes": 30,
    });
    (command, golden)
}
