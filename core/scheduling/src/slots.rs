//! Slots from availability: pure calendar arithmetic, right across every change of every zone's clocks.
//!
//! A local time is a function of an instant, never the other way round: for each stretch of constant UTC
//! offset the doctor's hours are turned into instants, and stretches that touch are joined. An hour that the
//! clock skips is then simply not there, and an hour that it shows twice is there twice, without any case
//! distinction. Within the stretch, slots are counted in elapsed minutes.

use std::collections::HashMap;

use consilium_kernel::{TimeZone, Timestamp};
use jiff::{
    SignedDuration,
    civil::Date,
    tz::{self, Offset},
};
use serde::{Deserialize, Serialize};

use crate::availability::{Availability, Hours};

/// From `starts_at` up to, but not including, `ends_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Interval {
    /// Its first instant.
    pub starts_at: Timestamp,
    /// The first instant after it.
    pub ends_at: Timestamp,
}

/// A bookable interval.
pub type Slot = Interval;

impl Interval {
    /// Whether they have a part in common.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.intersection(other).is_some()
    }

    /// The part that both have, if any.
    fn intersection(self, other: Self) -> Option<Self> {
        let starts_at = self.starts_at.max(other.starts_at);
        let ends_at = self.ends_at.min(other.ends_at);
        (starts_at < ends_at).then_some(Self { starts_at, ends_at })
    }
}

/// The held time of one doctor.
#[derive(Debug, Clone, Default)]
pub struct Busy {
    /// In order, and free of overlaps: the database sees to that.
    intervals: Vec<Interval>,
    /// Appointments by the local date of their start.
    per_day: HashMap<Date, u16>,
}

impl Busy {
    /// From occupancy, in any order; dates are those of `zone`.
    pub fn new(zone: &TimeZone, intervals: impl IntoIterator<Item = Interval>) -> Self {
        let mut intervals: Vec<Interval> = intervals.into_iter().collect();
        intervals.sort();
        let mut per_day = HashMap::new();
        for interval in &intervals {
            *per_day.entry(local_date(zone, interval.starts_at)).or_insert(0) += 1;
        }
        Self { intervals, per_day }
    }

    /// Whether any of it falls into `wanted`.
    pub fn overlaps(&self, wanted: Interval) -> bool {
        let before = self.intervals.partition_point(|held| held.starts_at < wanted.ends_at);
        before
            .checked_sub(1)
            .and_then(|last| self.intervals.get(last))
            .is_some_and(|held| held.ends_at > wanted.starts_at)
    }

    /// Appointments that start on `date`.
    pub fn on(&self, date: Date) -> u16 {
        self.per_day.get(&date).copied().unwrap_or(0)
    }
}

