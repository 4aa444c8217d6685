//! When a doctor can be booked: weekly hours and exceptions on the doctor's own wall clock.

mod draft;
mod wall_time;

use consilium_kernel::TimeZone;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

pub use draft::{AvailabilityDraft, ExceptionDraft, WeeklyDraft};
pub use wall_time::WallTime;

/// Hours of one day, from `start` up to `end`, which is later on the same day (at most 24:00).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hours {
    /// When they begin.
    pub start: WallTime,
    /// When they end.
    pub end: WallTime,
}

/// A day of the week.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::EnumString, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "the days explain themselves")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<Weekday> for Day {
    fn from(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }
}

/// Hours of every such day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WeeklyHours {
    /// Which day.
    pub day: Day,
    /// Which hours.
    #[serde(flatten)]
    pub hours: Hours,
}

/// What replaces the weekly hours on one date. A date may have several; their hours are all open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "WrittenException", into = "WrittenException")]
pub struct Exception {
    /// Which date, on the doctor's calendar.
    pub date: Date,
    /// The hours of that date; `None` when it is closed.
    pub hours: Option<Hours>,
}

/// `{date, closed: true}` or `{date, start, end}`.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct WrittenException {
    date: Date,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
    #[serde(flatten)]
    hours: Option<Hours>,
}

impl From<WrittenException> for Exception {
    fn from(written: WrittenException) -> Self {
        Self { date: written.date, hours: written.hours.filter(|_| !written.closed) }
    }
}
impl From<Exception> for WrittenException {
    fn from(exception: Exception) -> Self {
        Self { date: exception.date, closed: exception.hours.is_none(), hours: exception.hours }
    }
}

/// When a doctor can be booked. Made by [`AvailabilityDraft::check`] and trusted from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// The doctor's zone.
    pub time_zone: TimeZone,
    /// In order of day and time.
    pub weekly: Vec<WeeklyHours>,
    /// In order of date and time.
    pub exceptions: Vec<Exception>,
    /// How long an appointment takes.
    pub slot_minutes: u16,
    /// What the doctor keeps free after each.
    pub buffer_minutes: u16,
    /// How long before its start an appointment must be booked.
    pub lead_time_minutes: u32,
    /// How many appointments the doctor takes on one date.
    pub max_per_day: Option<u16>,
}

impl Availability {
    /// What stands where nothing was ever set: no hours.
    pub fn never_set(time_zone: TimeZone) -> Self {
        Self {
            time_zone,
            weekly: Vec::new(),
            exceptions: Vec::new(),
            slot_minutes: 30,
            buffer_minutes: 0,
            lead_time_minutes: 0,
            max_per_day: None,
        }
    }

    /// The hours of `date`, earliest first.
    pub fn hours_of(&self, date: Date) -> impl Iterator<Item = Hours> + '_ {
        let first = self.exceptions.partition_point(|exception| exception.date < date);
        let exceptions = self.exceptions.get(first..).unwrap_or_default();
        let excepted = exceptions.iter().take_while(move |exception| exception.date == date);
        let is_excepted = exceptions.first().is_some_and(|exception| exception.date == date);
        let day = Day::from(date.weekday());
        let weekly = self.weekly.iter().filter(move |weekly| !is_excepted && weekly.day == day);
        excepted.filter_map(|exception| exception.hours).chain(weekly.map(|weekly| weekly.hours))
    }
}

/// An availability with the version that its ETag names; 0 when it was never set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionedAvailability {
    /// Counts the times it was set.
    pub version: i64,
    /// The hours and rules.
    #[serde(flatten)]
    pub availability: Availability,
}
