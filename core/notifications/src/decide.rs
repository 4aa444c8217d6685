//! The rules of time: how long a message is worth sending, when a reminder is still right, and what follows an attempt.

use consilium_kernel::Timestamp;
use consilium_scheduling::Status;
use jiff::SignedDuration;

use crate::{
    content::{AppointmentContent, Content},
    model::{DeliveryStatus, Kind},
};

/// When a message of this kind stops being worth sending.
pub fn expires_at(kind: Kind, content: &Content, now: Timestamp) -> Timestamp {
    if let (true, Some(appointment)) = (kind.is_reminder(), content.appointment()) {
        return appointment.starts_at;
    }
    if let (Kind::FollowUpHeld, Content::FollowUp { expires_at: Some(end), .. }) = (kind, content) {
        return *end;
    }
    let worth = match kind {
        Kind::PasswordReset => SignedDuration::from_hours(1),
        Kind::EmailVerification => SignedDuration::from_hours(24),
        _ => SignedDuration::from_hours(7 * 24),
    };
    now.saturating_add(worth).unwrap_or(Timestamp::MAX)
}

/// Whether a reminder set for `revision` is still right at `now`. The one of the day before gives way to the one
/// of the hour before when it comes that late.
pub fn reminder_is_right(kind: Kind, appointment: &AppointmentContent, revision: i64, now: Timestamp) -> bool {
    let ahead = appointment.starts_at.duration_since(now);
    let early_enough = match kind {
        Kind::Reminder24h => ahead > SignedDuration::from_hours(1),
        _ => ahead > SignedDuration::ZERO,
    };
    appointment.status == Status::Accepted && appointment.revision == revision && early_enough
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Trying again may help; the code says what happened.
    #[error("{0}")]
    Passing(String),
    /// Trying again will not help.
    #[error("{0}")]
    Final(String),
    /// Trying again may help, but not before this has passed.
    #[error("{0}")]
    NotBefore(String, SignedDuration),
    /// There is nobody any more at the address.
    #[error("{0}")]
    Gone(String),
}

/// What is written after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where the delivery stands now.
    pub status: DeliveryStatus,
    /// When it is tried again, if it is.
    pub next_attempt_at: Timestamp,
    /// What went wrong.
    pub last_error: Option<String>,
    /// When the channel took it.
    pub sent_at: Option<Timestamp>,
}

impl Verdict {
    /// Nobody will try again of themselves.
    pub fn given_up(code: &str, now: Timestamp) -> Self {
        Self { status: DeliveryStatus::Dead, next_attempt_at: now, last_error: Some(code.to_owned()), sent_at: None }
    }
}

/// Judges the `attempts`th attempt, of `max_attempts`. `random` spreads the next ones.
pub fn judge(outcome: Result<(), SendError>, attempts: i32, max_attempts: i32, random: u32, now: Timestamp) -> Verdict {
    let (status, wait, last_error) = match outcome {
        Ok(()) => (DeliveryStatus::Sent, SignedDuration::ZERO, None),
        Err(SendError::Final(code)) => (DeliveryStatus::Dead, SignedDuration::ZERO, Some(code)),
        Err(SendError::Gone(code)) => (DeliveryStatus::Withdrawn, SignedDuration::ZERO, Some(code)),
        Err(SendError::Passing(code) | SendError::NotBefore(code, _)) if attempts >= max_attempts => {
            (DeliveryStatus::Dead, SignedDuration::ZERO, Some(code))
        }
        Err(SendError::Passing(code)) => (DeliveryStatus::Failed, backoff(attempts, random), Some(code)),
        Err(SendError::NotBefore(code, asked)) => {
            (DeliveryStatus::Failed, backoff(attempts, random).max(asked.min(LONGEST_PAUSE)), Some(code))
        }
    };
    Verdict {
        status,
        next_attempt_at: now.saturating_add(wait).unwrap_or(Timestamp::MAX),
        last_error,
        sent_at: (status == DeliveryStatus::Sent).then_some(now),
    }
}

/// First wait, doubled after each further failure.
const FIRST_WAIT: i64 = 10_000;
/// Longest wait.
const LONGEST_WAIT: i64 = 3_600_000;
/// The longest that the other side can make us wait.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(6);

/// 10 s doubling to an hour, of which a random half is waited: 5 to 10 s after the first failure.
pub fn backoff(attempts: i32, random: u32) -> SignedDuration {
    let doublings = attempts.saturating_sub(1).clamp(0, 20);
    let full = (FIRST_WAIT << doublings).min(LONGEST_WAIT);
    let half = full / 2;
    SignedDuration::from_millis(half + half * i64::from(random) / i64::from(u32::MAX))
}
