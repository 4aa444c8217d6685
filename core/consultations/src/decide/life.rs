//! Coming, going, beginning, ending, and being given up.

use std::time::Duration;

use consilium_kernel::{Refusal, Timestamp, UserId};
use consilium_scheduling::Status as AppointmentStatus;

use super::{
    Event,
    waiting::{place_for, place_is_kept},
};
use crate::{
    model::{AppointmentKind, Client, Consultation, LeftBecause, Part, Status},
    refusal::ConsultationRefusal::{InvalidTransition, TooEarly},
    service::Policy,
};

pub(super) fn join(
    consultation: &Consultation,
    policy: &Policy,
    (part, user): (Part, UserId),
    client: &Client,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    client.check()?;
    if consultation.status.is_over() || !consultation.is_agreed() {
        return Err(InvalidTransition.refusal());
    }
    let opens_at = consultation.starts_at.saturating_sub(policy.early_join).unwrap_or(Timestamp::MIN);
    if part == Part::Patient && consultation.status == Status::Scheduled && now < opens_at {
        return Err(TooEarly.refusal().because(format!("The waiting room opens at {opens_at}.")));
    }
    let known = consultation.participant(user);
    let mut events = Vec::new();
    if !known.is_some_and(|participant| participant.present) {
        let reconnected = known.is_some_and(|participant| participant.joined_at.is_some());
        events.push(Event::Joined { user_id: user, role: part, reconnected, client: client.clone(), at: now });
    }
    match consultation.status {
        Status::Scheduled if part == Part::Patient => {
            events.push(Event::Waited { since: now, place_at: place_for(consultation, policy, now) });
        }
        Status::Waiting if part == Part::Patient && !place_is_kept(consultation, policy, now) => {
            events.push(Event::Placed { place_at: place_for(consultation, policy, now) });
        }
        _ => {}
    }
    Ok(events)
}

pub(super) fn leave(consultation: &Consultation, user: UserId, because: LeftBecause, at: Timestamp) -> Vec<Event> {
    consultation
        .participant(user)
        .filter(|participant| participant.present)
        .map(|participant| Event::Left { user_id: user, role: participant.role, because, at })
        .into_iter()
        .collect()
}

pub(super) fn begin(consultation: &Consultation, from: &[Status], now: Timestamp) -> Result<Vec<Event>, Refusal> {
    if !from.contains(&consultation.status) || !consultation.is_agreed() {
        return Err(InvalidTransition.refusal());
    }
    let admitted = (consultation.status == Status::Waiting).then_some(Event::Admitted);
    Ok(admitted.into_iter().chain([Event::Started { at: now }]).collect())
}

/// An empty room is not closed before whoever just lost the connection could come back.
const TIME_TO_RETURN: Duration = Duration::from_secs(60);

/// When a consultation is to be given up, or to be ended, if nothing changes until then.
pub(crate) fn abandoned_at(consultation: &Consultation, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let after = |from: Timestamp, limit| from.saturating_add(limit).unwrap_or(Timestamp::MAX);
    match (consultation.status, consultation.away_since) {
        (Status::Waiting, Some(gone)) => {
            let kept = after(gone, policy.keep_place);
            // Without a place there is nothing that a walk-in could come back to.
            let booked = consultation.kind == AppointmentKind::Booked;
            Some(if booked { kept.max(after(consultation.ends_at, policy.no_show_after)) } else { kept })
        }
        (Status::Waiting, None) if consultation.is_present(Part::Doctor) => Some(after(now, policy.waiting_limit)),
        (Status::Waiting, None) => {
            let since = consultation.waiting_since.unwrap_or(now);
            Some(after(since.max(consultation.starts_at), policy.waiting_limit))
        }
        (Status::InProgress, _) if !consultation.is_occupied() => {
            let empty = after(now, policy.empty_limit);
            let overrun = after(consultation.ends_at, policy.overrun).max(after(now, TIME_TO_RETURN));
            Some(if have_met(consultation) { empty.min(overrun) } else { empty })
        }
        (Status::Scheduled | Status::InProgress | Status::Completed | Status::Abandoned, _) => None,
    }
}

/// The timer was set when this was true; it may not be any more. Doctor and patient who have met and are gone when the
/// booked time and its overrun have passed are through.
pub(super) fn abandon(consultation: &Consultation, policy: &Policy, now: Timestamp) -> Vec<Event> {
    let over = match consultation.status {
        Status::InProgress => !consultation.is_occupied(),
        Status::Waiting => abandoned_at(consultation, policy, now).is_some_and(|due| due <= now),
        Status::Scheduled | Status::Completed | Status::Abandoned => false,
    };
    let overrun = consultation.ends_at.saturating_add(policy.overrun).unwrap_or(Timestamp::MAX);
    let through = consultation.status == Status::InProgress && have_met(consultation) && now >= overrun;
    let status = if through { Status::Completed } else { Status::Abandoned };
    over.then_some(Event::Ended { status, at: now }).into_iter().collect()
}

fn have_met(consultation: &Consultation) -> bool {
    consultation.has_come(Part::Doctor) && consultation.has_come(Part::Patient)
}

/// What becomes of the appointment when its consultation ends in this way: it took place, the patient did not come, or
/// the patient waited in vain.
pub(crate) fn settles_as(consultation: &Consultation, end: Status) -> AppointmentStatus {
    let begun = consultation.started_at.is_some();
    let patient_came = consultation.has_come(Part::Patient) || consultation.kind == AppointmentKind::WalkIn;
    let patient_waits = consultation.status == Status::Waiting && consultation.away_since.is_none();
    match end {
        Status::Completed => AppointmentStatus::Completed,
        _ if begun && patient_came => AppointmentStatus::Completed,
        _ if !begun && patient_waits => AppointmentStatus::Cancelled,
        _ => AppointmentStatus::NoShow,
    }
}
