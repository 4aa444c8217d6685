//! Makes clients work: as fast as they get answers, for throughput, or by the clock, for latency.

use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// One client that does the same thing again and again.
pub trait Client: Send + 'static {
    /// Does it once; a failure is a panic, so that nothing is measured that did not work.
    fn once(&mut self) -> impl Future<Output = ()> + Send;
}

/// As much as these clients get done, each waiting for its answers: operations per second. The first tenth of the time
/// is not counted.
pub async fn saturate<C: Client>(clients: &mut Vec<C>, length: Duration) -> f64 {
    let begin = Instant::now() + length / 10;
    let end = Instant::now() + length;
    let mut running = JoinSet::new();
    for mut client in clients.drain(..) {
        running.spawn(async move {
            let mut done = 0_u64;
            loop {
                client.once().await;
                let now = Instant::now();
                if now >= end {
                    return (client, done);
                }
                done += u64::from(now >= begin);
            }
        });
    }
    let mut all = 0;
    for (client, done) in running.join_all().await {
        clients.push(client);
        all += done;
    }
    all as f64 / (end - begin).as_secs_f64()
}

/// Latencies in nanoseconds when these clients together begin `rate` operations per second, whether answered or not.
///
/// An operation that is due while its client still waits counts from when it was due (what the wait hides is not
/// omitted); one whose client was free counts from when the client woke, for a timer's lateness is not the server's.
pub async fn pace<C: Client>(clients: &mut Vec<C>, rate: f64, length: Duration) -> Histogram<u64> {
    let between = Duration::from_secs_f64(clients.len() as f64 / rate);
    let begin = Instant::now() + Duration::from_millis(20);
    let end = begin + length;
    let count = clients.len() as u32;
    let mut running = JoinSet::new();
    for (place, mut client) in clients.drain(..).enumerate() {
        let mut due = begin + between * place as u32 / count;
        running.spawn(async move {
            let mut latencies = histogram();
            while due < end {
                let free = Instant::now() < due;
                sleep_until(due).await;
                let from = if free { Instant::now() } else { due };
                client.once().await;
                record(&mut latencies, from.elapsed());
                due += between;
            }
            (client, latencies)
        });
    }
    let mut all = histogram();
    for (client, latencies) in running.join_all().await {
        clients.push(client);
        all.add(latencies).expect("of the same kind");
    }
    all
}

/// Nanoseconds up to a minute, to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("bounds")
}

/// Takes down one latency.
pub fn record(latencies: &mut Histogram<u64>, latency: Duration) {
    latencies.saturating_record(latency.as_nanos() as u64);
}

/// The 99th percentile in milliseconds.
pub fn p99(latencies: &Histogram<u64>) -> f64 {
    latencies.value_at_quantile(0.99) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers at once, but for one long stop.
    struct Stopping {
        done: u32,
    }

    impl Client for Stopping {
        async fn once(&mut self) {
            self.done += 1;
            if self.done == 10 {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }

    #[tokio::test]
    async fn what_a_stop_keeps_waiting_is_not_omitted() {
        let mut clients = vec![Stopping { done: 0 }];
        let latencies = pace(&mut clients, 100.0, Duration::from_secs(1)).await;
        assert_eq!((latencies.len(), clients[0].done), (100, 100));
        // Half of the hundred were due during the stop, and waited for a quarter of a second on average.
        let waited = latencies.iter_recorded().filter(|value| value.value_iterated_to() > 5_000_000);
        let waited: u64 = waited.map(|value| value.count_at_value()).sum();
        assert!(waited >= 49, "{waited}");
        assert!(p99(&latencies) >= 480.0, "{}", p99(&latencies));
    }

    #[tokio::test]
    async fn throughput_is_counted_per_second() {
        struct Steady;
        impl Client for Steady {
            async fn once(&mut self) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let mut clients = vec![Steady, Steady, Steady];
        let speed = saturate(&mut clients, Duration::from_secs(1)).await;
        assert!(speed > 3.0 && speed <= 303.0, "{speed}");
        assert_eq!(clients.len(), 3);
    }
}
