//! What others hear of an appointment, and the timers that go with it, in the transaction that changes it.

use consilium_db::{Result, Tx, outbox::Fact, timers::TimerRequest};
use consilium_kernel::{AppointmentId, Timestamp};

use crate::{
    model::{Appointment, AppointmentEvent, Party, Status},
    slots,
};

/// Due a day before an accepted appointment.
pub const REMINDER_24H: &str = "reminder_24h";
/// Due an hour before an accepted appointment.
pub const REMINDER_1H: &str = "reminder_1h";
/// Due when an accepted appointment is over and nobody came.
pub const NO_SHOW: &str = "appointment_no_show";

/// Due when a request that nobody answered should begin.
pub const REQUEST_EXPIRY: &str = "appointment_expiry";

/// What happened, as its event is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
pub(crate) enum Told {
    #[strum(serialize = "appointment_booked")]
    Booked,
    #[strum(serialize = "appointment_accepted")]
    Accepted,
    #[strum(serialize = "appointment_rejected")]
    Rejected,
    #[strum(serialize = "appointment_cancelled")]
    Cancelled,
    #[strum(serialize = "appointment_rescheduled")]
    Rescheduled,
    #[strum(serialize = "appointment_completed")]
    Completed,
    #[strum(serialize = "appointment_no_show")]
    NoShow,
    #[strum(serialize = "appointment_walked_in")]
    WalkedIn,
}

/// Emits its event and gives the appointment back.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    appointment: Appointment,
    told: Told,
    by: Party,
    note: Option<&str>,
    previous_starts_at: Option<Timestamp>,
) -> Result<Appointment> {
    let event = AppointmentEvent { appointment, by, note: note.map(str::to_owned), previous_starts_at };
    tx.emit(Fact {
        entity: event.appointment.entity(),
        version: event.appointment.version,
        event_type: told.into(),
        schema: 1,
        subject: event.appointment.patient_id.uuid(),
        data: &event,
    })?;
    Ok(event.appointment)
}

/// Withdraws all its timers.
pub(crate) fn withdraw_timers(tx: &mut Tx<'_>, id: AppointmentId) -> Result<()> {
    tx.withdraw_timers(id.uuid(), &[REMINDER_24H, REMINDER_1H, NO_SHOW, REQUEST_EXPIRY])
}

/// Nobody needs an answer any more once the time that was asked for has come.
pub(crate) fn set_expiry(tx: &mut Tx<'_>, appointment: &Appointment) -> Result<()> {
    let (entity, revision, due_at) = (appointment.entity(), appointment.revision, appointment.starts_at);
    tx.set_timer(TimerRequest { kind: REQUEST_EXPIRY, entity, revision, due_at })
}

/// Withdraws what stands and sets what is still ahead: reminders are for accepted appointments, and one whose time has
/// passed is not sent late.
pub(crate) fn set_timers(tx: &mut Tx<'_>, appointment: &Appointment, no_show_minutes: u32) -> Result<()> {
    withdraw_timers(tx, appointment.id)?;
    match appointment.status {
        Status::Accepted => {}
        Status::Pending => return set_expiry(tx, appointment),
        _ => return Ok(()),
    }
    let due = [
        (REMINDER_24H, slots::after(appointment.starts_at, -24 * 60)),
        (REMINDER_1H, slots::after(appointment.starts_at, -60)),
        (NO_SHOW, slots::after(appointment.ends_at, i64::from(no_show_minutes))),
    ];
    for (kind, due_at) in due {
        if due_at > tx.now() {
            let (entity, revision) = (appointment.entity(), appointment.revision);
            tx.set_timer(TimerRequest { kind, entity, revision, due_at })?;
        }
    }
    Ok(())
}
