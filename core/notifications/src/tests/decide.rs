//! The rules of time, by tables and properties.

use consilium_kernel::*;
use consilium_scheduling::{Status, VisitType};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::{
    content::{AppointmentContent, Content},
    decide::*,
    model::{DeliveryStatus, Kind},
};

fn start() -> Timestamp {
    "2026-12-01T09:00:00Z".parse().unwrap()
}

fn appointment(status: Status, revision: i64) -> AppointmentContent {
    let id = |number| uuid::Uuid::from_u128(number);
    AppointmentContent {
        id: Id::new(id(1)),
        doctor_id: Id::new(id(2)),
        patient_id: Id::new(id(3)),
        starts_at: start(),
        ends_at: start() + SignedDuration::from_mins(30),
        time_zone: TimeZone::utc(),
        status,
        revision,
        version: 1,
        visit_type: VisitType::Chat,
        consultation_id: None,
        previous_starts_at: None,
    }
}

#[test]
fn when_a_reminder_is_right() {
    use Kind::*;
    // Kind, status, revision it was set for, minutes before the start, right?
    for (kind, status, revision, minutes, right) in [
        (Reminder24h, Status::Accepted, 2, 24 * 60, true),
        (Reminder24h, Status::Accepted, 2, 61, true),
        (Reminder24h, Status::Accepted, 2, 60, false),
        (Reminder1h, Status::Accepted, 2, 60, true),
        (Reminder1h, Status::Accepted, 2, 1, true),
        (Reminder1h, Status::Accepted, 2, 0, false),
        (Reminder1h, Status::Accepted, 2, -5, false),
        (Reminder1h, Status::Accepted, 1, 60, false),
        (Reminder1h, Status::Accepted, 3, 60, false),
        (Reminder1h, Status::Pending, 2, 60, false),
        (Reminder1h, Status::Cancelled, 2, 60, false),
        (Reminder1h, Status::Rejected, 2, 60, false),
        (Reminder1h, Status::Completed, 2, 60, false),
        (Reminder1h, Status::NoShow, 2, 60, false),
    ] {
        let now = start() - SignedDuration::from_mins(minutes);
        let found = reminder_is_right(kind, &appointment(status, 2), revision, now);
        assert_eq!(found, right, "{kind} {status} {revision} {minutes}");
    }
}

#[test]
fn how_long_a_message_is_worth_sending() {
    let now = start() - SignedDuration::from_hours(24);
    let content = Content::Appointment(appointment(Status::Accepted, 0));
    let hours = |kind| expires_at(kind, &content, now).duration_since(now).as_hours();
    assert_eq!(hours(Kind::Reminder24h), 24);
    assert_eq!(hours(Kind::AppointmentAccepted), 7 * 24);
    assert_eq!(hours(Kind::EmailVerification), 24);
    assert_eq!(hours(Kind::PasswordReset), 1);
}

proptest! {
    /// Waits grow, stay within bounds, and a delivery ends after exactly the attempts allowed.
    #[test]
    fn passing_failures_end_in_a_dead_letter(max in 1..60_i32, random in any::<u32>()) {
        let mut now = start();
        for attempt in 1..=max {
            let verdict = judge(Err(SendError::Passing("smtp_451".into())), attempt, max, random, now);
            prop_assert!(verdict.sent_at.is_none());
            let wait = verdict.next_attempt_at.duration_since(now);
            if attempt == max {
                prop_assert_eq!(verdict.status, DeliveryStatus::Dead);
            } else {
                prop_assert_eq!(verdict.status, DeliveryStatus::Failed);
                prop_assert!(wait >= SignedDuration::from_secs(5) && wait <= SignedDuration::from_hours(1));
                prop_assert!(backoff(attempt + 1, random) >= backoff(attempt, random));
            }
            now = verdict.next_attempt_at;
        }
    }

    /// Whoever is asked to wait waits, but never shorter than otherwise, and never for days.
    #[test]
    fn what_was_asked_for_is_waited_for(attempt in 1..29_i32, asked in 0..200_000_i64, random in any::<u32>()) {
        let outcome = Err(SendError::NotBefore("push_429".into(), SignedDuration::from_secs(asked)));
        let verdict = judge(outcome, attempt, 30, random, start());
        let wait = verdict.next_attempt_at.duration_since(start());
        prop_assert_eq!(verdict.status, DeliveryStatus::Failed);
        prop_assert!(wait >= SignedDuration::from_secs(asked.min(6 * 3600)) && wait <= SignedDuration::from_hours(6));
        prop_assert!(wait >= backoff(attempt, random));
    }

    #[test]
    fn a_final_failure_is_final_and_success_is_success(attempt in 1..100_i32, max in 1..60_i32, random in any::<u32>()) {
        let dead = judge(Err(SendError::Final("smtp_550".into())), attempt, max, random, start());
        prop_assert_eq!(dead.status, DeliveryStatus::Dead);
        let gone = judge(Err(SendError::Gone("push_410".into())), attempt, max, random, start());
        prop_assert_eq!((gone.status, gone.sent_at), (DeliveryStatus::Withdrawn, None));
        let sent = judge(Ok(()), attempt, max, random, start());
        prop_assert_eq!((sent.status, sent.sent_at, sent.last_error), (DeliveryStatus::Sent, Some(start()), None));
    }
}
