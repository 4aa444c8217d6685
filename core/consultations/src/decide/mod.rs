//! The rules of a consultation. Pure: state, action and time in, events out.

mod apply;
mod chat;
mod invitations;
mod life;
mod video;
mod waiting;

pub(crate) use chat::chat_is_open;
pub(crate) use life::{abandoned_at, settles_as};
pub(crate) use waiting::walk_in;

use consilium_kernel::{CommandMeta, Principal, Refusal, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    actor::Action,
    model::{Client, Consultation, DeviceCheck, Invitation, InvitationId, LeftBecause, Part, Status},
    refusal::ConsultationRefusal::InvalidTransition,
    service::Policy,
    video::Capabilities,
};

/// Something that happened in a consultation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// It was materialised from its appointment.
    Opened,
    /// Its appointment was moved.
    Moved { starts_at: Timestamp, ends_at: Timestamp },
    /// Somebody came.
    Joined { user_id: UserId, role: Part, reconnected: bool, client: Client, at: Timestamp },
    /// The patient waits from now on, at this place in the line.
    Waited { since: Timestamp, place_at: Timestamp },
    /// The patient stayed away too long and has a new place in the line.
    Placed { place_at: Timestamp },
    /// The waiting patient needs help at once.
    EmergencyRaised,
    /// Somebody looked whether their devices work.
    DeviceChecked { user_id: UserId, role: Part, check: DeviceCheck },
    /// The doctor asked somebody to join.
    Invited { invitation: Invitation },
    /// The doctor does so no longer.
    InvitationWithdrawn { id: InvitationId, user_id: UserId, role: Part, at: Timestamp },
    /// Somebody's client can do this much.
    Able { user_id: UserId, role: Part, capabilities: Capabilities },
    /// A provider serves it from now on.
    VideoChosen { provider: String, room: String, reason: String, at: Timestamp },
    /// No provider serves it any more.
    VideoLost { reason: String, at: Timestamp },
    /// Somebody is gone.
    Left { user_id: UserId, role: Part, because: LeftBecause, at: Timestamp },
    /// The waiting patient was let in.
    Admitted,
    /// Doctor and patient began.
    Started { at: Timestamp },
    /// It is over.
    Ended { status: Status, at: Timestamp },
    /// A message, unless the sender has sent it before.
    MessageSent { sender_id: UserId },
    /// Somebody has read up to here.
    MessageRead { user_id: UserId, role: Part, seq: i64 },
}

/// What follows from `action`, or why nothing does.
pub(crate) fn decide(
    consultation: &Consultation,
    action: &Action,
    policy: &Policy,
    meta: &CommandMeta,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    if meta.scope.facility_id != consultation.facility_id {
        return Err(Refusal::not_found());
    }
    let mut events = match (action, &meta.principal) {
        (Action::Drop { user_id }, Principal::System) => life::leave(consultation, *user_id, LeftBecause::Dropped, now),
        (Action::Abandon { .. }, Principal::System) => life::abandon(consultation, policy, now),
        (Action::UseVideo { after, provider, room, reason }, Principal::System) => {
            video::choose(consultation, *after, provider, room, reason, now)
        }
        (Action::LoseVideo { number, reason }, Principal::System) => video::lose(consultation, *number, reason, now),
        (action, _) if action.is_platforms() => return Err(Refusal::forbidden()),
        _ => {
            let part = consultation.part_of(&meta.principal).ok_or(Refusal::not_found())?;
            let user = meta.principal.user_id().ok_or(Refusal::not_found())?;
            asked(consultation, action, policy, part, user, now)?
        }
    };
    if consultation.version == 0 && !events.is_empty() {
        events.insert(0, Event::Opened);
    }
    Ok(events)
}

/// What a participant asked for.
fn asked(
    consultation: &Consultation,
    action: &Action,
    policy: &Policy,
    part: Part,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    match action {
        Action::Join { capabilities, client } => {
            let mut events = life::join(consultation, policy, (part, user), client, now)?;
            let known = consultation.participant(user).and_then(|participant| participant.capabilities.as_ref());
            if let Some(capabilities) = capabilities.as_ref().filter(|said| Some(*said) != known) {
                events.push(Event::Able { user_id: user, role: part, capabilities: capabilities.clone() });
            }
            Ok(events)
        }
        Action::Leave => Ok(life::leave(consultation, user, LeftBecause::Left, now)),
        Action::RaiseEmergency => waiting::raise_emergency(consultation, part),
        Action::CheckDevice(check) => waiting::check_device(consultation, part, user, check),
        Action::Admit | Action::Start | Action::End | Action::Invite(_) | Action::WithdrawInvitation { .. }
            if part != Part::Doctor =>
        {
            Err(Refusal::forbidden())
        }
        Action::Invite(invitation) => invitations::invite(consultation, invitation, user),
        Action::WithdrawInvitation { id } => invitations::withdraw(consultation, *id, now),
        Action::Admit => life::begin(consultation, &[Status::Waiting], now),
        Action::Start => life::begin(consultation, &[Status::Scheduled, Status::Waiting], now),
        Action::End if consultation.status == Status::InProgress => {
            Ok(vec![Event::Ended { status: Status::Completed, at: now }])
        }
        Action::End => Err(InvalidTransition.refusal()),
        Action::SendMessage(message) => chat::send(consultation, policy, message, user, now),
        Action::MarkRead { seq } => Ok(chat::mark_read(consultation, part, user, *seq)),
        Action::Drop { .. } | Action::Abandon { .. } | Action::UseVideo { .. } | Action::LoseVideo { .. } => {
            Err(Refusal::forbidden())
        }
    }
}

#[cfg(test)]
mod tests;
