//! The order of the waiting line, and how a wait ends: the documented tables.

use super::*;
use crate::decide::waiting::place_for;

#[test]
fn urgency_is_what_the_table_says() {
    for (triage, is_emergency, priority) in [
        (Some(1), false, 0),
        (Some(1), true, 0),
        (Some(2), false, 1),
        (None, true, 1),
        (Some(4), true, 1),
        (Some(3), false, 2),
        (Some(4), false, 3),
        (Some(5), false, 3),
        (None, false, 3),
    ] {
        let waits = Consultation { triage, is_emergency, ..consultation() };
        assert_eq!(waits.priority(), priority, "{triage:?} {is_emergency}");
    }
}

#[test]
fn a_place_is_the_booked_start_or_the_arrival() {
    let policy = Policy::default();
    let kept = start() + policy.keep_place;
    for (arrival, place) in [
        (start() - 15.minutes(), start()),
        (start(), start()),
        (kept, start()),
        (kept + 1.microsecond(), kept + 1.microsecond()),
    ] {
        assert_eq!(place_for(&consultation(), &policy, arrival), place);
    }
}

#[test]
fn what_becomes_of_the_appointment() {
    use AppointmentStatus::{Cancelled, Completed, NoShow};
    let waiting = in_status(Status::Waiting);
    assert_eq!(settles_as(&waiting, Status::Abandoned), Cancelled, "waited in vain");
    let mut gone = waiting.clone();
    run(&mut gone, &by(PATIENT), Action::Leave, start()).unwrap();
    assert_eq!(settles_as(&gone, Status::Abandoned), NoShow);
    let mut alone = consultation();
    run(&mut alone, &by(DOCTOR), Action::Start, start()).unwrap();
    assert_eq!(settles_as(&alone, Status::Abandoned), NoShow, "the doctor was alone");
    run(&mut alone, &by(PATIENT), JOIN, start()).unwrap();
    assert_eq!(settles_as(&alone, Status::Abandoned), Completed);
    assert_eq!(settles_as(&in_status(Status::InProgress), Status::Completed), Completed);
}

#[test]
fn a_lost_place_is_not_found_again() {
    let mut waits = in_status(Status::Waiting);
    let keep = Policy::default().keep_place;
    run(&mut waits, &by(PATIENT), Action::Leave, start()).unwrap();
    assert_eq!(run(&mut waits.clone(), &by(PATIENT), JOIN, start() + keep), Ok(1), "joined, at the same place");
    let late = start() + keep + 1.microsecond();
    assert_eq!(run(&mut waits, &by(PATIENT), JOIN, late), Ok(2));
    assert_eq!((waits.place_at, waits.away_since), (Some(late), None));
    assert_eq!(waits.waiting_since, Some(start()), "they have waited all the same");
}
