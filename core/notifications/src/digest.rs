//! Hears every committed event and writes the deliveries that follow, in the transaction that moves its cursor.

use consilium_db::{Result, Tx};
use consilium_kernel::{EntityRef, EventEnvelope, SessionId, UserId};
use consilium_runtime::Subscriber;

use crate::{
    announce::{Announcer, Occasion},
    content::{AppointmentContent, Content},
    model::Kind,
    rules::{self, ENDS_LOGINS, ENDS_REMINDERS, ENDS_WAITING, MOVES_REMINDERS},
    store,
};

/// The subscriber `notifications`.
pub struct NotificationSubscriber(pub(crate) Announcer);

impl Subscriber for NotificationSubscriber {
    fn name(&self) -> &'static str {
        "notifications"
    }

    fn digest(&self, tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()> {
        withdraw_reminders(tx, event)?;
        withdraw_waiting(tx, event)?;
        unsubscribe(tx, event)?;
        for rule in rules::of_event(event) {
            let content = Content::read(rule.kind, &event.data)?;
            self.0.announce(tx, rule, &occasion(event, &content), content)?;
        }
        Ok(())
    }
}

/// An appointment is told about once per schedule revision, messages once per newest one; everything else once per
/// event.
fn occasion(event: &EventEnvelope, content: &Content) -> Occasion {
    let (entity, revision) = match content {
        Content::Appointment(appointment) => (event.entity.clone(), appointment.revision),
        Content::Messages { seq, .. } => (event.entity.clone(), *seq),
        _ => (EntityRef::new("event", event.id.uuid()), 0),
    };
    Occasion { entity, revision, facility: event.facility, at: event.at }
}

fn withdraw_reminders(tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()> {
    let ends = ENDS_REMINDERS.contains(&event.event_type.as_str());
    if !ends && event.event_type != MOVES_REMINDERS {
        return Ok(());
    }
    let appointment: AppointmentContent = serde::Deserialize::deserialize(&event.data)?;
    let wrong_below = if ends { appointment.revision + 1 } else { appointment.revision };
    store::withdraw_reminders(tx, event.entity.id, wrong_below)
}

/// A browser that is not logged in any more is told nothing more.
fn unsubscribe(tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()> {
    if !ENDS_LOGINS.contains(&event.event_type.as_str()) {
        return Ok(());
    }
    let ended: Ended = serde::Deserialize::deserialize(&event.data)?;
    store::unsubscribe(tx, ended.user_id, ended.session_id)
}

/// The logins of somebody that ended: one, or all.
#[derive(serde::Deserialize)]
struct Ended {
    user_id: UserId,
    session_id: Option<SessionId>,
}

/// Whoever has read what waited need not be written to, nor be shown any more that it waits.
fn withdraw_waiting(tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()> {
    if event.event_type != ENDS_WAITING {
        return Ok(());
    }
    let read = Content::read(Kind::MessagesWaiting, &event.data)?;
    let Content::Messages { user_id, seq, .. } = read else { return Ok(()) };
    store::withdraw_waiting(tx, event.entity.id, user_id, seq)
}
