//! How often a plugin crashed lately, and what follows from it. Pure: time is passed in.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The crashes that still count.
#[derive(Debug)]
pub(crate) struct Crashes {
    recent: VecDeque<Instant>,
    window: Duration,
    quarantine_at: usize,
    backoff: Duration,
    longest_backoff: Duration,
}

/// What to do about a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    RestartAfter(Duration),
    Quarantine,
}

impl Crashes {
    pub(crate) fn new(window: Duration, quarantine_at: usize, backoff: Duration, longest: Duration) -> Self {
        Self { recent: VecDeque::new(), window, quarantine_at, backoff, longest_backoff: longest }
    }

    /// Counts a crash and judges.
    pub(crate) fn record(&mut self, now: Instant) -> Verdict {
        self.recent.retain(|crash| now.duration_since(*crash) < self.window);
        self.recent.push_back(now);
        if self.recent.len() >= self.quarantine_at {
            return Verdict::Quarantine;
        }
        let doublings = u32::try_from(self.recent.len() - 1).unwrap_or(u32::MAX).min(16);
        Verdict::RestartAfter(self.backoff.saturating_mul(1 << doublings).min(self.longest_backoff))
    }

    /// Forgets them, when an operator lifts a quarantine.
    pub(crate) fn forget(&mut self) {
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_each_time_and_gives_up_at_the_fifth() {
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        let mut crashes = Crashes::new(s(300), 5, ms(100), ms(300));
        let start = Instant::now();
        let verdicts: Vec<_> = (0..5).map(|n| crashes.record(start + s(n * 10))).collect();
        let waits = [100, 200, 300, 300].map(|n| Verdict::RestartAfter(ms(n)));
        assert_eq!(verdicts[..4], waits);
        assert_eq!(verdicts[4], Verdict::Quarantine);
    }

    #[test]
    fn old_crashes_do_not_count() {
        let s = Duration::from_secs;
        let mut crashes = Crashes::new(s(300), 5, s(1), s(60));
        let start = Instant::now();
        for n in 0..50 {
            assert_ne!(crashes.record(start + s(n * 75)), Verdict::Quarantine, "crash {n}");
        }
    }
}
