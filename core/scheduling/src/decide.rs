//! The rules of a schedule: state + command + now → events. Pure.

use consilium_kernel::{AppointmentId, CommandMeta, Refusal, Timestamp};

use crate::{
    access::permit,
    follow_ups,
    model::{AppointmentKind, Party, Status},
    refusal::{SchedulingRefusal, not_a_slot, too_soon},
    schedule::{Booking, Change, DoctorSchedule, Entry, Moved, ScheduleCommand, ScheduleEvent},
    slots::{self, Interval, Slot},
};

/// What follows from `command`, or why nothing does.
pub(crate) fn decide(
    schedule: &DoctorSchedule,
    command: &ScheduleCommand,
    meta: &CommandMeta,
    now: Timestamp,
) -> Result<Vec<ScheduleEvent>, Refusal> {
    let event = match command {
        ScheduleCommand::PutAvailability { availability, expected_version } => {
            let version = schedule.availability_version();
            if version != *expected_version {
                return Err(SchedulingRefusal::Stale.refusal());
            }
            let (version, availability) = (version + 1, availability.clone());
            ScheduleEvent::AvailabilityPut(crate::VersionedAvailability { version, availability })
        }
        ScheduleCommand::FollowUp(command) => {
            ScheduleEvent::FollowUp(follow_ups::decide(schedule, command, meta, now)?)
        }
        ScheduleCommand::Book(booking) => match book(schedule, booking, meta, now) {
            Err(refusal) if looks_again(schedule, &refusal, booking.starts_at, None) => return Ok(Vec::new()),
            outcome => outcome?,
        },
        ScheduleCommand::Change { appointment_id, change, .. } => {
            // Only live ones are known here, and that it lives was looked at before: it walked in since this was loaded.
            // Nothing happens then, which makes the commit have it loaded again.
            let Some(before) = schedule.live.get(appointment_id) else { return Ok(Vec::new()) };
            match (change, self::change(schedule, before, (*appointment_id, *change), meta, now)) {
                (Change::Reschedule { starts_at }, Err(refusal))
                    if looks_again(schedule, &refusal, *starts_at, Some(*appointment_id)) =>
                {
                    return Ok(Vec::new());
                }
                (_, outcome) => outcome?,
            }
        }
    };
    Ok(vec![event])
}

fn book(
    schedule: &DoctorSchedule,
    booking: &Booking,
    meta: &CommandMeta,
    now: Timestamp,
) -> Result<ScheduleEvent, Refusal> {
    let lead_time = if booking.is_emergency { LeadTime::Waived } else { LeadTime::Kept };
    let (slot, held) = free_slot(schedule, booking.starts_at, now, lead_time, None)?;
    let entry = Entry {
        facility_id: meta.scope.facility_id,
        patient_id: booking.patient_id,
        kind: AppointmentKind::Booked,
        starts_at: slot.starts_at,
        ends_at: slot.ends_at,
        status: Status::Pending,
        revision: 0,
        version: 1,
        is_emergency: booking.is_emergency,
        consultation_id: None,
        started_at: None,
    };
    Ok(ScheduleEvent::Booked { appointment_id: booking.appointment_id, entry, held })
}

