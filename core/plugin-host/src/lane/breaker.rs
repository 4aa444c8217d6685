//! Leaves a failing plugin alone for a while. Pure: time is passed in.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Looks at the last calls; half of them failing opens it, one good call after a while closes it.
#[derive(Debug)]
pub(crate) struct Breaker {
    window: usize,
    open_for: Duration,
    recent: VecDeque<bool>,
    /// No earlier than this the provider wants to be asked again.
    rest_until: Option<Instant>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Instant,
    },
    /// One call tries; its id, once there is one.
    HalfOpen {
        trial: u64,
    },
}

/// What an operator sees of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// One call is tried.
    HalfOpen,
}

impl Breaker {
    pub(crate) fn new(window: usize, open_for: Duration) -> Self {
        Self { window: window.max(2), open_for, recent: VecDeque::new(), rest_until: None, state: State::Closed }
    }

    /// As callers meet it: once its time is over an open one lets a call try.
    pub(crate) fn state(&self, now: Instant) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { until } if now < until => BreakerState::Open,
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Whether calls are refused now, without taking the chance to try one.
    pub(crate) fn refuses(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => false,
            State::Open { until } => now < until,
            State::HalfOpen { .. } => true,
        }
    }

    /// Lets a call pass, or not.
    pub(crate) fn admit(&mut self, call: u64, now: Instant) -> bool {
        if self.refuses(now) {
            return false;
        }
        if matches!(self.state, State::Open { .. }) {
            self.state = State::HalfOpen { trial: call };
        }
        true
    }

    /// Learns how an admitted call went, and for how long the provider wants to be left alone.
    pub(crate) fn record(&mut self, call: u64, good: bool, rest: Duration, now: Instant) {
        if !rest.is_zero() {
            self.rest_until = self.rest_until.max(Some(now + rest));
        }
        match self.state {
            State::Closed => {
                self.recent.push_back(good);
                if self.recent.len() > self.window {
                    self.recent.pop_front();
                }
                let failed = self.recent.iter().filter(|good| !**good).count();
                if failed * 2 >= self.window {
                    self.open(now);
                }
            }
            State::HalfOpen { trial } if trial == call => {
                if good {
                    self.state = State::Closed;
                } else {
                    self.open(now);
                }
            }
            // Calls from before it opened change nothing.
            State::HalfOpen { .. } | State::Open { .. } => {}
        }
    }

    /// An admitted call was not made after all: another one may try.
    pub(crate) fn withdraw(&mut self, call: u64, now: Instant) {
        if matches!(self.state, State::HalfOpen { trial } if trial == call) {
            self.state = State::Open { until: now };
        }
    }

    /// Begins anew, for a plugin that is another one.
    pub(crate) fn reset(&mut self) {
        self.recent.clear();
        self.rest_until = None;
        self.state = State::Closed;
    }

    fn open(&mut self, now: Instant) {
        self.recent.clear();
        let until = now + self.open_for;
        self.state = State::Open { until: self.rest_until.map_or(until, |rest| rest.max(until)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(30);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(20, OPEN_FOR);
        for call in 0..10 {
            assert!(breaker.admit(call, now));
            breaker.record(call, false, Duration::ZERO, now);
        }
        breaker
    }

    #[test]
    fn opens_at_half_of_the_window_and_not_before() {
        let now = Instant::now();
        let mut breaker = Breaker::new(20, OPEN_FOR);
        for call in 0..200 {
            breaker.record(call, call % 5 < 3, Duration::ZERO, now);
        }
        assert_eq!(breaker.state(now), BreakerState::Closed, "two of five failing is not half");
        assert_eq!(opened(now).state(now), BreakerState::Open);
    }

    #[test]
    fn lets_one_call_try_after_its_time() {
        let start = Instant::now();
        let mut breaker = opened(start);
        assert_eq!(breaker.state(start + OPEN_FOR), BreakerState::HalfOpen, "whoever asks sees that it may try");
        assert!(!breaker.admit(100, start + OPEN_FOR - Duration::from_millis(1)));
        assert!(breaker.admit(101, start + OPEN_FOR));
        assert!(!breaker.admit(102, start + OPEN_FOR), "only one tries");
        breaker.record(5, true, Duration::ZERO, start + OPEN_FOR);
        assert_eq!(breaker.state(start + OPEN_FOR), BreakerState::HalfOpen, "an old call decides nothing");
        breaker.record(101, true, Duration::ZERO, start + OPEN_FOR);
        assert_eq!(breaker.state(start + OPEN_FOR), BreakerState::Closed);
    }

    #[test]
    fn a_trial_that_was_never_made_leaves_the_chance_to_the_next() {
        let start = Instant::now();
        let mut breaker = opened(start);
        let later = start + OPEN_FOR;
        assert!(breaker.admit(101, later));
        breaker.withdraw(5, later);
        assert!(breaker.refuses(later), "only the trial itself can be withdrawn");
        breaker.withdraw(101, later);
        assert!(breaker.admit(102, later));
        breaker.record(102, true, Duration::ZERO, later);
        assert_eq!(breaker.state(later), BreakerState::Closed);
    }

    #[test]
    fn a_provider_that_asks_for_longer_is_left_alone_for_longer() {
        let start = Instant::now();
        let mut breaker = Breaker::new(2, OPEN_FOR);
        breaker.record(1, false, Duration::from_secs(45), start);
        let asked = start + Duration::from_secs(45);
        assert!(breaker.refuses(asked - Duration::from_millis(1)));
        assert!(breaker.admit(2, asked));
        breaker.record(2, false, Duration::from_secs(1), asked);
        assert!(breaker.refuses(asked + OPEN_FOR - Duration::from_millis(1)), "a short rest shortens nothing");
        assert!(!breaker.refuses(asked + OPEN_FOR));
    }

    #[test]
    fn a_failed_trial_opens_it_again() {
        let start = Instant::now();
        let mut breaker = opened(start);
        let later = start + OPEN_FOR;
        assert!(breaker.admit(101, later));
        breaker.record(101, false, Duration::ZERO, later);
        assert!(breaker.refuses(later + OPEN_FOR - Duration::from_millis(1)));
        assert!(!breaker.refuses(later + OPEN_FOR));
    }
}
