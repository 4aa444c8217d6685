//! A doctor's schedule as an actor: short steps between the rules, the store and what others must hear.

use consilium_db::{Db, Error, Result, Tx, outbox::Fact};
use consilium_kernel::{AppointmentId, CommandMeta, DoctorId, EntityRef, Timestamp};
use consilium_runtime::{Decision, Entity};

use crate::{
    VersionedAvailability, decide,
    facts::{self, Told},
    model::{Appointment, Party, Status},
    refusal::SchedulingRefusal,
    schedule::{Booking, Change, DoctorSchedule, Entry, Moved, ScheduleCommand, ScheduleEvent, ScheduleReply},
    slots::{self, Interval},
    store::{appointments, appointments::Words, availability, occupancy, schedule},
};

impl Entity for DoctorSchedule {
    const KIND: &'static str = "doctor_schedule";
    type Id = DoctorId;
    type Command = ScheduleCommand;
    type Event = ScheduleEvent;
    type Reply = ScheduleReply;

    async fn load(db: &Db, id: DoctorId) -> Result<Self> {
        db.read(move |session| schedule::load(session, id)).await
    }

    fn decide(&self, command: &ScheduleCommand, meta: &CommandMeta, now: Timestamp) -> Decision<ScheduleEvent> {
        decide::decide(self, command, meta, now)
    }

    fn commit(&self, tx: &mut Tx<'_>, command: &ScheduleCommand, events: &[ScheduleEvent]) -> Result<ScheduleReply> {
        match (command, events) {
            (_, [ScheduleEvent::AvailabilityPut(set)]) => self.put_availability(tx, set),
            (ScheduleCommand::Book(booking), [ScheduleEvent::Booked { entry, held, .. }]) => {
                self.book(tx, booking, entry, *held).map(reply)
            }
            (
                ScheduleCommand::Change { change, note, no_show_minutes, .. },
                [ScheduleEvent::Changed { appointment_id, entry, moved, by }],
            ) => {
                match moved {
                    Some(moved) => self.reschedule(tx, *appointment_id, entry, moved)?,
                    None => settle(tx, *appointment_id, entry)?,
                }
                let scope = tx.meta().scope;
                let changed = appointments::find(tx, scope, *appointment_id, Words::Opened)?;
                let changed = changed.ok_or(Error::VersionConflict)?;
                facts::set_timers(tx, &changed, *no_show_minutes)?;
                let previous = moved.map(|moved| moved.previous_starts_at);
                facts::tell(tx, changed, told(*change), *by, note.as_deref(), previous).map(reply)
            }
            (ScheduleCommand::FollowUp(command), [ScheduleEvent::FollowUp(event)]) => {
                self.follow_up(tx, command, event)
            }
            // Not known as live, or in the way of a walk-in: that may be so no longer.
            (command, []) => Err(self.refused(tx, command)?),
            // Decided on a state that does not fit the command: load it again.
            _ => Err(Error::VersionConflict),
        }
    }

    fn apply(&mut self, event: &ScheduleEvent) {
        self.take_in(event);
    }
}

fn reply(appointment: Appointment) -> ScheduleReply {
    ScheduleReply::Appointment(Box::new(appointment))
}

impl DoctorSchedule {
    /// Why nothing happens, by what is stored: `VersionConflict` when this state is behind.
    fn refused(&self, tx: &mut Tx<'_>, command: &ScheduleCommand) -> Result<Error> {
        let (wanted, except) = match command {
            ScheduleCommand::Book(booking) => (self.wanted(booking.starts_at), None),
            ScheduleCommand::Change { appointment_id, change: Change::Reschedule { starts_at }, .. }
                if self.live.contains_key(appointment_id) =>
            {
                (self.wanted(*starts_at), Some(*appointment_id))
            }
            ScheduleCommand::Change { appointment_id, .. } => {
                let scope = tx.meta().scope;
                let found = appointments::find(tx, scope, *appointment_id, Words::LeftSealed)?;
                return Ok(match found.is_some_and(|found| found.status.is_live()) {
                    true => Error::VersionConflict,
                    false => SchedulingRefusal::InvalidTransition.refusal().into(),
                });
            }
            ScheduleCommand::PutAvailability { .. } | ScheduleCommand::FollowUp(_) => (None, None),
        };
        Ok(match wanted {
            Some(wanted) if occupancy::is_held(tx, self.doctor_id, wanted, except)? => {
                SchedulingRefusal::SlotTaken.refusal().into()
            }
            _ => Error::VersionConflict,
        })
    }

