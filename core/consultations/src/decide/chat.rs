//! What may be written and read in the chat, and until when.

use consilium_kernel::{Refusal, Timestamp, UserId};
use consilium_scheduling::Status as AppointmentStatus;

use super::Event;
use crate::{
    model::{Consultation, NewMessage, Part, Status},
    refusal::ConsultationRefusal::ChatClosed,
    service::Policy,
};

/// Open from acceptance until some days after the end, which is the booked one as long as there is no other.
pub(crate) fn chat_is_open(consultation: &Consultation, policy: &Policy, now: Timestamp) -> bool {
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
    consilium_chat::check(message)?;
    if !chat_is_open(consultation, policy, now) {
        return Err(ChatClosed.refusal());
    }
    Ok(vec![Event::MessageSent { sender_id: user }])
}

pub(super) fn mark_read(consultation: &Consultation, part: Part, user: UserId, seq: i64) -> Vec<Event> {
    let known = consultation.participant(user).map_or(0, |participant| participant.read_seq);
    (seq > known).then_some(Event::MessageRead { user_id: user, role: part, seq }).into_iter().collect()
}
