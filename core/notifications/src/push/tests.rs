//! What is said to browsers, and what is not.

use consilium_kernel::{Id, TimeZone, Timestamp};
use consilium_scheduling::{Status, VisitType};
use jiff::SignedDuration;

use super::{BrowserAddress, message::*};
use crate::{
    content::{AppointmentContent, Content},
    model::Kind,
};

fn id<T>(number: u128) -> Id<T> {
    Id::new(uuid::Uuid::from_u128(number))
}

fn now() -> Timestamp {
    "2026-12-01T09:00:00Z".parse().unwrap()
}

/// One of each sort.
fn contents() -> Vec<(Content, &'static str, &'static str)> {
    let at = now();
    let appointment = AppointmentContent {
        id: id(1),
        doctor_id: id(2),
        patient_id: id(3),
        starts_at: at,
        ends_at: at,
        time_zone: TimeZone::utc(),
        status: Status::Accepted,
        revision: 1,
        version: 4,
        visit_type: VisitType::Video,
        consultation_id: Some(id(4)),
        previous_starts_at: None,
    };
    let (user_id, doctor_id, patient_id) = (id(5), id(2), id(3));
    let messages = |consultation_id, thread_id| Content::Messages { user_id, seq: 7, consultation_id, thread_id };
    let place = "00000000-0000-0000-0000-000000000001";
    let held = Content::FollowUp {
        id: uuid::Uuid::nil(),
        doctor_id,
        patient_id,
        starts_at: Some(at),
        expires_at: Some(at),
        visit_type: VisitType::Chat,
    };
    let refused = Content::Verification { user_id, reason: Some("canarybird".to_owned()) };
    let token = Content::Token { user_id, token: "canarybird".to_owned() };
    let prescription =
        Content::Prescription { prescription_id: id(6), doctor_id, patient_id, status: Some("canarybird".to_owned()) };
    vec![
        (Content::Appointment(appointment), "appointment", "/appointments/{}"),
        (held, "appointment", "/appointments"),
        (messages(None, Some(id(1))), "message", "/messages/{}"),
        (messages(Some(id(1)), None), "message", "/consultations/{}"),
        (messages(None, None), "news", "/inbox"),
        (refused, "account", "/inbox"),
        (token, "account", "/inbox"),
        (Content::Account { user_id }, "account", "/inbox"),
        (prescription, "news", "/inbox"),
        (Content::Consultation { consultation_id: id(1), doctor_id, patient_id }, "news", "/inbox"),
    ]
    .into_iter()
    .map(|(content, about, url)| (content, about, &*url.replace("{}", place).leak()))
    .collect()
}

#[test]
fn a_browser_is_told_the_sort_and_the_page_and_all_messages_are_of_one_length() {
    for (content, about, url) in contents() {
        let body = body(id(9), &content);
        assert_eq!(body.len(), 192);
        let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(told, serde_json::json!({"id": id::<()>(9), "about": about, "url": url}));
    }
}

#[test]
fn what_is_worth_nothing_any_more_is_not_kept_and_nothing_for_longer_than_services_do() {
    let after = |hours| seconds_to_live(now() + SignedDuration::from_hours(hours), now());
    assert_eq!([after(-1), after(0), after(1), after(24 * 365)], [0, 0, 3600, 28 * 24 * 3600]);
}

#[test]
fn only_what_cannot_wait_wakes_a_device() {
    use Kind::*;
    let urgent = [Reminder1h, AppointmentCancelled, AppointmentRescheduled, SecurityAlert];
    assert!(urgent.iter().all(|kind| urgency(*kind) == "high"));
    assert!([Reminder24h, MessagesWaiting, PrescriptionIssued].iter().all(|kind| urgency(*kind) == "normal"));
}

#[test]
fn an_address_prints_nothing_of_itself() {
    let address =
        BrowserAddress { endpoint: "canarybird".into(), p256dh: "canarybird".into(), auth: "canarybird".into() };
    assert!(!format!("{address:?}").contains("canarybird"));
}