/// The free slots that start in [from, to), in order. None starts before `now` or within the lead time.
pub fn free_slots(
    availability: &Availability,
    busy: &Busy,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Vec<Slot> {
    let earliest = after(now, i64::from(availability.lead_time_minutes));
    let mut slots = grid(availability, from.max(earliest), to);
    slots.retain(|slot| slot.starts_at > now && is_free(availability, busy, *slot));
    slots
}

/// Whether the slot's time and the buffer after it are free, and its day has room for one more.
pub fn is_free(availability: &Availability, busy: &Busy, slot: Slot) -> bool {
    !busy.overlaps(occupancy(availability, slot)) && has_room(availability, busy, slot)
}

/// Whether the doctor takes one more appointment on the slot's day.
pub fn has_room(availability: &Availability, busy: &Busy, slot: Slot) -> bool {
    let Some(most) = availability.max_per_day else { return true };
    busy.on(local_date(&availability.time_zone, slot.starts_at)) < most
}

/// What booking `slot` holds: its time and the buffer after it.
pub fn occupancy(availability: &Availability, slot: Slot) -> Interval {
    Interval { starts_at: slot.starts_at, ends_at: after(slot.ends_at, i64::from(availability.buffer_minutes)) }
}

/// The slot that starts exactly then, free or not.
pub fn slot_at(availability: &Availability, starts_at: Timestamp) -> Option<Slot> {
    grid(availability, starts_at, after(starts_at, 1)).into_iter().find(|slot| slot.starts_at == starts_at)
}

/// Whether the doctor's hours cover this instant.
pub fn is_open(availability: &Availability, now: Timestamp) -> bool {
    let zone = &availability.time_zone;
    let stretches = stretches(zone.rules(), after(now, -24 * 60), after(now, 24 * 60));
    let date = local_date(zone, now);
    availability
        .hours_of(date)
        .flat_map(|hours| open(&stretches, date, hours))
        .any(|open| open.starts_at <= now && now < open.ends_at)
}

/// The date on the wall calendar of `zone`.
pub fn local_date(zone: &TimeZone, instant: Timestamp) -> Date {
    zone.rules().to_datetime(instant).date()
}

/// A bound on the instants at which it is `date` somewhere in `zone`: generous by what offsets can be.
pub fn around(date: Date) -> Option<Interval> {
    let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(Interval { starts_at: after(midnight, -26 * 60), ends_at: after(midnight, (24 + 26) * 60) })
}

/// `instant` and so many minutes, stopping at the ends of time.
pub fn after(instant: Timestamp, minutes: i64) -> Timestamp {
    let end = if minutes < 0 { Timestamp::MIN } else { Timestamp::MAX };
    instant.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(end)
}

/// All slots that start in [from, to), free or not, in order.
fn grid(availability: &Availability, from: Timestamp, to: Timestamp) -> Vec<Slot> {
    if from >= to {
        return Vec::new();
    }
    let zone = &availability.time_zone;
    let stretches = stretches(zone.rules(), after(from, -3 * 24 * 60), after(to, 3 * 24 * 60));
    // One day more on either side: a clock that is put back at midnight shows the day before once more.
    let first = local_date(zone, from).yesterday().unwrap_or(Date::MIN);
    let last = local_date(zone, to).tomorrow().unwrap_or(Date::MAX);
    let mut slots: Vec<Slot> = first
        .series(jiff::Span::new().days(1))
        .take_while(|date| *date <= last)
        .flat_map(|date| availability.hours_of(date).map(move |hours| (date, hours)))
        .flat_map(|(date, hours)| open(&stretches, date, hours))
        .flat_map(|open| steps(availability, open))
        .filter(|slot| from <= slot.starts_at && slot.starts_at < to)
        .collect();
    slots.sort();
    slots
}

/// A stretch of time with one UTC offset.
type Stretch = (Interval, Offset);

fn stretches(zone: &tz::TimeZone, from: Timestamp, to: Timestamp) -> Vec<Stretch> {
    let mut stretches = Vec::with_capacity(2);
    let (mut starts_at, mut offset) = (from, zone.to_offset(from));
    for change in zone.following(from).take_while(|change| change.timestamp() < to) {
        stretches.push((Interval { starts_at, ends_at: change.timestamp() }, offset));
        (starts_at, offset) = (change.timestamp(), change.offset());
    }
    stretches.push((Interval { starts_at, ends_at: to }, offset));
    stretches
}

/// The instants at which the wall clock shows `date` and a time within `hours`.
fn open(stretches: &[Stretch], date: Date, hours: Hours) -> Vec<Interval> {
    let Ok(midnight) = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)) else { return Vec::new() };
    let mut joined: Vec<Interval> = Vec::with_capacity(1);
    for (stretch, offset) in stretches {
        let shown = |minutes: i64| {
            let second = midnight.as_second() + minutes * 60 - i64::from(offset.seconds());
            Timestamp::from_second(second).ok()
        };
        let (Some(starts_at), Some(ends_at)) = (shown(hours.start.minutes()), shown(hours.end.minutes())) else {
            continue;
        };
        let Some(part) = stretch.intersection(Interval { starts_at, ends_at }) else { continue };
        match joined.last_mut() {
            Some(last) if last.ends_at == part.starts_at => last.ends_at = part.ends_at,
            _ => joined.push(part),
        }
    }
    joined
}

/// Slots from the start of `open`, each followed by the buffer, as long as a whole one fits.
fn steps(availability: &Availability, open: Interval) -> impl Iterator<Item = Slot> + use<> {
    let (length, step) = (
        i64::from(availability.slot_minutes),
        i64::from(availability.slot_minutes) + i64::from(availability.buffer_minutes),
    );
    std::iter::successors(Some(open.starts_at), move |start| Some(after(*start, step)))
        .map(move |starts_at| Interval { starts_at, ends_at: after(starts_at, length) })
        .take_while(move |slot| slot.starts_at < slot.ends_at && slot.ends_at <= open.ends_at)
}
