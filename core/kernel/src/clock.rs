//! Time is passed in. Nothing else in the workspace may ask the machine what time it is.

use std::{sync::Mutex, time::Instant};

use jiff::{SignedDuration, Timestamp};

/// What time it is, to the microsecond (the finest step both databases keep).
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Somebody who knows says that this clock is wrong: it may set itself right, if it can.
    fn reset(&self) {}
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        to_microseconds(Timestamp::now())
    }
}

/// The machine's clock as it was when this one was made or reset, and since then its steady clock: what anybody does to
/// the machine's clock meanwhile is not followed. For servers that are told when they are wrong.
#[derive(Debug)]
pub struct SteadyClock(Mutex<(Timestamp, Instant)>);

impl Default for SteadyClock {
    fn default() -> Self {
        Self(Mutex::new((SystemClock.now(), Instant::now())))
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let (then, since) = *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        to_microseconds(then.saturating_add(since.elapsed()).unwrap_or(then))
    }

    fn reset(&self) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = (SystemClock.now(), Instant::now());
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock standing at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(to_microseconds(start)))
    }

    /// Moves by `step`, which may be negative.
    pub fn advance(&self, step: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *now = now.saturating_add(step).unwrap_or(Timestamp::MAX);
    }

    /// Jumps to `instant`.
    pub fn set(&self, instant: Timestamp) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = to_microseconds(instant);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn to_microseconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_clock_goes_its_own_way_until_it_is_reset() {
        let clock = SteadyClock::default();
        let before = clock.now();
        clock.0.lock().unwrap().0 -= SignedDuration::from_hours(1);
        assert!(before.duration_since(clock.now()) > SignedDuration::from_mins(59));
        clock.reset();
        assert!(clock.now() >= before);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new("2026-03-29T00:59:59.123456789Z".parse().unwrap());
        assert_eq!(clock.now().to_string(), "2026-03-29T00:59:59.123456Z");
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!(clock.now().to_string(), "2026-03-29T01:00:00.123456Z");
    }
}
