//! Server and limit in turns, so that what else the machine does meets both alike.

/// What the rounds have shown.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Of the server: the median.
    pub ours: f64,
    /// Of the limit: the median.
    pub limit: f64,
    /// Ours to the limit's: the median of the rounds.
    pub ratio: f64,
    /// The least and the greatest of the rounds.
    pub spread: (f64, f64),
}

/// Measures the server, then its limit, and so on.
pub async fn alternate(
    rounds: usize,
    mut ours: impl AsyncFnMut() -> f64,
    mut limit: impl AsyncFnMut() -> f64,
) -> Compared {
    let mut pairs = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        pairs.push((ours().await, limit().await));
    }
    compare(&pairs)
}

/// Compares pairs of ours and the limit's that were measured next to each other.
pub fn compare(pairs: &[(f64, f64)]) -> Compared {
    let ratios = pairs.iter().map(|(ours, limit)| ours / limit).collect::<Vec<_>>();
    Compared {
        ours: median(pairs.iter().map(|pair| pair.0)),
        limit: median(pairs.iter().map(|pair| pair.1)),
        ratio: median(ratios.iter().copied()),
        spread: (ratios.iter().copied().fold(f64::MAX, f64::min), ratios.iter().copied().fold(f64::MIN, f64::max)),
    }
}

/// The middle one, or the mean of the two in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_slow_for_a_round_changes_no_ratio() {
        let compared = compare(&[(50.0, 100.0), (5.0, 10.0), (60.0, 100.0)]);
        assert_eq!((compared.ours, compared.limit, compared.ratio), (50.0, 100.0, 0.5));
        assert_eq!(compared.spread, (0.5, 0.6));
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter()), 2.5);
    }
}
