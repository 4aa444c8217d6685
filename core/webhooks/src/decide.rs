//! The rules of trying again: pure functions of what happened, how often, and when.

use consilium_kernel::Timestamp;
use jiff::SignedDuration;

use crate::model::{DeliveryStatus, DisabledBecause};

/// Attempts before a delivery is given up.
pub const MAX_ATTEMPTS: i32 = 10;
/// The wait after the first failed attempt; each further one is three times as long.
const FIRST_WAIT: i64 = 10_000;
/// The longest that an endpoint can make us wait with `Retry-After`.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(6);

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// How long it wants to be left alone.
        retry_after: Option<SignedDuration>,
    },
    /// It did not: a code such as `timeout`.
    Failed(&'static str),
}

/// What is written after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where the delivery stands now.
    pub status: DeliveryStatus,
    /// When it is tried again, if it is.
    pub next_attempt_at: Timestamp,
    /// The HTTP status, if there was an answer.
    pub status_code: Option<u16>,
    /// What went wrong: `timeout`, `http_500`, …
    pub error: Option<String>,
    /// Until when the whole subscription is left alone.
    pub pause_until: Option<Timestamp>,
}

/// Judges the `attempts`th attempt. `random` spreads the next ones.
///
/// Any 2xx is a success and everything else a failure, redirects too, since they are not followed. 410 is final; on
/// 429 and 503 the endpoint may say how long to wait.
pub fn judge(outcome: Outcome, attempts: i32, random: u32, now: Timestamp) -> Verdict {
    let (status_code, asked) = match outcome {
        Outcome::Answered { status, retry_after } => {
            (Some(status), retry_after.filter(|_| matches!(status, 429 | 503)))
        }
        Outcome::Failed(_) => (None, None),
    };
    let error = match outcome {
        Outcome::Answered { status: 200..=299, .. } => None,
        Outcome::Answered { status, .. } => Some(format!("http_{status}")),
        Outcome::Failed(code) => Some(code.to_owned()),
    };
    let asked = asked.map(|wait| wait.clamp(SignedDuration::ZERO, LONGEST_PAUSE));
    let (status, wait) = match error {
        None => (DeliveryStatus::Delivered, SignedDuration::ZERO),
        Some(_) if status_code == Some(410) || attempts >= MAX_ATTEMPTS => (DeliveryStatus::Dead, SignedDuration::ZERO),
        Some(_) => (DeliveryStatus::Failed, backoff(attempts, random).max(asked.unwrap_or_default())),
    };
    let after = |wait| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
    Verdict { status, next_attempt_at: after(wait), status_code, error, pause_until: asked.map(after) }
}

/// 10 s, then three times as long each time, of which 80 to 100 % is waited: nine waits make about a day.
pub fn backoff(attempts: i32, random: u32) -> SignedDuration {
    let tripled = 3_i64.pow(attempts.saturating_sub(1).clamp(0, MAX_ATTEMPTS).unsigned_abs());
    let full = FIRST_WAIT * tripled;
    let certain = full / 5 * 4;
    SignedDuration::from_millis(certain + (full - certain) * i64::from(random) / i64::from(u32::MAX))
}

/// Why a subscription is disabled after an attempt, if it is. `failing_since`: the first failure after the last
/// success.
pub fn disables(
    verdict: &Verdict,
    failing_since: Option<Timestamp>,
    limit: SignedDuration,
    now: Timestamp,
) -> Option<DisabledBecause> {
    if verdict.status_code == Some(410) {
        return Some(DisabledBecause::Gone);
    }
    let failing = failing_since.filter(|_| verdict.error.is_some())?;
    (now.duration_since(failing) >= limit).then_some(DisabledBecause::Failing)
}
