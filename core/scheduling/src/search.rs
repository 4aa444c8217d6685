//! Slots of one doctor and of many: one query for the hours, one for the held time, however many doctors.

use std::collections::{HashMap, HashSet};

use consilium_db::{Result, Session};
use consilium_kernel::{DoctorId, Scope, Timestamp};
use jiff::civil::Date;

use crate::{
    availability::Availability,
    slots::{self, Busy, Interval, Slot},
    store::{availability, occupancy},
};

/// How far slots are looked for at once.
pub const MAX_RANGE_DAYS: i64 = 62;

const DAY: i64 = 24 * 60;

/// The free slots of a doctor that start in [from, to).
pub(crate) fn of_doctor(
    session: &mut Session<'_>,
    scope: Scope,
    doctor_id: DoctorId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Slot>> {
    let now = session.now();
    // Nothing is free in the past; nor do the databases know all of it.
    let (from, to) = (from.max(now), to.max(now));
    let span = with_margin(from, to);
    let set = availability::of_doctors(session, scope, &[doctor_id])?.pop();
    let Some((_, set)) = set else { return Ok(Vec::new()) };
    let held = occupancy::of_doctors(session, &[doctor_id], span)?.remove(&doctor_id).unwrap_or_default();
    let busy = Busy::new(&set.availability.time_zone, held);
    Ok(slots::free_slots(&set.availability, &busy, from, to, now))
}

/// The doctors of the facility who have a free slot on `date`, each on their own calendar.
pub(crate) fn available_on(session: &mut Session<'_>, scope: Scope, date: Date) -> Result<HashSet<DoctorId>> {
    let Some(span) = slots::around(date) else { return Ok(HashSet::new()) };
    let now = session.now();
    if span.ends_at <= now {
        return Ok(HashSet::new());
    }
    let sets = availability::of_facility(session, scope)?;
    let mut held = occupancy::of_facility(session, scope, with_margin(span.starts_at, span.ends_at))?;
    let mut available = HashSet::new();
    for (doctor_id, set) in sets {
        let zone = &set.availability.time_zone;
        let busy = Busy::new(zone, held.remove(&doctor_id).unwrap_or_default());
        let free = slots::free_slots(&set.availability, &busy, span.starts_at, span.ends_at, now);
        if free.iter().any(|slot| slots::local_date(zone, slot.starts_at) == date) {
            available.insert(doctor_id);
        }
    }
    Ok(available)
}

/// The next free slot of each of these doctors; those without one within 62 days are left out.
pub(crate) fn next_free(
    session: &mut Session<'_>,
    scope: Scope,
    doctors: &[DoctorId],
) -> Result<HashMap<DoctorId, Slot>> {
    let now = session.now();
    let sets = availability::of_doctors(session, scope, doctors)?;
    let mut held = occupancy::of_doctors(session, doctors, with_margin(now, slots::after(now, MAX_RANGE_DAYS * DAY)))?;
    let mut next = HashMap::new();
    for (doctor_id, set) in sets {
        let busy = Busy::new(&set.availability.time_zone, held.remove(&doctor_id).unwrap_or_default());
        if let Some(slot) = first_free(&set.availability, &busy, now) {
            next.insert(doctor_id, slot);
        }
    }
    Ok(next)
}

/// Week by week, because the next one is usually near.
fn first_free(availability: &Availability, busy: &Busy, now: Timestamp) -> Option<Slot> {
    (0..MAX_RANGE_DAYS).step_by(7).find_map(|day| {
        let from = slots::after(now, day * DAY);
        let to = slots::after(now, (day + 7).min(MAX_RANGE_DAYS) * DAY);
        slots::free_slots(availability, busy, from, to, now).into_iter().next()
    })
}

/// Held time that reaches into the range, or counts towards one of its local days.
fn with_margin(from: Timestamp, to: Timestamp) -> Interval {
    Interval { starts_at: slots::after(from, -2 * DAY), ends_at: slots::after(to, 2 * DAY) }
}
