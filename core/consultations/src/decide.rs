//! The rules of a consultation. Pure: state, action and time in, events out.

use consilium_kernel::{CommandMeta, Principal, Refusal, Timestamp, UserId};
use consilium_scheduling::Status as AppointmentStatus;
use serde::{Deserialize, Serialize};

use crate::{
    actor::Action,
    model::{Consultation, LeftBecause, NewMessage, Part, Participant, Status},
    refusal::ConsultationRefusal::{ChatClosed, InvalidTransition, TooEarly},
    service::Policy,
    video::{Capabilities, ENDED, VideoChoice},
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
    Joined { user_id: UserId, role: Part, reconnected: bool, at: Timestamp },
    /// The patient waits from now on.
    Waited { since: Timestamp },
    /// Somebody's client can do this much.
    Able { user_id: UserId, role: Part, capabilities: Capabilities },
    /// A provider serves it from now on.
    VideoChosen { provider: String, room: String, reason: String, at: Timestamp },
    /// No provider serves it any more.
    VideoLost { reason: String, at: Timestamp },
    /// Somebody is gone.
    Left { user_id: UserId, role: Part, because: LeftBecause },
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

/// Characters of a message at most.
const LONGEST_MESSAGE: usize = 8_000;
/// Characters of a client's message id at most.
const LONGEST_CLIENT_ID: usize = 64;

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
        (Action::Drop { user_id }, Principal::System) => leave(consultation, *user_id, LeftBecause::Dropped),
        (Action::Abandon { .. }, Principal::System) => abandon(consultation, policy, now),
        (Action::UseVideo { after, provider, room, reason }, Principal::System) => {
            let chosen =
                Event::VideoChosen { provider: provider.clone(), room: room.clone(), reason: reason.clone(), at: now };
            let wanted = !consultation.status.is_over() && consultation.video_number() == *after;
            wanted.then_some(chosen).into_iter().collect()
        }
        (Action::LoseVideo { number, reason }, Principal::System) => {
            let lost = Event::VideoLost { reason: reason.clone(), at: now };
            let served = consultation.video().is_some_and(|choice| choice.number == *number);
            served.then_some(lost).into_iter().collect()
        }
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
        Action::Join { capabilities } => {
            let mut events = join(consultation, policy, part, user, now)?;
            let known = consultation.participant(user).and_then(|participant| participant.capabilities.as_ref());
            if let Some(capabilities) = capabilities.as_ref().filter(|said| Some(*said) != known) {
                events.push(Event::Able { user_id: user, role: part, capabilities: capabilities.clone() });
            }
            Ok(events)
        }
        Action::Leave => Ok(leave(consultation, user, LeftBecause::Left)),
        Action::Admit | Action::Start | Action::End if part != Part::Doctor => Err(Refusal::forbidden()),
        Action::Admit => begin(consultation, &[Status::Waiting], now),
        Action::Start => begin(consultation, &[Status::Scheduled, Status::Waiting], now),
        Action::End if consultation.status == Status::InProgress => {
            Ok(vec![Event::Ended { status: Status::Completed, at: now }])
        }
        Action::End => Err(InvalidTransition.refusal()),
        Action::SendMessage(message) => send(consultation, policy, message, user, now),
        Action::MarkRead { seq } => Ok(mark_read(consultation, part, user, *seq)),
        Action::Drop { .. } | Action::Abandon { .. } | Action::UseVideo { .. } | Action::LoseVideo { .. } => {
            Err(Refusal::forbidden())
        }
    }
}

