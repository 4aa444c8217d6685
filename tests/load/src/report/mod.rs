//! What was measured, and how it is told.

pub mod committed;
pub mod page;
pub mod plot;

use hdrhistogram::Histogram;

use crate::rounds::Compared;

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// Names it from run to run, such as `search`.
    pub key: &'static str,
    /// What was done.
    pub path: String,
    /// What stands beside it.
    pub limit: String,
    /// What both numbers count.
    pub unit: &'static str,
    pub compared: Compared,
    pub aim: Aim,
    /// What keeps it from the limit: told when the aim is missed.
    pub why: &'static str,
    /// Latencies, where they were measured: of the server, of the limit.
    pub latencies: Option<(Histogram<u64>, Histogram<u64>)>,
}

/// What the ratio of server to limit should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Aim {
    /// Whether a ratio is as it should be.
    pub fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }

    /// How many times worse `ratio` is than `before`; less than one when it is better.
    pub fn loss(self, before: f64, ratio: f64) -> f64 {
        match self {
            Self::AtLeast(_) => before / ratio,
            Self::AtMost(_) => ratio / before,
        }
    }
}

impl Row {
    /// One line for whoever watches.
    pub fn told(&self) -> String {
        let Compared { ours, limit, ratio, spread } = &self.compared;
        let verdict = if self.aim.is_met(*ratio) { "met" } else { "missed" };
        let (least, most) = spread;
        format!(
            "{:<22} {ours:>12.1} | {limit:>12.1} {}: {ratio:.3} ({least:.3}-{most:.3}) {verdict}",
            self.key, self.unit
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_less_of_a_speed_and_more_of_a_delay() {
        assert!(Aim::AtLeast(0.5).is_met(0.5) && !Aim::AtLeast(0.5).is_met(0.49));
        assert!(Aim::AtMost(3.0).is_met(3.0) && !Aim::AtMost(3.0).is_met(3.1));
        assert_eq!(Aim::AtLeast(0.5).loss(0.8, 0.2), 4.0);
        assert_eq!(Aim::AtMost(3.0).loss(2.0, 8.0), 4.0);
    }
}
