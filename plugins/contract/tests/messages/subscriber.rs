//! Messages of `events/1`.

use crate::{Golden, text};
use consilium_plugin_contract::{
    Call as _, Entity, Event, Permissions,
    host::KvWrite,
    subscriber::{EventsTaken, OnEvents, RejectedEvent},
};
use serde_json::json;

pub fn subscriber(golden: &mut Golden) {
    let event = Event {
        id: text("e"),
        kind: text("appointment_accepted"),
        schema: 1,
        entity: Entity { kind: text("appointment"), id: text("a") },
        version: 2,
        facility: text("f"),
        at: "2026-11-20T09:00:00Z".parse().unwrap(),
        data: json!({"appointment_id": "a"}),
    };
    let batch = OnEvents { events: vec![event] };
    golden.call(
        &batch,
        &EventsTaken {
            rejected: vec![RejectedEvent {
                id: text("e"),
                code: text("unknown_facility"),
                message: text("the registry knows no facility f"),
            }],
            writes: vec![KvWrite { key: text("seen/e"), value: Some(json!(1)), expected: Some(0) }],
        },
    );
    let mut seen = batch.clone();
    seen.restrict(&Permissions { events: vec![text("appointment_accepted")], ..Permissions::default() });
    assert_eq!(seen, batch);
    seen.restrict(&Permissions::default());
    assert_eq!(seen.events, []);
}