fn join(
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

fn leave(consultation: &Consultation, user: UserId, because: LeftBecause) -> Vec<Event> {
    consultation
        .participant(user)
        .filter(|participant| participant.present)
        .map(|participant| Event::Left { user_id: user, role: participant.role, because })
        .into_iter()
        .collect()
}

fn begin(consultation: &Consultation, from: &[Status], now: Timestamp) -> Result<Vec<Event>, Refusal> {
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
fn abandon(consultation: &Consultation, policy: &Policy, now: Timestamp) -> Vec<Event> {
    let given_up = match consultation.status {
        Status::InProgress => !consultation.is_occupied(),
        Status::Waiting => abandoned_at(consultation, policy, now).is_some_and(|due| due <= now),
        Status::Scheduled | Status::Completed | Status::Abandoned => false,
    };
    given_up.then_some(Event::Ended { status: Status::Abandoned, at: now }).into_iter().collect()
}

/// Open from acceptance until some days after the end, which is the booked one as long as there is no other.
pub(crate) fn chat_is_open(consultation: &Consultation, policy: &Policy, now: Timestamp) -> bool {
    use AppointmentStatus::{Accepted, Completed, NoShow};
    let stands = matches!(consultation.appointment_status, Accepted | Completed | NoShow);
    let end = consultation.ended_at.unwrap_or(consultation.ends_at);
    let over = consultation.status.is_over() || consultation.status == Status::Scheduled;
    stands && !(over && now >= end.saturating_add(policy.chat_after).unwrap_or(Timestamp::MAX))
}

fn send(
    consultation: &Consultation,
    policy: &Policy,
    message: &NewMessage,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    length("/client_message_id", &message.client_message_id, LONGEST_CLIENT_ID)?;
    length("/body", &message.body, LONGEST_MESSAGE)?;
    if !chat_is_open(consultation, policy, now) {
        return Err(ChatClosed.refusal());
    }
    Ok(vec![Event::MessageSent { sender_id: user }])
}

fn length(pointer: &str, text: &str, longest: usize) -> Result<(), Refusal> {
    match text.chars().count() {
        0 => Err(Refusal::field(pointer, "too_short", "must not be empty")),
        count if count > longest => {
            Err(Refusal::field(pointer, "too_long", format!("has {count} characters; at most {longest} are allowed")))
        }
        _ => Ok(()),
    }
}

fn mark_read(consultation: &Consultation, part: Part, user: UserId, seq: i64) -> Vec<Event> {
    let known = consultation.participant(user).map_or(0, |participant| participant.read_seq);
    (seq > known).then_some(Event::MessageRead { user_id: user, role: part, seq }).into_iter().collect()
}

impl Consultation {
    /// Takes an event into the state. Chat leaves the version alone: it changes no row that the version guards.
    pub(crate) fn take(&mut self, event: &Event) {
        match event.clone() {
            Event::Opened => {}
            Event::Moved { starts_at, ends_at } => (self.starts_at, self.ends_at) = (starts_at, ends_at),
            Event::Joined { user_id, role, at, .. } => {
                let participant = self.participant_mut(user_id, role);
                (participant.present, participant.joined_at) = (true, Some(at));
            }
            Event::Waited { since } => {
                self.status = Status::Waiting;
                self.waiting_since = self.waiting_since.or(Some(since));
            }
            Event::Able { user_id, role, capabilities } => {
                self.participant_mut(user_id, role).capabilities = Some(capabilities);
            }
            Event::VideoChosen { provider, room, reason, at } => {
                self.leave_video(&reason, at);
                let number = self.video_number() + 1;
                let (chosen_at, left_at, left_because) = (at, None, None);
                self.videos.push(VideoChoice { number, provider, room, reason, chosen_at, left_at, left_because });
            }
            Event::VideoLost { reason, at } => self.leave_video(&reason, at),
            Event::Left { user_id, role, .. } => self.participant_mut(user_id, role).present = false,
            Event::Admitted => {}
            Event::Started { at } => {
                self.status = Status::InProgress;
                self.started_at = Some(at);
            }
            Event::Ended { status, at } => {
                self.status = status;
                self.ended_at = Some(at);
                if status == Status::Completed {
                    self.appointment_status = AppointmentStatus::Completed;
                }
                self.participants.iter_mut().for_each(|participant| participant.present = false);
                self.leave_video(ENDED, at);
            }
            Event::MessageSent { .. } => return,
            Event::MessageRead { user_id, role, seq } => {
                let participant = self.participant_mut(user_id, role);
                participant.read_seq = participant.read_seq.max(seq);
                return;
            }
        }
        self.version += 1;
    }

    fn leave_video(&mut self, reason: &str, at: Timestamp) {
        if let Some(choice) = self.videos.last_mut().filter(|choice| choice.left_at.is_none()) {
            (choice.left_at, choice.left_because) = (Some(at), Some(reason.to_owned()));
        }
    }

    fn participant_mut(&mut self, user_id: UserId, role: Part) -> &mut Participant {
        let place = self.participants.iter().position(|participant| participant.user_id == user_id);
        let place = place.unwrap_or_else(|| {
            self.participants.push(Participant {
                user_id,
                role,
                present: false,
                joined_at: None,
                read_seq: 0,
                capabilities: None,
            });
            self.participants.len() - 1
        });
        #[allow(clippy::indexing_slicing, reason = "the place was just found or made")]
        &mut self.participants[place]
    }
}

#[cfg(test)]
mod tests;
