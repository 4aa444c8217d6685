//! How often a client may send.

use std::{collections::HashMap, hash::Hash, time::Duration};

use tokio::time::Instant;

/// A token bucket: `burst` frames at once, `per_second` in the long run.
#[derive(Debug)]
pub struct Allowance {
    burst: f64,
    per_second: f64,
    left: f64,
    counted_at: Instant,
}

impl Allowance {
    /// A full bucket.
    pub fn new(burst: u32, per_second: u32) -> Self {
        let burst = f64::from(burst.max(1));
        Self { burst, per_second: f64::from(per_second.max(1)), left: burst, counted_at: Instant::now() }
    }

    /// Takes one token at `now`; the error says how long to wait for the next one.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let gained = now.saturating_duration_since(self.counted_at).as_secs_f64() * self.per_second;
        self.counted_at = now;
        self.left = (self.left + gained).min(self.burst);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.left) / self.per_second))
    }
}

/// An allowance for each kind of thing that has one of its own.
#[derive(Debug)]
pub struct Paces<K>(HashMap<K, Allowance>);

impl<K> Default for Paces<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Paces<K> {
    /// Takes one of this kind, of which `burst` pass at once and `per_second` in the long run; the error says in how
    /// many seconds to come again.
    pub fn keep(&mut self, kind: K, (burst, per_second): (u32, u32)) -> Result<(), u32> {
        let allowance = self.0.entry(kind).or_insert_with(|| Allowance::new(burst, per_second));
        allowance.take(Instant::now()).map_err(whole_seconds)
    }
}

/// A wait, rounded up.
pub fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_the_rest_comes_back_with_time() {
        let mut allowance = Allowance::new(3, 2);
        let now = allowance.counted_at;
        for _ in 0..3 {
            assert_eq!(allowance.take(now), Ok(()));
        }
        assert_eq!(allowance.take(now), Err(Duration::from_millis(500)));
        assert_eq!(allowance.take(now + Duration::from_millis(500)), Ok(()));
        assert!(allowance.take(now + Duration::from_millis(500)).is_err());
        let later = now + Duration::from_secs(60);
        assert_eq!((0..10).filter(|_| allowance.take(later).is_ok()).count(), 3, "never more than a burst");
    }
}
