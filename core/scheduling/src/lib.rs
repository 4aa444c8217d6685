//! Appointments: when doctors can be booked, booking without double-booking, and what becomes of a booking.
//!
//! One [`DoctorSchedule`] actor per doctor decides; a constraint of the database refuses what overlaps even if
//! two of them believe to be the only one. Builds on `people` and `identity`; knows nothing of what happens
//! inside a consultation, of notifications or of HTTP.
//!
//! Events, all with [`AppointmentEvent`] as data: `appointment_booked`, `_accepted`, `_rejected`, `_cancelled`,
//! `_rescheduled`, `_completed`, `_no_show`, `_walked_in`; and `availability_changed {doctor_id, version}`.
//! Follow-ups: `follow_up_held`, `_confirmed`, `_declined`, `_expired`, `_unplaced`, `_withdrawn`, with [`FollowUp`].
//! Timers of the entity kind `appointment`: [`REMINDER_24H`] and [`REMINDER_1H`], handled by whoever reminds, and
//! [`NO_SHOW`], handled by [`NoShowTimer`], and [`REQUEST_EXPIRY`], handled by [`RequestExpiryTimer`].

mod access;
mod actor;
mod availability;
mod decide;
mod expiry;
mod facts;
mod follow_ups;
mod meeting;
mod model;
mod refusal;
mod schedule;
mod search;
mod service;
mod slots;
mod store;
#[cfg(test)]
mod tests;
mod walk_in;

pub use availability::{
    Availability, AvailabilityDraft, Day, Exception, ExceptionDraft, Hours, VersionedAvailability, WallTime,
    WeeklyDraft, WeeklyHours,
};
pub use expiry::RequestExpiryTimer;
pub use facts::{NO_SHOW, REMINDER_1H, REMINDER_24H, REQUEST_EXPIRY};
pub use follow_ups::{
    FollowUp, FollowUpCommand, FollowUpEvent, FollowUpId, FollowUpStatus, FollowUpSubscriber, FollowUpTimer, Hold,
};
pub use meeting::{
    NoShowTimer, appointment, appointment_of_consultation, arrived, complete, in_vain, missed, no_show, started, treats,
};
pub use model::*;
pub use refusal::SchedulingRefusal;
pub use schedule::{Booking, Change, DoctorSchedule, Entry, Moved, ScheduleCommand, ScheduleEvent, ScheduleReply};
pub use search::MAX_RANGE_DAYS;
pub use service::{Scheduling, SchedulingSettings};
pub use slots::{Interval, Slot};
pub use walk_in::{WalkIn, is_open_now, walk_in};
