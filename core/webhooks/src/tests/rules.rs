//! What follows an attempt, by tables and properties.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::{
    catalogue::EVENTS,
    decide::{MAX_ATTEMPTS, Outcome, backoff, disables, judge},
    filter::{EventFilter, wanted},
    model::{DeliveryStatus as Status, DisabledBecause},
};

fn now() -> Timestamp {
    "2026-06-01T08:00:00Z".parse().unwrap()
}

fn answered(status: u16) -> Outcome {
    Outcome::Answered { status, retry_after: None }
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[test]
fn only_2xx_is_a_success_and_only_410_is_final() {
    for (outcome, attempts, status, error) in [
        (answered(200), 1, Status::Delivered, None),
        (answered(204), MAX_ATTEMPTS, Status::Delivered, None),
        (answered(301), 1, Status::Failed, Some("http_301")),
        (answered(400), 1, Status::Failed, Some("http_400")),
        (answered(404), 9, Status::Failed, Some("http_404")),
        (answered(410), 1, Status::Dead, Some("http_410")),
        (answered(500), MAX_ATTEMPTS, Status::Dead, Some("http_500")),
        (Outcome::Failed("timeout"), 1, Status::Failed, Some("timeout")),
        (Outcome::Failed("timeout"), MAX_ATTEMPTS, Status::Dead, Some("timeout")),
    ] {
        let verdict = judge(outcome, attempts, 7, now());
        assert_eq!((verdict.status, verdict.error.as_deref()), (status, error), "{outcome:?} {attempts}");
    }
}

#[test]
fn an_endpoint_is_left_alone_for_as_long_as_it_asks_but_not_for_ever() {
    let wait = |status, asked| {
        let outcome = Outcome::Answered { status, retry_after: Some(asked) };
        let verdict = judge(outcome, 1, 0, now());
        (verdict.next_attempt_at.duration_since(now()), verdict.pause_until.map(|until| until.duration_since(now())))
    };
    assert_eq!(wait(429, hours(1)), (hours(1), Some(hours(1))));
    assert_eq!(wait(503, hours(1)), (hours(1), Some(hours(1))));
    assert_eq!(wait(503, hours(1_000)), (hours(6), Some(hours(6))));
    assert_eq!(wait(429, SignedDuration::from_secs(-5)), (SignedDuration::from_secs(8), Some(SignedDuration::ZERO)));
    assert_eq!(wait(500, hours(1)), (SignedDuration::from_secs(8), None));
}

#[test]
fn a_subscription_is_disabled_when_it_is_gone_or_fails_for_days() {
    let days = hours(5 * 24);
    let since = |hours: i64| Some(now() - SignedDuration::from_hours(hours));
    let failed = judge(answered(500), 1, 0, now());
    for (verdict, failing, because) in [
        (&failed, None, None),
        (&failed, since(5 * 24 - 1), None),
        (&failed, since(5 * 24), Some(DisabledBecause::Failing)),
        (&judge(answered(200), 1, 0, now()), since(1_000), None),
        (&judge(answered(410), 1, 0, now()), None, Some(DisabledBecause::Gone)),
    ] {
        assert_eq!(disables(verdict, failing, days, now()), because, "{verdict:?} {failing:?}");
    }
}

#[test]
fn ten_attempts_take_about_a_day() {
    let day = |random| (1..MAX_ATTEMPTS).map(|attempt| backoff(attempt, random)).sum::<SignedDuration>();
    assert!(day(0) > hours(20), "{}", day(0));
    assert!(day(u32::MAX) < hours(28), "{}", day(u32::MAX));
}

#[test]
fn filters_are_exact_types_or_prefixes_of_some() {
    for wrong in
        ["", "appointment", "appointment_bookd", "nothing_*", "*_booked", "Appointment_*", "ping", "message_read"]
    {
        assert_eq!(EventFilter::parse(wrong), None, "{wrong}");
    }
    let filters = ["appointment_*", "prescription_issued"].map(|text| EventFilter::parse(text).unwrap());
    for (event_type, is_wanted) in [
        ("appointment_booked", true),
        ("appointment_no_show", true),
        ("prescription_issued", true),
        ("prescription_sent", false),
        ("message_sent", false),
    ] {
        assert_eq!(wanted(&filters, event_type), is_wanted, "{event_type}");
    }
    let all = [EventFilter::parse("*").unwrap()];
    assert!(EVENTS.iter().all(|event| wanted(&all, event.event_type)));
}

proptest! {
    #[test]
    fn waits_grow_and_are_spread(attempt in 1..MAX_ATTEMPTS, low in any::<u32>(), high in any::<u32>()) {
        let (low, high) = (low.min(high), low.max(high));
        prop_assert!(backoff(attempt, low) <= backoff(attempt, high));
        // Whatever chance says, a later wait is longer than an earlier one.
        prop_assert!(backoff(attempt, high) < backoff(attempt + 1, low));
    }

    #[test]
    fn every_verdict_is_in_order(status in 100_u16..600, attempts in 1..=MAX_ATTEMPTS, random in any::<u32>()) {
        let verdict = judge(answered(status), attempts, random, now());
        prop_assert_eq!(verdict.status == Status::Delivered, verdict.error.is_none());
        prop_assert_eq!(verdict.status == Status::Failed, verdict.next_attempt_at > now());
    }

    #[test]
    fn a_prefix_wants_exactly_what_begins_so(place in 0..EVENTS.len(), length in 0_usize..12) {
        let prefix: String = EVENTS[place].event_type.chars().take(length).collect();
        let filter = EventFilter::parse(&format!("{prefix}*")).unwrap();
        for event in EVENTS {
            prop_assert_eq!(filter.wants(event.event_type), event.event_type.starts_with(&prefix));
        }
    }
}
