//! An availability as somebody wrote it, and the rules it must keep.

use consilium_kernel::{FieldError, Refusal, TimeZone};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Availability, Day, Exception, Hours, WallTime, WeeklyHours};

/// Hours of a week that one doctor may have.
const MAX_WEEKLY: usize = 50;
/// Exceptions that one doctor may have: a year of them.
const MAX_EXCEPTIONS: usize = 366;
/// The longest lead time: 62 days, as far as slots can be looked for.
const MAX_LEAD_TIME: i64 = 62 * 24 * 60;

/// An unchecked availability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AvailabilityDraft {
    /// IANA name.
    pub time_zone: String,
    /// At most 50.
    pub weekly: Vec<WeeklyDraft>,
    /// At most 366.
    #[serde(default)]
    pub exceptions: Vec<ExceptionDraft>,
    /// 5 to 480.
    pub slot_minutes: i64,
    /// 0 to 240.
    #[serde(default)]
    pub buffer_minutes: i64,
    /// 0 to 89,280 (62 days).
    #[serde(default)]
    pub lead_time_minutes: i64,
    /// 1 to 288.
    #[serde(default)]
    pub max_per_day: Option<i64>,
}

/// Hours of every such day. They cannot cross midnight: use one entry up to `24:00` and one from `00:00`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeeklyDraft {
    /// `monday` …
    pub day: String,
    /// `09:00`
    pub start: String,
    /// `13:00`
    pub end: String,
}

/// One date that is closed, or open at other hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionDraft {
    /// `2026-12-24`
    pub date: String,
    /// Either this …
    #[serde(default)]
    pub closed: Option<bool>,
    /// … or this, with `end`.
    #[serde(default)]
    pub start: Option<String>,
    /// Later than `start`.
    #[serde(default)]
    pub end: Option<String>,
}

impl AvailabilityDraft {
    /// The availability, or everything that is wrong with it.
    pub fn check(&self) -> Result<Availability, Refusal> {
        let mut wrong = Wrong::default();
        let availability = Availability {
            time_zone: wrong.parsed(&self.time_zone, "/time_zone", "unknown_time_zone").unwrap_or_else(TimeZone::utc),
            weekly: wrong.weekly(&self.weekly),
            exceptions: wrong.exceptions(&self.exceptions),
            slot_minutes: wrong.number(self.slot_minutes, "/slot_minutes", 5, 480),
            buffer_minutes: wrong.number(self.buffer_minutes, "/buffer_minutes", 0, 240),
            lead_time_minutes: wrong.number(self.lead_time_minutes, "/lead_time_minutes", 0, MAX_LEAD_TIME),
            max_per_day: self.max_per_day.map(|most| wrong.number(most, "/max_per_day", 1, 288)),
        };
        if wrong.0.is_empty() { Ok(availability) } else { Err(Refusal::invalid(wrong.0)) }
    }
}

/// What was found so far.
#[derive(Default)]
struct Wrong(Vec<FieldError>);

impl Wrong {
    fn add(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.to_owned(), code: code.into(), detail: detail.into() });
    }

    fn number<N: TryFrom<i64> + Default>(&mut self, value: i64, pointer: &str, least: i64, most: i64) -> N {
        match N::try_from(value) {
            Ok(number) if (least..=most).contains(&value) => number,
            _ => {
                self.add(pointer, "out_of_range", format!("must be from {least} to {most}"));
                N::default()
            }
        }
    }

    fn parsed<T: std::str::FromStr>(&mut self, text: &str, pointer: &str, code: &'static str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        text.parse().map_err(|error: T::Err| self.add(pointer, code, error.to_string())).ok()
    }

    fn hours(&mut self, start: &str, end: &str, pointer: &str) -> Option<Hours> {
        let start: Option<WallTime> = self.parsed(start, &format!("{pointer}/start"), "not_a_time");
        let end: Option<WallTime> = self.parsed(end, &format!("{pointer}/end"), "not_a_time");
        let (start, end) = (start?, end?);
        if start >= end {
            self.add(
                &format!("{pointer}/end"),
                "not_after_start",
                "must be after the start; hours across midnight are two entries, one up to 24:00 and one from 00:00",
            );
            return None;
        }
        Some(Hours { start, end })
    }

    fn weekly(&mut self, drafts: &[WeeklyDraft]) -> Vec<WeeklyHours> {
        if drafts.len() > MAX_WEEKLY {
            self.add("/weekly", "too_many", format!("at most {MAX_WEEKLY} entries"));
            return Vec::new();
        }
        let mut weekly = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.iter().enumerate() {
            let pointer = format!("/weekly/{index}");
            let day: Option<Day> = draft.day.parse().ok();
            if day.is_none() {
                self.add(&format!("{pointer}/day"), "unknown_day", "must be monday, tuesday, … or sunday");
            }
            let hours = self.hours(&draft.start, &draft.end, &pointer);
            let (Some(day), Some(hours)) = (day, hours) else { continue };
            if weekly.iter().any(|other: &WeeklyHours| other.day == day && overlap(other.hours, hours)) {
                self.add(&pointer, "overlaps", "overlaps an earlier entry of the same day");
            }
            weekly.push(WeeklyHours { day, hours });
        }
        weekly.sort();
        weekly
    }

    fn exceptions(&mut self, drafts: &[ExceptionDraft]) -> Vec<Exception> {
        if drafts.len() > MAX_EXCEPTIONS {
            self.add("/exceptions", "too_many", format!("at most {MAX_EXCEPTIONS} entries"));
            return Vec::new();
        }
        let mut exceptions = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.iter().enumerate() {
            let pointer = format!("/exceptions/{index}");
            let date = real_date(&draft.date);
            if date.is_none() {
                self.add(&format!("{pointer}/date"), "not_a_date", "is not a date written as YYYY-MM-DD");
            }
            let hours = match (draft.closed, &draft.start, &draft.end) {
                (Some(true), None, None) => Some(None),
                (Some(true), ..) => {
                    self.add(&pointer, "closed_with_hours", "is either closed or has hours");
                    None
                }
                (_, Some(start), Some(end)) => self.hours(start, end, &pointer).map(Some),
                (_, start, _) => {
                    let missing = if start.is_none() { "start" } else { "end" };
                    self.add(&format!("{pointer}/{missing}"), "required", "give start and end, or closed: true");
                    None
                }
            };
            let (Some(date), Some(hours)) = (date, hours) else { continue };
            let same_date = exceptions.iter().filter(|other: &&Exception| other.date == date);
            if same_date.clone().any(|other| match (other.hours, hours) {
                (Some(theirs), Some(ours)) => overlap(theirs, ours),
                _ => true,
            }) {
                self.add(&pointer, "overlaps", "contradicts an earlier entry of the same date");
            }
            exceptions.push(Exception { date, hours });
        }
        exceptions.sort();
        exceptions
    }
}

fn overlap(a: Hours, b: Hours) -> bool {
    a.start < b.end && b.start < a.end
}

/// A date between the years 1900 and 9000, far enough from the ends of time for any arithmetic.
fn real_date(text: &str) -> Option<Date> {
    let date: Date = (text.len() == 10).then(|| text.parse().ok()).flatten()?;
    ((1900..=9000).contains(&date.year()) && date.to_string() == text).then_some(date)
}
