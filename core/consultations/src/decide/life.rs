//! Coming, going, beginning, ending, and being given up.

use consilium_kernel::{Refusal, Timestamp, UserId};

use super::Event;
use crate::{
    model::{Consultation, LeftBecause, Part, Status},
    refusal::ConsultationRefusal::{InvalidTransition, TooEarly},
    service::Policy,
};

pub(super) fn join(
    consultation: &Consultation,
    policy: &Policy,
    part: Part,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
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
        events.push(Event::Joined { user_id: user, role: part, reconnected, at: now });
    }
    if part == Part::Patient && consultation.status == Status::Scheduled {
        events.push(Event::Waited { since: now });
    }
    Ok(events)
}

pub(super) fn leave(consultation: &Consultation, user: UserId, because: LeftBecause) -> Vec<Event> {
    consultation
        .participant(user)
        .filter(|participant| participant.present)
        .map(|participant| Event::Left { user_id: user, role: participant.role, because })
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

/// When a consultation is to be given up if nothing changes until then.
pub(crate) fn abandoned_at(consultation: &Consultation, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let wait = |from: Timestamp, limit| from.saturating_add(limit).unwrap_or(Timestamp::MAX);
    match consultation.status {
        Status::Waiting if consultation.is_present(Part::Doctor) => Some(wait(now, policy.waiting_limit)),
        Status::Waiting => {
            let since = consultation.waiting_since.unwrap_or(now);
            Some(wait(since.max(consultation.starts_at), policy.waiting_limit))
        }
        Status::InProgress if !consultation.is_occupied() => Some(wait(now, policy.empty_limit)),
        Status::Scheduled | Status::InProgress | Status::Completed | Status::Abandoned => None,
    }
}

/// The timer was set when this was true; it may not be any more.
pub(super) fn abandon(consultation: &Consultation, policy: &Policy, now: Timestamp) -> Vec<Event> {
    let given_up = match consultation.status {
        Status::InProgress => !consultation.is_occupied(),
        Status::Waiting => abandoned_at(consultation, policy, now).is_some_and(|due| due <= now),
        Status::Scheduled | Status::Completed | Status::Abandoned => false,
    };
    given_up.then_some(Event::Ended { status: Status::Abandoned, at: now }).into_iter().collect()
}