fn change(
    schedule: &DoctorSchedule,
    before: &Entry,
    (id, change): (AppointmentId, Change),
    meta: &CommandMeta,
    now: Timestamp,
) -> Result<ScheduleEvent, Refusal> {
    let by = permit(&meta.principal, schedule.belongs(before), change.action())?;
    let mut entry = Entry { version: before.version + 1, ..before.clone() };
    let mut moved = None;
    match change {
        Change::Accept { consultation_id } => {
            turn(&mut entry, Status::Accepted)?;
            if now >= entry.ends_at {
                return Err(too_late("The time of this appointment has passed."));
            }
            entry.consultation_id.get_or_insert(consultation_id);
        }
        Change::Reject => turn(&mut entry, Status::Rejected)?,
        Change::Cancel => {
            not_begun(before)?;
            turn(&mut entry, Status::Cancelled)?;
        }
        Change::NoShow => {
            not_begun(before)?;
            turn(&mut entry, Status::NoShow)?;
            if now < entry.starts_at {
                return Err(too_late("It has not begun yet: nobody can have missed it."));
            }
        }
        Change::Reschedule { starts_at } => {
            not_begun(before)?;
            if before.kind == AppointmentKind::WalkIn {
                return Err(too_late("A walk-in has no time that could be moved. Cancel it and book an appointment."));
            }
            // The lead time protects the doctor, who may waive it; so may those who arrange for the doctor.
            let waived = before.is_emergency || by != Party::Patient;
            let lead_time = if waived { LeadTime::Waived } else { LeadTime::Kept };
            let (slot, held) = free_slot(schedule, starts_at, now, lead_time, Some(id))?;
            if by == Party::Patient && before.status == Status::Accepted {
                turn(&mut entry, Status::Pending)?;
            }
            (entry.starts_at, entry.ends_at) = (slot.starts_at, slot.ends_at);
            entry.revision += 1;
            moved = Some(Moved { previous_starts_at: before.starts_at, held });
        }
    }
    Ok(ScheduleEvent::Changed { appointment_id: id, entry, moved, by })
}

fn turn(entry: &mut Entry, next: Status) -> Result<(), Refusal> {
    if !entry.status.may_become(next) {
        return Err(SchedulingRefusal::InvalidTransition.refusal());
    }
    entry.status = next;
    Ok(())
}

/// A consultation that has begun can only end.
fn not_begun(entry: &Entry) -> Result<(), Refusal> {
    match entry.started_at {
        None => Ok(()),
        Some(_) => Err(too_late("The consultation has already begun.")),
    }
}

fn too_late(detail: &'static str) -> Refusal {
    SchedulingRefusal::InvalidTransition.refusal().because(detail)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LeadTime {
    Kept,
    Waived,
}

/// Whether the slot was refused only because of a walk-in, whose consultation may have ended early without this
/// schedule's knowing. Nothing happens then, which makes the commit look.
fn looks_again(
    schedule: &DoctorSchedule,
    refusal: &Refusal,
    starts_at: Timestamp,
    except: Option<AppointmentId>,
) -> bool {
    let Some(wanted) = schedule.wanted(starts_at) else { return false };
    let mut holders = schedule.held.iter().filter(|(id, held)| Some(**id) != except && held.overlaps(wanted));
    let walked_in = |id| schedule.live.get(id).is_some_and(|entry| entry.kind == AppointmentKind::WalkIn);
    refusal.code == SchedulingRefusal::SlotTaken.refusal().code && holders.all(|(id, _)| walked_in(id))
}

/// The free slot that starts then, with what booking it holds. `except` may be overlapped: it moves away.
fn free_slot(
    schedule: &DoctorSchedule,
    starts_at: Timestamp,
    now: Timestamp,
    lead_time: LeadTime,
    except: Option<AppointmentId>,
) -> Result<(Slot, Interval), Refusal> {
    let availability = &schedule.availability.as_ref().ok_or_else(not_a_slot)?.availability;
    let lead = match lead_time {
        LeadTime::Kept => i64::from(availability.lead_time_minutes),
        LeadTime::Waived => 0,
    };
    if starts_at <= now || starts_at < slots::after(now, lead) {
        return Err(too_soon());
    }
    let slot = slots::slot_at(availability, starts_at).ok_or_else(not_a_slot)?;
    let (busy, held) = (schedule.busy(availability, except), slots::occupancy(availability, slot));
    if busy.overlaps(held) {
        return Err(SchedulingRefusal::SlotTaken.refusal());
    }
    if !slots::has_room(availability, &busy, slot) {
        return Err(SchedulingRefusal::DayFull.refusal());
    }
    Ok((slot, held))
}
