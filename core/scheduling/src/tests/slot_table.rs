//! Slots on ordinary days, and on the days when clocks are changed.

use consilium_kernel::Timestamp;

use super::support::{draft, every_day, exception, t};
use crate::{
    Availability,
    slots::{self, Busy, Interval, free_slots},
};

fn long_ago() -> Timestamp {
    t("1980-01-01T00:00:00Z")
}

fn starts(availability: &Availability, from: &str, to: &str) -> Vec<String> {
    let slots = free_slots(availability, &Busy::default(), t(from), t(to), long_ago());
    slots.iter().map(|slot| slot.starts_at.to_string()).collect()
}

/// Zone, hours, slot and buffer minutes, from and to, starts of slots.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    i64,
    i64,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const CASES: &[Case] = &[
    // No change of clocks: 09:00 in Dhaka is 03:00Z.
    (
        "Asia/Dhaka",
        &[("09:00", "10:00")],
        25,
        5,
        "2026-06-01T00:00:00Z",
        "2026-06-02T00:00:00Z",
        &["2026-06-01T03:00:00Z", "2026-06-01T03:30:00Z"],
    ),
    // The last slot must fit whole; its buffer need not.
    (
        "Asia/Dhaka",
        &[("09:00", "10:00")],
        30,
        5,
        "2026-06-01T00:00:00Z",
        "2026-06-02T00:00:00Z",
        &["2026-06-01T03:00:00Z"],
    ),
    // Spring in Berlin: 02:00 to 03:00 is not there, and the day has an hour less.
    (
        "Europe/Berlin",
        &[("01:00", "05:00")],
        30,
        0,
        "2026-03-29T00:00:00Z",
        "2026-03-29T12:00:00Z",
        &[
            "2026-03-29T00:00:00Z",
            "2026-03-29T00:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T01:30:00Z",
            "2026-03-29T02:00:00Z",
            "2026-03-29T02:30:00Z",
        ],
    ),
    // Hours that begin in the gap begin after it; hours that lie in it are not there.
    (
        "Europe/Berlin",
        &[("02:30", "03:30")],
        30,
        0,
        "2026-03-29T00:00:00Z",
        "2026-03-29T12:00:00Z",
        &["2026-03-29T01:00:00Z"],
    ),
    ("Europe/Berlin", &[("02:00", "03:00")], 30, 0, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", &[]),
    // Autumn in Berlin: 02:00 to 03:00 is there twice.
    (
        "Europe/Berlin",
        &[("01:00", "04:00")],
        60,
        0,
        "2026-10-24T12:00:00Z",
        "2026-10-25T12:00:00Z",
        &["2026-10-24T23:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"],
    ),
    // New York in spring, real minutes across the gap; and in autumn, a quarter of an hour that comes twice.
    (
        "America/New_York",
        &[("01:30", "03:30")],
        20,
        0,
        "2026-03-08T00:00:00Z",
        "2026-03-08T12:00:00Z",
        &["2026-03-08T06:30:00Z", "2026-03-08T06:50:00Z", "2026-03-08T07:10:00Z"],
    ),
    (
        "America/New_York",
        &[("01:30", "01:45")],
        15,
        0,
        "2026-11-01T00:00:00Z",
        "2026-11-01T12:00:00Z",
        &["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"],
    ),
    // Lord Howe Island changes by half an hour.
    (
        "Australia/Lord_Howe",
        &[("01:00", "03:00")],
        30,
        0,
        "2026-10-03T06:00:00Z",
        "2026-10-04T06:00:00Z",
        &["2026-10-03T14:30:00Z", "2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z"],
    ),
    (
        "Australia/Lord_Howe",
        &[("01:00", "03:00")],
        30,
        0,
        "2026-04-04T06:00:00Z",
        "2026-04-05T06:00:00Z",
        &[
            "2026-04-04T14:00:00Z",
            "2026-04-04T14:30:00Z",
            "2026-04-04T15:00:00Z",
            "2026-04-04T15:30:00Z",
            "2026-04-04T16:00:00Z",
        ],
    ),
    // Samoa had no 30 December 2011.
    (
        "Pacific/Apia",
        &[("09:00", "10:00")],
        60,
        0,
        "2011-12-29T00:00:00Z",
        "2012-01-01T00:00:00Z",
        &["2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z", "2011-12-31T19:00:00Z"],
    ),
    // Beirut puts the clock forward at midnight, Santiago puts it back at midnight: Saturday has 23:00 twice.
    (
        "Asia/Beirut",
        &[("00:00", "02:00")],
        60,
        0,
        "2026-03-28T12:00:00Z",
        "2026-03-29T12:00:00Z",
        &["2026-03-28T22:00:00Z"],
    ),
    (
        "America/Santiago",
        &[("23:00", "24:00")],
        60,
        0,
        "2026-04-04T12:00:00Z",
        "2026-04-05T12:00:00Z",
        &["2026-04-05T02:00:00Z", "2026-04-05T03:00:00Z"],
    ),
];

#[test]
fn slots_follow_the_wall_clock_and_last_real_minutes() {
    for (zone, hours, slot, buffer, from, to, expected) in CASES {
        let availability = every_day(zone, hours, *slot, *buffer);
        assert_eq!(starts(&availability, from, to), *expected, "{zone} {hours:?} from {from}");
        for slot_found in free_slots(&availability, &Busy::default(), t(from), t(to), long_ago()) {
            assert_eq!(slot_found.ends_at, slots::after(slot_found.starts_at, *slot));
            assert_eq!(slots::slot_at(&availability, slot_found.starts_at), Some(slot_found), "{zone}");
        }
    }
}

#[test]
fn exceptions_replace_the_weekly_hours_of_their_date() {
    let mut draft = draft("Europe/Berlin", &[("09:00", "10:00")], 60, 0);
    draft.exceptions = vec![
        exception("2026-06-02", None),
        exception("2026-06-03", Some(("20:00", "21:00"))),
        exception("2026-06-03", Some(("07:00", "08:00"))),
    ];
    let availability = draft.check().unwrap();
    assert_eq!(
        starts(&availability, "2026-06-01T00:00:00Z", "2026-06-05T00:00:00Z"),
        ["2026-06-01T07:00:00Z", "2026-06-03T05:00:00Z", "2026-06-03T18:00:00Z", "2026-06-04T07:00:00Z"]
    );
    // A date that the zone skipped has no slots, whatever somebody wrote for it.
    let mut draft = super::support::draft("Pacific/Apia", &[], 60, 0);
    draft.exceptions = vec![exception("2011-12-30", Some(("00:00", "24:00")))];
    assert!(starts(&draft.check().unwrap(), "2011-12-28T00:00:00Z", "2012-01-02T00:00:00Z").is_empty());
}

#[test]
fn held_time_takes_its_buffer_with_it() {
    let availability = every_day("UTC", &[("09:00", "12:00")], 30, 15);
    let held = |from: &str, to: &str| Interval { starts_at: t(from), ends_at: t(to) };
    let busy = Busy::new(&availability.time_zone, [held("2026-06-01T09:45:00Z", "2026-06-01T10:30:00Z")]);
    let free = free_slots(&availability, &busy, t("2026-06-01T00:00:00Z"), t("2026-06-02T00:00:00Z"), long_ago());
    let starts: Vec<String> = free.iter().map(|slot| slot.starts_at.to_string()).collect();
    assert_eq!(starts, ["2026-06-01T09:00:00Z", "2026-06-01T10:30:00Z", "2026-06-01T11:15:00Z"]);
}

#[test]
fn lead_time_and_the_present_come_first() {
    let mut draft = draft("UTC", &[("09:00", "12:00")], 60, 0);
    draft.lead_time_minutes = 60;
    let availability = draft.check().unwrap();
    let (from, to) = (t("2026-06-01T00:00:00Z"), t("2026-06-02T00:00:00Z"));
    let starts = |now: &str| -> Vec<String> {
        let free = free_slots(&availability, &Busy::default(), from, to, t(now));
        free.iter().map(|slot| slot.starts_at.to_string()).collect()
    };
    assert_eq!(starts("2026-06-01T09:00:00Z"), ["2026-06-01T10:00:00Z", "2026-06-01T11:00:00Z"]);
    assert_eq!(starts("2026-06-01T09:00:00.000001Z"), ["2026-06-01T11:00:00Z"]);
    assert!(starts("2026-06-01T11:00:00Z").is_empty());
}

#[test]
fn a_day_that_is_full_has_no_slots_and_counts_by_the_local_date() {
    let mut draft = draft("Pacific/Auckland", &[("08:00", "14:00")], 60, 0);
    draft.max_per_day = Some(1);
    let availability = draft.check().unwrap();
    // 08:00 on the 2nd in Auckland is still the 1st in UTC.
    let held = Interval { starts_at: t("2026-06-01T20:00:00Z"), ends_at: t("2026-06-01T21:00:00Z") };
    let busy = Busy::new(&availability.time_zone, [held]);
    let free = free_slots(&availability, &busy, t("2026-05-31T12:00:00Z"), t("2026-06-03T12:00:00Z"), long_ago());
    let dates: Vec<String> =
        free.iter().map(|slot| slots::local_date(&availability.time_zone, slot.starts_at).to_string()).collect();
    assert_eq!(dates.len(), 12);
    assert!(dates.iter().all(|date| date == "2026-06-01" || date == "2026-06-03"), "{dates:?}");
}

#[test]
fn what_is_wrong_with_hours_is_said_field_by_field() {
    type Spoil = fn(&mut crate::AvailabilityDraft);
    let cases: &[(Spoil, &str, &str)] = &[
        (|draft| draft.time_zone = "Mars/Olympus".to_owned(), "/time_zone", "unknown_time_zone"),
        (|draft| draft.weekly[0].day = "Mon".to_owned(), "/weekly/0/day", "unknown_day"),
        (|draft| draft.weekly[0].start = "9".to_owned(), "/weekly/0/start", "not_a_time"),
        (|draft| draft.weekly[1].end = "09:00".to_owned(), "/weekly/1/end", "not_after_start"),
        (|draft| draft.weekly[1].end = "02:00".to_owned(), "/weekly/1/end", "not_after_start"),
        (|draft| draft.weekly[1].day = "monday".to_owned(), "/weekly/1", "overlaps"),
        (|draft| draft.weekly = vec![draft.weekly[0].clone(); 51], "/weekly", "too_many"),
        (|draft| draft.exceptions = vec![exception("2026-02-30", None)], "/exceptions/0/date", "not_a_date"),
        (|draft| draft.exceptions = vec![exception("2026-W01-1", None)], "/exceptions/0/date", "not_a_date"),
        (|draft| draft.exceptions = vec![exception("2026-02-28", None); 2], "/exceptions/1", "overlaps"),
        (|draft| draft.exceptions = vec![exception("2026-02-28", None); 367], "/exceptions", "too_many"),
        (
            |draft| {
                draft.exceptions = vec![exception("2026-02-28", Some(("09:00", "10:00")))];
                draft.exceptions[0].closed = Some(true);
            },
            "/exceptions/0",
            "closed_with_hours",
        ),
        (
            |draft| {
                draft.exceptions = vec![exception("2026-02-28", Some(("09:00", "10:00")))];
                draft.exceptions[0].end = None;
            },
            "/exceptions/0/end",
            "required",
        ),
        (|draft| draft.slot_minutes = 4, "/slot_minutes", "out_of_range"),
        (|draft| draft.slot_minutes = 481, "/slot_minutes", "out_of_range"),
        (|draft| draft.buffer_minutes = -1, "/buffer_minutes", "out_of_range"),
        (|draft| draft.buffer_minutes = 241, "/buffer_minutes", "out_of_range"),
        (|draft| draft.lead_time_minutes = i64::MAX, "/lead_time_minutes", "out_of_range"),
        (|draft| draft.max_per_day = Some(0), "/max_per_day", "out_of_range"),
    ];
    for (spoil, pointer, code) in cases {
        let mut draft = draft("UTC", &[("09:00", "12:00")], 30, 0);
        draft.check().unwrap();
        spoil(&mut draft);
        let refusal = draft.check().unwrap_err();
        let errors: Vec<(&str, &str)> = refusal.errors.iter().map(|e| (e.pointer.as_str(), e.code.as_ref())).collect();
        assert_eq!(errors, [(*pointer, *code)]);
    }
}

#[test]
fn hours_survive_being_written_down() {
    let mut draft = draft("Asia/Kathmandu", &[("09:00", "12:00"), ("22:00", "24:00")], 30, 5);
    draft.exceptions = vec![exception("2026-02-28", None), exception("2026-03-01", Some(("10:00", "11:00")))];
    let availability = draft.check().unwrap();
    let json = serde_json::to_value(&availability).unwrap();
    assert_eq!(
        json["exceptions"],
        serde_json::json!([
            { "date": "2026-02-28", "closed": true },
            { "date": "2026-03-01", "start": "10:00", "end": "11:00" },
        ])
    );
    assert_eq!(serde_json::from_value::<Availability>(json.clone()).unwrap(), availability);
    // What is answered can be sent back.
    assert_eq!(serde_json::from_value::<crate::AvailabilityDraft>(json).unwrap().check().unwrap(), availability);
}
