//! The place in the line, and what a waiting patient may ask for.
//!
//! The line is ordered by urgency, then by the time of the place, then by arrival:
//!
//! | urgency | who |
//! |---|---|
//! | 0 | triage level 1 |
//! | 1 | emergencies: said at booking or arrival, raised while waiting, or triage level 2 |
//! | 2 | triage level 3 |
//! | 3 | everybody else |
//!
//! | who | time of the place |
//! |---|---|
//! | booked, there in time or at most `keep_place` late | the booked start |
//! | booked, later than that | the arrival |
//! | walked in | the arrival |
//! | was away for longer than `keep_place` | as if they had just arrived |

use consilium_kernel::{Refusal, Timestamp, UserId};

use super::Event;
use crate::{
    model::{Client, Consultation, DeviceCheck, Part, Status},
    refusal::ConsultationRefusal::InvalidTransition,
    service::Policy,
};

impl Consultation {
    /// How urgent it is: the line's first order, lowest first.
    pub(crate) fn priority(&self) -> i32 {
        match (self.triage, self.is_emergency) {
            (Some(1), _) => 0,
            (Some(2), _) | (_, true) => 1,
            (Some(3), _) => 2,
            _ => 3,
        }
    }
}

/// The time by which somebody stands in the line who comes now.
pub(super) fn place_for(consultation: &Consultation, policy: &Policy, now: Timestamp) -> Timestamp {
    let kept_until = consultation.starts_at.saturating_add(policy.keep_place).unwrap_or(Timestamp::MAX);
    if now <= kept_until { consultation.starts_at } else { now }
}

/// Whether a patient who went, or never did, still has the place.
pub(super) fn place_is_kept(consultation: &Consultation, policy: &Policy, now: Timestamp) -> bool {
    consultation.away_since.is_none_or(|gone| now <= gone.saturating_add(policy.keep_place).unwrap_or(Timestamp::MAX))
}

/// What a consultation begins with whose patient has walked in, by themself as `user` or registered by others.
pub(crate) fn walk_in(
    consultation: &Consultation,
    user: Option<UserId>,
    policy: &Policy,
    now: Timestamp,
) -> Vec<Event> {
    let joined = user.map(|user_id| Event::Joined {
        user_id,
        role: Part::Patient,
        reconnected: false,
        client: Client::default(),
        at: now,
    });
    let waited = Event::Waited { since: now, place_at: place_for(consultation, policy, now) };
    [Event::Opened].into_iter().chain(joined).chain([waited]).collect()
}

/// Takes the patient to the front. Asked for twice, it is done once.
pub(super) fn raise_emergency(consultation: &Consultation, part: Part) -> Result<Vec<Event>, Refusal> {
    match (part, consultation.status) {
        (Part::Patient, Status::Waiting) if consultation.is_emergency => Ok(Vec::new()),
        (Part::Patient, Status::Waiting) => Ok(vec![Event::EmergencyRaised]),
        (Part::Patient, _) => Err(InvalidTransition.refusal().because("Only a patient who waits can ask for this.")),
        _ => Err(Refusal::forbidden()),
    }
}

pub(super) fn check_device(
    consultation: &Consultation,
    part: Part,
    user: UserId,
    check: &DeviceCheck,
) -> Result<Vec<Event>, Refusal> {
    check.check()?;
    if consultation.status.is_over() || !consultation.is_agreed() {
        return Err(InvalidTransition.refusal());
    }
    Ok(vec![Event::DeviceChecked { user_id: user, role: part, check: check.clone() }])
}
