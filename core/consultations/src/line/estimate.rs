//! How long somebody will wait. Pure.

use consilium_kernel::Timestamp;

/// The mean of these lengths in seconds; 0 when there are none.
pub(super) fn mean_seconds(lengths: Vec<(Option<Timestamp>, Option<Timestamp>)>) -> i64 {
    let seconds: Vec<i64> =
        lengths.into_iter().filter_map(|(begin, end)| Some(end?.duration_since(begin?).as_secs().max(0))).collect();
    match i64::try_from(seconds.len()) {
        Ok(count) if count > 0 => seconds.iter().sum::<i64>() / count,
        _ => 0,
    }
}

/// What is left of a consultation of the usual length that began at `since`.
pub(super) fn remaining_seconds(usual: i64, since: Timestamp, now: Timestamp) -> i64 {
    (usual - now.duration_since(since).as_secs()).max(0)
}

/// The wait of whoever has `ahead` patients in front: theirs and what is left of the present one, but not less
/// than the time until the booked start.
pub(super) fn expected_wait(ahead: usize, usual: i64, remaining: i64, until_start: i64) -> i64 {
    let ahead = i64::try_from(ahead).unwrap_or(i64::MAX);
    remaining.saturating_add(ahead.saturating_mul(usual)).max(until_start).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_mean_leaves_out_what_never_began() {
        let begin = Some(at("2026-06-01T09:00:00Z"));
        let lengths =
            vec![(begin, Some(at("2026-06-01T09:10:00Z"))), (begin, Some(at("2026-06-01T09:20:00Z"))), (None, begin)];
        assert_eq!(mean_seconds(lengths), 900);
        assert_eq!(mean_seconds(Vec::new()), 0);
    }

    #[test]
    fn the_wait_is_what_is_ahead_but_not_before_the_booked_start() {
        let now = at("2026-06-01T09:05:00Z");
        assert_eq!(remaining_seconds(900, at("2026-06-01T09:00:00Z"), now), 600);
        assert_eq!(remaining_seconds(900, at("2026-06-01T08:00:00Z"), now), 0, "it takes longer than usual");
        // (ahead, usual, remaining, until start) → wait
        for (ahead, usual, remaining, until_start, wait) in [
            (0, 900, 0, 0, 0),
            (0, 900, 600, 0, 600),
            (2, 900, 600, 0, 2_400),
            (0, 900, 0, 720, 720),
            (1, 900, 0, -60, 900),
            (usize::MAX, 900, 0, 0, i64::MAX),
        ] {
            assert_eq!(expected_wait(ahead, usual, remaining, until_start), wait);
        }
    }
}
