//! Writes what was decided: rows, timers, outbox, audit, and last the topic.

use consilium_db::{Error, Result, Tx, timers, topics};
use consilium_kernel::{Refusal, UserId};
use consilium_scheduling::Status as AppointmentStatus;

use crate::{
    actor::{Action, Command, Reply},
    appointments, chat,
    decide::{Event, abandoned_at, settles_as},
    facts::{self, ABANDONMENT},
    model::{Consultation, LeftBecause, Message, NewMessage, ReadMark, Status},
    service::Policy,
    store::{self, NewSession},
    topic,
    video::close_rooms,
};

/// Records `events`, which `command` led to, and forms the reply.
pub(crate) fn record(tx: &mut Tx<'_>, before: &Consultation, command: &Command, events: &[Event]) -> Result<Reply> {
    appointments::still_as_known(tx, before)?;
    if let Action::Abandon { timer } = &command.action {
        timers::take(tx, *timer)?;
    }
    let after = apply(tx, before, events, &command.policy)?;
    match &command.action {
        Action::SendMessage(message) => send(tx, &after, message, &command.policy).map(Reply::Message),
        Action::MarkRead { seq } => mark_read(tx, &after, *seq, !events.is_empty()).map(Reply::ReadMark),
        _ => {
            facts::tell(tx, before, &after, events)?;
            Ok(Reply::Consultation(after))
        }
    }
}

/// Begins, ends or moves a consultation from outside its actor, whose next command finds the new version.
pub(crate) fn record_from_outside(
    tx: &mut Tx<'_>,
    before: &Consultation,
    events: &[Event],
    policy: &Policy,
) -> Result<Consultation> {
    let after = apply(tx, before, events, policy)?;
    facts::tell(tx, before, &after, events)?;
    Ok(after)
}

/// Brings the rows and the timer from `before` to what follows from `events`.
fn apply(tx: &mut Tx<'_>, before: &Consultation, events: &[Event], policy: &Policy) -> Result<Consultation> {
    let mut after = before.clone();
    events.iter().for_each(|event| after.take(event));
    if after.version != before.version {
        store::save(tx, before, &after)?;
        store::save_videos(tx, before, &after)?;
    }
    for event in events {
        match event {
            Event::Joined { user_id, role, reconnected, client, at } => {
                let stay = NewSession { user_id: *user_id, role: *role, reconnected: *reconnected, joined_at: *at };
                store::open_session(tx, &after, &stay, client)?;
            }
            Event::Waited { .. } => consilium_scheduling::arrived(tx, after.appointment_id)?,
            Event::Moved { .. } if after.status == Status::Waiting => {
                consilium_scheduling::arrived(tx, after.appointment_id)?;
            }
            Event::DeviceChecked { user_id, role, check } => {
                store::save_device_check(tx, &after, (*user_id, *role), check)?;
            }
            Event::Invited { invitation } => store::insert_invitation(tx, &after, invitation)?,
            Event::InvitationWithdrawn { id, at, .. } => store::withdraw_invitation(tx, &after, *id, *at)?,
            Event::Left { user_id, because, .. } => store::close_session(tx, &after, Some(*user_id), *because)?,
            Event::Started { .. } => {
                consilium_scheduling::started(tx, after.appointment_id)?;
                // Whoever sees a patient is not late any more.
                store::clear_delay(tx, after.doctor_id)?;
            }
            Event::Ended { status, .. } => {
                store::close_session(tx, &after, None, LeftBecause::Ended)?;
                if before.is_agreed() {
                    settle_appointment(tx, before, *status)?;
                }
                close_rooms(tx, &after)?;
            }
            _ => {}
        }
    }
    // What providers do says nothing of whether anybody is there.
    if !events.iter().all(|event| matches!(event, Event::VideoChosen { .. } | Event::VideoLost { .. })) {
        set_abandonment(tx, before, &after, policy)?;
    }
    Ok(after)
}

/// Has the appointment end as its consultation does.
fn settle_appointment(tx: &mut Tx<'_>, before: &Consultation, end: Status) -> Result<()> {
    let id = before.appointment_id;
    match settles_as(before, end) {
        AppointmentStatus::NoShow => consilium_scheduling::missed(tx, id),
        AppointmentStatus::Cancelled => consilium_scheduling::in_vain(tx, id),
        _ => consilium_scheduling::complete(tx, id),
    }
    .map(|_| ())
}

/// Keeps the timer in step with whether, and since when, the consultation lies idle.
fn set_abandonment(tx: &mut Tx<'_>, before: &Consultation, after: &Consultation, policy: &Policy) -> Result<()> {
    if after.version == before.version {
        return Ok(());
    }
    match abandoned_at(after, policy, tx.now()) {
        Some(due_at) => tx.set_timer(timers::TimerRequest {
            kind: ABANDONMENT,
            entity: facts::entity(after.id),
            revision: after.version,
            due_at,
        }),
        None => tx.withdraw_timers(after.id.uuid(), &[ABANDONMENT]),
    }
}

fn send(tx: &mut Tx<'_>, consultation: &Consultation, message: &NewMessage, policy: &Policy) -> Result<Message> {
    let sender = caller(tx)?;
    let readers = chat::readers(tx, consultation)?;
    consilium_chat::send(tx, &chat::conversation(consultation), sender, message, &readers, &policy.chat)
}

fn mark_read(tx: &mut Tx<'_>, consultation: &Consultation, seq: i64, forwards: bool) -> Result<ReadMark> {
    let user_id = caller(tx)?;
    if seq < 0 || seq > topics::head(tx, &topic(consultation.id))? {
        return Err(Refusal::field("/seq", "out_of_range", "names no event of this consultation").into());
    }
    if forwards {
        store::save_participants(tx, consultation, |participant| participant.user_id == user_id)?;
        consilium_chat::mark_read(tx, &chat::conversation(consultation), user_id, seq)?;
    }
    Ok(ReadMark { seq: consultation.participant(user_id).map_or(0, |participant| participant.read_seq) })
}

fn caller(tx: &Tx<'_>) -> Result<UserId> {
    tx.meta().principal.user_id().ok_or_else(|| Error::from(Refusal::not_found()))
}
