//! Messages of `analytics/1`, and the events they carry.

use crate::{Golden, text};
use consilium_plugin_contract::{
    Entity, Event, Money,
    analytics::{ConsultationEnded, ConsultationRated, DoctorDay, DoctorReport, EventsCounted, OnEvents, Report},
    host::KvWrite,
};

pub fn analytics(golden: &mut Golden) {
    let at = "2026-11-20T09:00:00Z".parse().unwrap();
    let money = Money { amount_minor: 150_000, currency: text("BDT") };
    let ended = ConsultationEnded {
        consultation_id: text("c"),
        doctor_id: text("d"),
        patient_id: text("p"),
        started_at: at,
        ended_at: "2026-11-20T09:20:00Z".parse().unwrap(),
        time_zone: text("Asia/Dhaka"),
        fee: Some(money.clone()),
    };
    golden.pin("event.consultation_ended.1", &ended);
    golden.pin(
        "event.consultation_rated.1",
        &ConsultationRated {
            consultation_id: text("c"),
            doctor_id: text("d"),
            ended_at: at,
            time_zone: text("Asia/Dhaka"),
            rating: 5,
        },
    );
    let event = Event {
        id: text("e"),
        kind: text("consultation_ended"),
        schema: 1,
        entity: Entity { kind: text("consultation"), id: text("c") },
        version: 3,
        facility: text("f"),
        at,
        data: serde_json::to_value(ended).unwrap(),
    };
    let write = KvWrite { key: text("day/d/2026-11-20"), value: None, expected: None };
    golden.call(&OnEvents { events: vec![event] }, &EventsCounted { writes: vec![write] });
    golden.call(
        &Report { doctor_id: text("d"), from: "2026-11-01".parse().unwrap(), to: "2026-11-30".parse().unwrap() },
        &DoctorReport {
            days: vec![DoctorDay {
                date: "2026-11-20".parse().unwrap(),
                sessions: 3,
                average_duration_seconds: 1200,
                average_rating: Some(4.5),
                earnings: vec![money],
                patients: 2,
            }],
        },
    );
}
