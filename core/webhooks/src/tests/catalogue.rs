//! What leaves: the listed fields, in their shapes, and nothing else of an event.

use consilium_kernel::{DEFAULT_FACILITY, EntityRef, EventEnvelope, Id};
use serde_json::{Value, json};

use crate::catalogue::{EVENTS, Shape, body};

/// Stands for a patient's words wherever somebody could write some.
const CANARY: &str = "canary-7f3a mother's cough";

fn event(event_type: &str, data: Value) -> EventEnvelope {
    EventEnvelope {
        event_type: event_type.to_owned(),
        schema: 1,
        id: Id::new(uuid::Uuid::from_u128(7)),
        entity: EntityRef::new("appointment", uuid::Uuid::from_u128(1)),
        version: 4,
        facility: DEFAULT_FACILITY,
        at: "2026-06-01T08:00:00Z".parse().unwrap(),
        trace: None,
        data,
    }
}

fn sent(event_type: &str, data: Value) -> Option<Value> {
    body(&event(event_type, data)).map(|body| serde_json::from_str(&body).unwrap())
}

fn id(n: u128) -> String {
    uuid::Uuid::from_u128(n).to_string()
}

#[test]
fn an_appointment_is_told_by_ids_and_times() {
    let data = json!({
        "id": id(1), "doctor_id": id(2), "patient_id": id(3), "facility_id": DEFAULT_FACILITY,
        "starts_at": "2026-06-03T03:40:00Z", "ends_at": "2026-06-03T04:10:00Z", "time_zone": "Asia/Dhaka",
        "status": "pending", "revision": 1, "version": 4, "visit_type": "in_person", "is_emergency": true,
        "reason": CANARY, "symptoms": CANARY, "note": CANARY, "consultation_id": null, "started_at": null,
        "created_at": "2026-06-01T08:00:00Z", "by": "patient", "previous_starts_at": "2026-06-03T03:00:00Z",
    });
    let golden = json!({
        "type": "appointment_booked",
        "timestamp": "2026-06-01T08:00:00Z",
        "data": {
            "appointment_id": id(1), "doctor_id": id(2), "patient_id": id(3), "facility_id": DEFAULT_FACILITY,
            "starts_at": "2026-06-03T03:40:00Z", "ends_at": "2026-06-03T04:10:00Z", "time_zone": "Asia/Dhaka",
            "status": "pending", "visit_type": "in_person", "by": "patient",
            "previous_starts_at": "2026-06-03T03:00:00Z", "version": 4,
        },
    });
    assert_eq!(sent("appointment_booked", data), Some(golden));
}

#[test]
fn events_that_are_not_listed_go_to_nobody() {
    for secret in [
        "email_verification_requested",
        "password_reset_requested",
        "password_changed",
        "session_started",
        "session_ended",
        "sessions_ended",
        "refresh_token_reused",
        "notes_updated",
        "ping",
    ] {
        assert_eq!(sent(secret, json!({"token": CANARY})), None, "{secret}");
    }
}

#[test]
fn a_change_of_provider_and_what_plugins_tell_name_plugins_and_no_more() {
    let data = json!({
        "consultation_id": id(1), "appointment_id": id(2), "doctor_id": id(3), "patient_id": id(4),
        "facility_id": DEFAULT_FACILITY, "from": "video-livekit", "to": "video-jitsi", "reason": "livekit_unavailable",
        "version": 2,
    });
    let told = sent("video_provider_switched", data).unwrap();
    let golden = json!({
        "consultation_id": id(1), "appointment_id": id(2), "doctor_id": id(3), "patient_id": id(4),
        "facility_id": DEFAULT_FACILITY, "from": "video-livekit", "to": "video-jitsi", "version": 4,
    });
    assert_eq!(told["data"], golden);
    let data = json!({"plugin": "video-zoom", "type": "room_recorded", "data": {"title": CANARY}});
    let golden = json!({
        "plugin": "video-zoom", "plugin_event_type": "room_recorded", "facility_id": DEFAULT_FACILITY, "version": 4,
    });
    assert_eq!(sent("plugin_event", data).unwrap()["data"], golden);
    for wrong in ["Video Zoom", "video--zoom", "-", "", "a_b", &"x".repeat(65)] {
        let told = sent("plugin_event", json!({"plugin": wrong, "type": "room_recorded"})).unwrap();
        assert_eq!(told["data"].get("plugin"), None, "{wrong}");
    }
}

#[test]
fn no_text_gets_out_through_any_field() {
    // Every field of every event holds text, and so does everything that the list does not name.
    for public in EVENTS {
        let mut data = json!({"reason": CANARY, "diagnosis": CANARY, "body": CANARY, "anything": {"else": CANARY}});
        for field in public.fields {
            data[field.from] = json!(CANARY);
        }
        let sent = body(&event(public.event_type, data)).unwrap();
        for word in ["canary", "mother", "cough"] {
            assert!(!sent.contains(word), "{sent}");
        }
    }
}

#[test]
fn shapes_take_what_they_name_and_no_more() {
    let told = |field: &str, value: Value| {
        let sent = sent("consultation_ended", json!({field: value})).unwrap();
        sent["data"].get(field).is_some()
    };
    for (field, value, fits) in [
        ("consultation_id", json!(id(1)), true),
        ("consultation_id", json!("1"), false),
        ("consultation_id", json!({"id": id(1)}), false),
        ("started_at", json!("2026-06-03T03:40:00Z"), true),
        ("started_at", json!("yesterday"), false),
        ("started_at", Value::Null, false),
        ("status", json!("completed"), true),
        ("status", json!("in pain"), false),
        ("status", json!("x".repeat(41)), false),
        ("duration_seconds", json!(900), true),
        ("duration_seconds", json!("900"), false),
    ] {
        assert_eq!(told(field, value.clone()), fits, "{field} {value}");
    }
}

#[test]
fn the_list_is_in_order_and_names_nothing_twice() {
    assert!(EVENTS.is_sorted_by(|a, b| a.event_type < b.event_type));
    for event in EVENTS {
        let mut names: Vec<_> = event.fields.iter().map(|field| field.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), event.fields.len(), "{}", event.event_type);
        assert!(!names.contains(&"version") && !names.contains(&"facility_id"), "{}", event.event_type);
    }
}

#[test]
fn the_documentation_lists_every_event_with_its_fields() {
    let written = include_str!("../../../../docs/webhooks.md");
    for event in EVENTS {
        let row = written.lines().find(|line| line.starts_with(&format!("| `{}` |", event.event_type)));
        let row = row.unwrap_or_else(|| panic!("{} is not in docs/webhooks.md", event.event_type));
        let told: Vec<&str> = row.split('`').skip(3).step_by(2).collect();
        let fields: Vec<&str> = event.fields.iter().map(|field| field.name).collect();
        assert_eq!(told, fields, "{}", event.event_type);
    }
    let listed = written.lines().filter(|line| line.starts_with("| `") && line.contains("_id`")).count();
    assert!(listed >= EVENTS.iter().filter(|event| event.fields.iter().any(|f| f.shape == Shape::Id)).count());
}
