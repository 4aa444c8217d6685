//! What a schedule writes of follow-ups, in the transaction of its decision.

use consilium_db::{Error, Result, Tx, outbox::Fact, timers};
use consilium_kernel::Refusal;

use super::{FollowUp, FollowUpCommand, FollowUpEvent, FollowUpStatus, PLACE, RELEASE, model::appointment_id};
use crate::{
    facts::{self, Told},
    model::{Appointment, Party},
    schedule::{Booking, DoctorSchedule, Entry, ScheduleReply},
    slots::Interval,
    store::{appointments, follow_ups, occupancy},
};

/// Characters of a reason at most.
const LONGEST_REASON: usize = 2_000;

impl DoctorSchedule {
    pub(crate) fn follow_up(
        &self,
        tx: &mut Tx<'_>,
        command: &FollowUpCommand,
        event: &FollowUpEvent,
    ) -> Result<ScheduleReply> {
        if let FollowUpCommand::Place { timer, .. } | FollowUpCommand::Release { timer, .. } = command {
            timers::take(tx, *timer)?;
        }
        let (FollowUpEvent::Placed { id, .. }
        | FollowUpEvent::Unplaced { id }
        | FollowUpEvent::Confirmed { id, .. }
        | FollowUpEvent::Released { id, .. }) = event;
        let scope = tx.meta().scope;
        let before = follow_ups::find(tx, scope, *id)?.ok_or_else(Refusal::not_found)?;
        let mut after = FollowUp { version: before.version + 1, ..before.clone() };
        match (event, command) {
            (FollowUpEvent::Placed { hold, held, .. }, _) => {
                self.unchanged(tx, hold.starts_at, appointment_id(*id))?;
                occupancy::hold_for_follow_up(tx, self.doctor_id, *id, *held)?;
                after.status = FollowUpStatus::Held;
                (after.starts_at, after.ends_at) = (Some(hold.starts_at), Some(hold.ends_at));
                after.expires_at = Some(hold.expires_at);
                let (entity, revision) = (after.entity(), after.version);
                tx.set_timer(timers::TimerRequest { kind: RELEASE, entity, revision, due_at: hold.expires_at })?;
                tell(tx, &before, after, "follow_up_held")
            }
            (FollowUpEvent::Unplaced { .. }, _) => {
                after.status = FollowUpStatus::Unplaced;
                tell(tx, &before, after, "follow_up_unplaced")
            }
            (FollowUpEvent::Released { status, .. }, _) => {
                occupancy::release_follow_up(tx, *id)?;
                tx.withdraw_timers(id.uuid(), &[PLACE, RELEASE])?;
                after.status = *status;
                let event_type = match status {
                    FollowUpStatus::Declined => "follow_up_declined",
                    FollowUpStatus::Expired => "follow_up_expired",
                    _ => "follow_up_withdrawn",
                };
                tell(tx, &before, after, event_type)
            }
            (FollowUpEvent::Confirmed { entry, held, .. }, FollowUpCommand::Confirm { no_show_minutes, .. }) => {
                tx.withdraw_timers(id.uuid(), &[PLACE, RELEASE])?;
                after.status = FollowUpStatus::Confirmed;
                after.appointment_id = Some(appointment_id(*id));
                let appointment = self.confirm(tx, &before, entry, *held)?;
                tell(tx, &before, after, "follow_up_confirmed")?;
                facts::set_timers(tx, &appointment, *no_show_minutes)?;
                let appointment = facts::tell(tx, appointment, Told::Accepted, Party::Patient, None, None)?;
                Ok(ScheduleReply::Appointment(Box::new(appointment)))
            }
            _ => Err(Error::VersionConflict),
        }
    }

    /// The kept slot becomes the time of an appointment that both agreed to.
    fn confirm(&self, tx: &mut Tx<'_>, before: &FollowUp, entry: &Entry, held: Interval) -> Result<Appointment> {
        occupancy::release_follow_up(tx, before.id)?;
        let id = appointment_id(before.id);
        let zone = self.unchanged(tx, entry.starts_at, id)?.availability.time_zone.clone();
        let first = appointments::of_consultation(tx, before.after_consultation_id)?;
        let reason = first.and_then(|first| first.reason).unwrap_or_default();
        let reason: String = format!("Follow-up: {reason}").chars().take(LONGEST_REASON).collect();
        let booking = Booking {
            appointment_id: id,
            patient_id: entry.patient_id,
            starts_at: entry.starts_at,
            visit_type: before.visit_type,
            is_emergency: false,
            reason,
            symptoms: None,
        };
        let appointment = appointments::insert(tx, self.doctor_id, &booking, entry, &zone)?;
        occupancy::hold(tx, self.doctor_id, id, held)?;
        Ok(appointment)
    }
}

/// Writes where it stands now and tells others.
fn tell(tx: &mut Tx<'_>, before: &FollowUp, after: FollowUp, event_type: &'static str) -> Result<ScheduleReply> {
    if !before.status.may_become(after.status) {
        return Err(Error::VersionConflict);
    }
    follow_ups::save(tx, before, &after)?;
    tx.emit(Fact {
        entity: after.entity(),
        version: after.version,
        event_type,
        schema: 1,
        subject: after.patient_id.uuid(),
        data: &after,
    })?;
    Ok(ScheduleReply::FollowUp(Box::new(after)))
}
