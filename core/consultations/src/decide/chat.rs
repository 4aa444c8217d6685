//! What may be written and read in the chat, and until when.

use consilium_kernel::{Refusal, Timestamp, UserId};
use consilium_scheduling::Status as AppointmentStatus;

use super::Event;
use crate::{
    model::{Consultation, NewMessage, Part, Status},
    refusal::ConsultationRefusal::ChatClosed,
    service::Policy,
};

/// Characters of a message at most.
const LONGEST_MESSAGE: usize = 8_000;
/// Characters of a client's message id at most.
const LONGEST_CLIENT_ID: usize = 64;

/// Open from acceptance until some days after the end, which is the booked one as long as there is no other.
fn chat_is_open(consultation: &Consultation, policy: &Policy, now: Timestamp) -> bool {
    use AppointmentStatus::{Accepted, Completed, NoShow};
    let stands = matches!(consultation.appointment_status, Accepted | Completed | NoShow);
    let end = consultation.ended_at.unwrap_or(consultation.ends_at);
    let over = consultation.status.is_over() || consultation.status == Status::Scheduled;
    stands && !(over && now >= end.saturating_add(policy.chat_after).unwrap_or(Timestamp::MAX))
}

pub(super) fn send(
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

pub(super) fn mark_read(consultation: &Consultation, part: Part, user: UserId, seq: i64) -> Vec<Event> {
    let known = consultation.participant(user).map_or(0, |participant| participant.read_seq);
    (seq > known).then_some(Event::MessageRead { user_id: user, role: part, seq }).into_iter().collect()
}
