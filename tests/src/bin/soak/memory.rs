//! How much memory the server holds.

use std::{fmt, time::Duration};

use tokio::time::{Instant, sleep};

/// The most that was resident in two tenths of the time, in KiB: the third and the last.
pub struct Resident {
    early: u64,
    late: u64,
}

/// Looks at it every second.
pub async fn watch(pid: u32, begin: Instant, length: Duration) -> Resident {
    let mut resident = Resident { early: 0, late: 0 };
    while begin.elapsed() < length {
        sleep(Duration::from_secs(1)).await;
        let now = resident_kib(pid);
        match begin.elapsed().as_secs_f64() / length.as_secs_f64() {
            tenth if (0.2..0.3).contains(&tenth) => resident.early = resident.early.max(now),
            tenth if tenth >= 0.9 => resident.late = resident.late.max(now),
            _ => {}
        }
    }
    resident
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

impl Resident {
    /// Whether it grew by more than a tenth; in a run of less than five minutes caches still fill, and it may grow by
    /// half.
    pub fn grew(&self, length: Duration) -> bool {
        let allowed = if length < Duration::from_secs(300) { 1.5 } else { 1.1 };
        self.late as f64 > self.early as f64 * allowed
    }
}

impl fmt::Display for Resident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (early, late) = (self.early as f64 / 1024.0, self.late as f64 / 1024.0);
        write!(f, "{early:.1} MiB in the third tenth, {late:.1} MiB in the last: {:.3}", late / early)
    }
}
