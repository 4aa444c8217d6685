//! Slots in every zone there is, against a second computation that only asks what the clock shows each minute.

use std::collections::HashSet;

use consilium_kernel::{TimeZone, Timestamp};
use proptest::prelude::*;

use super::support::{every_day, t};
use crate::{
    Availability, AvailabilityDraft,
    slots::{self, Busy, Interval, free_slots, local_date},
    tests::support::{DAYS, exception},
};

fn all_zones() -> Vec<TimeZone> {
    let zones: Vec<TimeZone> = TimeZone::names().map(|name| name.parse().unwrap()).collect();
    assert!(zones.len() > 400, "only {} zones in the bundle", zones.len());
    zones
}

/// Which of the day's hours the clock is in, minute by minute; runs of the same make the doctor's open time.
fn expected(availability: &Availability, from: Timestamp, to: Timestamp) -> Vec<Interval> {
    let shown = |minute: Timestamp| {
        let local = availability.time_zone.rules().to_datetime(minute);
        let since_midnight = i64::from(local.hour()) * 60 + i64::from(local.minute());
        let hours = availability.hours_of(local.date());
        hours
            .filter(|hours| hours.start.minutes() <= since_midnight && since_midnight < hours.end.minutes())
            .map(|hours| (local.date(), hours))
            .next()
    };
    let mut slots = Vec::new();
    let mut run = None;
    let mut minute = from;
    while minute < to {
        let now = shown(minute);
        match (&run, now) {
            (Some((window, _)), Some(same)) if *window == same => {}
            (ended, next) => {
                if let Some((_, since)) = ended {
                    slots.extend(steps(availability, *since, minute));
                }
                run = next.map(|window| (window, minute));
            }
        }
        minute = slots::after(minute, 1);
    }
    slots
}

fn steps(availability: &Availability, since: Timestamp, until: Timestamp) -> Vec<Interval> {
    let mut slots = Vec::new();
    let mut starts_at = since;
    loop {
        let ends_at = slots::after(starts_at, i64::from(availability.slot_minutes));
        if ends_at > until {
            return slots;
        }
        slots.push(Interval { starts_at, ends_at });
        starts_at = slots::after(ends_at, i64::from(availability.buffer_minutes));
    }
}

/// Compares the slots that start within so many hours of `around`.
fn check(availability: &Availability, around: Timestamp, hours: i64) {
    let (from, to) = (slots::after(around, -hours * 60), slots::after(around, hours * 60));
    // No opening is longer than a day of 25 hours: the walk begins early enough to see each from its start.
    let wide = expected(availability, slots::after(from, -26 * 60), slots::after(to, 26 * 60));
    let mut wanted: Vec<Interval> =
        wide.into_iter().filter(|slot| from <= slot.starts_at && slot.starts_at < to).collect();
    wanted.sort();
    let found = free_slots(availability, &Busy::default(), from, to, Timestamp::MIN);
    assert_eq!(found, wanted, "{} around {around}", availability.time_zone);
    assert!(found.windows(2).all(|pair| pair[0].ends_at <= pair[1].starts_at), "overlap in {}", availability.time_zone);
}

/// The oddities of history, and the rules of today.
#[test]
fn slots_are_right_around_changes_of_every_zones_clocks() {
    let (mut changes, mut seen) = (0, HashSet::new());
    for zone in all_zones() {
        let after = |since: &str| zone.rules().following(t(since)).take(6).map(|change| change.timestamp());
        let around: Vec<Timestamp> = after("1975-01-01T00:00:00Z").chain(after("2020-01-01T00:00:00Z")).collect();
        // Many names are aliases of one zone.
        let offset = zone.rules().to_offset(t("2026-01-01T00:00:00Z")).seconds();
        if !seen.insert((offset, around.clone())) {
            continue;
        }
        let availability = every_day(zone.name(), &[("00:00", "01:45"), ("01:45", "03:10"), ("21:30", "24:00")], 25, 5);
        for instant in around {
            check(&availability, whole_minute(instant), 6);
            changes += 1;
        }
    }
    assert!(seen.len() > 200 && changes > 1_500, "{} zones, {changes} changes", seen.len());
}

fn whole_minute(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second().div_euclid(60) * 60).unwrap()
}

fn hours() -> impl Strategy<Value = (String, String)> {
    (0i64..1440, 1i64..600).prop_map(|(start, length)| {
        let clock = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        (clock(start), clock((start + length).min(1440)))
    })
}

prop_compose! {
    fn any_availability()(
        weekly in proptest::collection::vec((0usize..7, hours()), 1..12),
        exceptions in proptest::collection::vec((0i32..10, proptest::option::of(hours())), 0..3),
        slot in 5i64..180,
        buffer in 0i64..60,
        lead in 0i64..3_000,
        zone in 0usize..10_000,
        start in 157_766_400i64..4_102_444_800,
    ) -> (AvailabilityDraft, Timestamp) {
        let zones = all_zones();
        let zone = &zones[zone % zones.len()];
        let around = whole_minute(Timestamp::from_second(start).unwrap());
        // Near a change of the clocks where there is one.
        let around = zone.rules().following(around).next().map_or(around, |change| whole_minute(change.timestamp()));
        let date = local_date(zone, around);
        let mut draft = super::support::draft(zone.name(), &[], slot, buffer);
        draft.lead_time_minutes = lead;
        for (day, (start, end)) in weekly {
            let one = crate::WeeklyDraft { day: DAYS[day].to_owned(), start, end };
            draft.weekly.push(one);
            if draft.check().is_err() {
                draft.weekly.pop();
            }
        }
        for (offset, hours) in exceptions {
            let on = date.saturating_add(jiff::Span::new().days(offset - 5));
            draft.exceptions.push(exception(&on.to_string(), hours.as_ref().map(|(a, b)| (a.as_str(), b.as_str()))));
            if draft.check().is_err() {
                draft.exceptions.pop();
            }
        }
        (draft, around)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn slots_are_what_the_clock_shows_in_any_zone((draft, around) in any_availability()) {
        let mut availability = draft.check().unwrap();
        availability.lead_time_minutes = 0;
        check(&availability, around, 72);
    }

    #[test]
    fn slots_lie_in_local_hours_never_overlap_and_are_never_past((draft, around) in any_availability()) {
        let availability = draft.check().unwrap();
        let (from, to) = (slots::after(around, -5 * 1440), slots::after(around, 5 * 1440));
        let earliest = slots::after(around, i64::from(availability.lead_time_minutes));
        let found = free_slots(&availability, &Busy::default(), from, to, around);
        for slot in &found {
            prop_assert!(slot.starts_at >= earliest && slot.starts_at > around && slot.starts_at < to);
            let first = availability.time_zone.rules().to_datetime(slot.starts_at);
            let inside = |instant: Timestamp| {
                let local = availability.time_zone.rules().to_datetime(instant);
                let minutes = i64::from(local.hour()) * 60 + i64::from(local.minute());
                local.date() == first.date() && availability.hours_of(local.date()).any(|hours| {
                    hours.start.minutes() <= minutes && minutes < hours.end.minutes()
                })
            };
            for minute in 0..i64::from(availability.slot_minutes) {
                prop_assert!(inside(slots::after(slot.starts_at, minute)));
            }
        }
        for pair in found.windows(2) {
            prop_assert!(pair[0].ends_at <= pair[1].starts_at);
        }
    }
}
