//! The rules of follow-ups: which slot is kept, who may take it, and when it is free again. Pure.

use consilium_kernel::{CommandMeta, Principal, Refusal, Timestamp};
use jiff::civil::Date;

use super::{
    FollowUp, FollowUpCommand, FollowUpEvent, FollowUpStatus, Hold,
    model::{FollowUpId, appointment_id},
};
use crate::{
    availability::Availability,
    model::{AppointmentKind, Status},
    refusal::SchedulingRefusal::{HoldExpired, InvalidTransition},
    schedule::{DoctorSchedule, Entry},
    search::MAX_RANGE_DAYS,
    slots::{self, Interval, Slot},
};

const DAY: i64 = 24 * 60;

/// What follows from `command`, or why nothing does.
pub(crate) fn decide(
    schedule: &DoctorSchedule,
    command: &FollowUpCommand,
    meta: &CommandMeta,
    now: Timestamp,
) -> Result<FollowUpEvent, Refusal> {
    let platform = matches!(meta.principal, Principal::System);
    match command {
        FollowUpCommand::Place { wanted, patient_busy, hold_for, .. } if platform => {
            let until = now.saturating_add(*hold_for).unwrap_or(Timestamp::MAX);
            Ok(place(schedule, wanted, patient_busy, until, now))
        }
        FollowUpCommand::Release { id, .. } if platform => {
            let hold = schedule.holds.get(id).ok_or_else(|| InvalidTransition.refusal())?;
            let expired = now >= hold.expires_at;
            let status = if expired { FollowUpStatus::Expired } else { FollowUpStatus::Withdrawn };
            Ok(FollowUpEvent::Released { id: *id, status })
        }
        FollowUpCommand::Place { .. } | FollowUpCommand::Release { .. } => Err(Refusal::forbidden()),
        FollowUpCommand::Confirm { id, consultation_id, .. } => {
            let hold = patients_own(schedule, *id, meta)?;
            let held = schedule.held.get(&appointment_id(*id)).copied().ok_or_else(|| InvalidTransition.refusal())?;
            if now >= hold.expires_at {
                return Err(HoldExpired.refusal());
            }
            let entry = Entry {
                facility_id: hold.facility_id,
                patient_id: hold.patient_id,
                kind: AppointmentKind::Booked,
                starts_at: hold.starts_at,
                ends_at: hold.ends_at,
                status: Status::Accepted,
                revision: 0,
                version: 1,
                is_emergency: false,
                consultation_id: Some(*consultation_id),
                started_at: None,
            };
            Ok(FollowUpEvent::Confirmed { id: *id, entry, held })
        }
        FollowUpCommand::Decline { id } => {
            patients_own(schedule, *id, meta)?;
            Ok(FollowUpEvent::Released { id: *id, status: FollowUpStatus::Declined })
        }
    }
}

/// Whose follow-up it is was looked at before it came here; what is not kept any more cannot be answered.
fn patients_own<'a>(schedule: &'a DoctorSchedule, id: FollowUpId, meta: &CommandMeta) -> Result<&'a Hold, Refusal> {
    let hold = schedule.holds.get(&id).ok_or_else(|| InvalidTransition.refusal())?;
    let user = meta.principal.user().filter(|user| user.facility_id == hold.facility_id);
    match user.is_some_and(|user| user.patient_id == Some(hold.patient_id)) {
        true => Ok(hold),
        false => Err(Refusal::not_found()),
    }
}

/// Keeps the first slot on the wanted day or after it at which doctor and patient are both free.
fn place(
    schedule: &DoctorSchedule,
    wanted: &FollowUp,
    patient_busy: &[Interval],
    until: Timestamp,
    now: Timestamp,
) -> FollowUpEvent {
    let id = wanted.id;
    let Some(availability) = schedule.availability.as_ref().map(|set| &set.availability) else {
        return FollowUpEvent::Unplaced { id };
    };
    let busy = schedule.busy(availability, None);
    let free = |slot: &Slot| {
        !patient_busy.iter().any(|other| other.starts_at < slot.ends_at && slot.starts_at < other.ends_at)
    };
    let from = start_of(availability, wanted.wanted_on).max(now);
    // Week by week, because the first one is usually near.
    let slot = (0..MAX_RANGE_DAYS).step_by(7).find_map(|day| {
        let (from, to) = (slots::after(from, day * DAY), slots::after(from, (day + 7).min(MAX_RANGE_DAYS) * DAY));
        slots::free_slots(availability, &busy, from, to, now).into_iter().find(free)
    });
    let Some(slot) = slot else { return FollowUpEvent::Unplaced { id } };
    let hold = Hold {
        facility_id: wanted.facility_id,
        patient_id: wanted.patient_id,
        starts_at: slot.starts_at,
        ends_at: slot.ends_at,
        expires_at: until.min(slot.starts_at),
    };
    FollowUpEvent::Placed { id, hold, held: slots::occupancy(availability, slot) }
}

/// When the day begins where the doctor is.
fn start_of(availability: &Availability, date: Date) -> Timestamp {
    let zone = availability.time_zone.rules();
    date.to_zoned(zone.clone()).map_or(Timestamp::MAX, |start| start.timestamp())
}

impl DoctorSchedule {
    /// Takes a committed event in.
    pub(crate) fn take_in_follow_up(&mut self, event: &FollowUpEvent) {
        match event {
            FollowUpEvent::Unplaced { .. } => {}
            FollowUpEvent::Placed { id, hold, held } => {
                self.held.insert(appointment_id(*id), *held);
                self.holds.insert(*id, hold.clone());
            }
            FollowUpEvent::Confirmed { id, entry, held } => {
                self.holds.remove(id);
                self.held.insert(appointment_id(*id), *held);
                self.live.insert(appointment_id(*id), entry.clone());
            }
            FollowUpEvent::Released { id, .. } => {
                self.holds.remove(id);
                self.held.remove(&appointment_id(*id));
            }
        }
    }
}