    fn put_availability(&self, tx: &mut Tx<'_>, set: &VersionedAvailability) -> Result<ScheduleReply> {
        availability::put(tx, self.doctor_id, set)?;
        tx.emit(Fact {
            entity: EntityRef::new(Self::KIND, self.doctor_id.uuid()),
            version: set.version,
            event_type: "availability_changed",
            schema: 1,
            subject: tx.meta().scope.facility_id.uuid(),
            data: &serde_json::json!({ "doctor_id": self.doctor_id, "version": set.version }),
        })?;
        Ok(ScheduleReply::Availability(set.clone()))
    }

    fn book(&self, tx: &mut Tx<'_>, booking: &Booking, entry: &Entry, held: Interval) -> Result<Appointment> {
        let set = self.unchanged(tx, entry.starts_at, booking.appointment_id)?;
        let appointment = appointments::insert(tx, self.doctor_id, booking, entry, &set.availability.time_zone)?;
        occupancy::hold(tx, self.doctor_id, booking.appointment_id, held)?;
        facts::set_expiry(tx, &appointment)?;
        facts::tell(tx, appointment, Told::Booked, Party::Patient, None, None)
    }

    fn reschedule(&self, tx: &mut Tx<'_>, id: AppointmentId, entry: &Entry, moved: &Moved) -> Result<()> {
        let set = self.unchanged(tx, entry.starts_at, id)?;
        appointments::move_to(tx, id, entry, &set.availability.time_zone)?;
        occupancy::move_to(tx, id, moved.held)
    }

    /// Makes sure that what cannot be said by a constraint still is as it was decided on, even if another node
    /// believes that it owns this schedule: the hours, and how many appointments the day has.
    pub(crate) fn unchanged(
        &self,
        tx: &mut Tx<'_>,
        starts_at: Timestamp,
        id: AppointmentId,
    ) -> Result<&VersionedAvailability> {
        let stored = availability::lock(tx, self.doctor_id)?;
        let set = self.availability.as_ref().filter(|set| set.version == stored).ok_or(Error::VersionConflict)?;
        if set.availability.max_per_day.is_none() {
            return Ok(set);
        }
        let zone = &set.availability.time_zone;
        let date = slots::local_date(zone, starts_at);
        let Some(span) = slots::around(date) else { return Ok(set) };
        let on_date = occupancy::starts(tx, self.doctor_id, span.starts_at, span.ends_at)?
            .into_iter()
            .filter(|(held_by, start)| *held_by != Some(id) && slots::local_date(zone, *start) == date)
            .count();
        let known = usize::from(self.busy(&set.availability, Some(id)).on(date));
        if on_date == known { Ok(set) } else { Err(Error::VersionConflict) }
    }
}

fn told(change: Change) -> Told {
    match change {
        Change::Accept { .. } => Told::Accepted,
        Change::Reject => Told::Rejected,
        Change::Cancel => Told::Cancelled,
        Change::Reschedule { .. } => Told::Rescheduled,
        Change::NoShow => Told::NoShow,
    }
}

/// Writes a change that leaves the time as it is. One that will not take place gives its time back.
pub(crate) fn settle(tx: &mut Tx<'_>, id: AppointmentId, entry: &Entry) -> Result<()> {
    appointments::change(tx, id, entry)?;
    match entry.status {
        Status::Rejected | Status::Cancelled => occupancy::release(tx, id),
        _ => Ok(()),
    }
}
