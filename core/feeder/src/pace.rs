//! When a listener that did not answer is tried again. Pure: time is passed in.

use std::time::{Duration, Instant};

/// The first pause; doubled with each failure.
const FIRST: Duration = Duration::from_secs(1);
/// No pause is longer, unless the listener's provider asks for it.
const LONGEST: Duration = Duration::from_secs(60);
/// The longest that a provider can make us wait.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// How a listener does.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Whether its cursors are there for certain.
    pub(crate) registered: bool,
    failures: u32,
    not_before: Option<Instant>,
}

impl Pace {
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|then| then <= now)
    }

    pub(crate) fn went_well(&mut self) {
        *self = Self { registered: true, ..Self::default() };
    }

    /// How long it is left alone now.
    pub(crate) fn failed(&mut self, rest: Option<Duration>, now: Instant) -> Duration {
        let usual = FIRST.saturating_mul(2u32.saturating_pow(self.failures)).min(LONGEST);
        let pause = usual.max(rest.unwrap_or_default().min(LONGEST_REST));
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_minute_and_end_with_an_answer() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!(pace.is_due(now));
        let pauses: Vec<u64> = (0..8).map(|_| pace.failed(None, now).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(!pace.is_due(now + Duration::from_millis(59_999)) && pace.is_due(now + LONGEST));
        pace.went_well();
        assert!(pace.is_due(now));
        assert_eq!(pace.failed(None, now), FIRST);
    }

    #[test]
    fn a_provider_may_ask_for_longer_but_not_for_ever() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.failed(Some(Duration::from_secs(300)), now), Duration::from_secs(300));
        assert_eq!(pace.failed(Some(Duration::ZERO), now), 2 * FIRST);
        assert_eq!(pace.failed(Some(Duration::from_secs(86_400)), now), LONGEST_REST);
        assert!(!pace.is_due(now + LONGEST_REST - FIRST));
    }
}
