//! The ratios of the last full run, beside the table: what a quick run is compared with.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::Row;
use crate::plan::Form;

/// How many times worse a ratio may be than the committed one. Machines differ, and a quick run is a short one: only a
/// large loss is certain.
pub const TOLERATED: f64 = 2.5;

/// `docs/benchmarks/ratios.json`.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Committed {
    /// Of what was measured.
    pub commit: String,
    /// On what.
    pub machine: String,
    /// Ratio of each row in the full form.
    pub full: BTreeMap<String, f64>,
    /// And in the quick form.
    pub quick: BTreeMap<String, f64>,
}

impl Committed {
    /// What is committed; `None` before the first full run.
    pub fn read(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(file).ok()?;
        Some(serde_json::from_str(&text).expect("ratios as they were written"))
    }

    /// Commits it.
    pub fn write(&self, file: &Path) {
        let text = serde_json::to_string_pretty(self).expect("JSON") + "\n";
        fs::write(file, text).expect("the folder of the docs");
    }

    /// Takes in what was measured.
    pub fn take(&mut self, form: Form, rows: &[Row]) {
        let ratios = match form {
            Form::Full => &mut self.full,
            Form::Quick => &mut self.quick,
        };
        ratios.extend(rows.iter().map(|row| (row.key.to_owned(), rounded(row.compared.ratio))));
    }

    /// What has become much worse, and what is not in the table.
    pub fn losses(&self, rows: &[Row]) -> Vec<String> {
        rows.iter().filter_map(|row| self.loss(row)).collect()
    }

    fn loss(&self, row: &Row) -> Option<String> {
        let ratio = row.compared.ratio;
        let Some(before) = self.quick.get(row.key) else {
            return Some(format!("{}: not in the committed table; run `make bench`", row.key));
        };
        let loss = row.aim.loss(*before, ratio);
        // What is as good as it should be is no loss, whatever it was.
        (loss > TOLERATED && !row.aim.is_met(ratio)).then(|| {
            format!("{}: {ratio:.3} of the limit, {loss:.1} times worse than the committed {before:.3}", row.key)
        })
    }
}

/// To four digits: the rest is noise, and noise in every commit.
fn rounded(ratio: f64) -> f64 {
    format!("{ratio:.3e}").parse().expect("a number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{report::Aim, rounds::compare};

    fn row(key: &'static str, aim: Aim, ratio: f64) -> Row {
        let compared = compare(&[(ratio, 1.0)]);
        let text = String::new;
        Row { key, path: text(), limit: text(), unit: "ops/s", compared, aim, why: "", latencies: None }
    }

    #[test]
    fn only_a_large_loss_is_one() {
        let mut committed = Committed::default();
        let (speed, delay) = (Aim::AtLeast(0.5), Aim::AtMost(3.0));
        committed.take(Form::Quick, &[row("speed", speed, 0.4), row("delay", delay, 2.0)]);
        assert!(committed.losses(&[row("speed", speed, 0.17), row("delay", delay, 5.0)]).is_empty());
        let losses = committed.losses(&[row("speed", speed, 0.15), row("delay", delay, 5.1)]);
        assert!(losses.len() == 2 && losses[0].starts_with("speed: 0.150"), "{losses:?}");
    }

    #[test]
    fn what_meets_its_aim_is_no_loss_and_what_is_unknown_is_told() {
        let mut committed = Committed::default();
        committed.take(Form::Quick, &[row("delay", Aim::AtMost(3.0), 0.5)]);
        assert!(committed.losses(&[row("delay", Aim::AtMost(3.0), 2.9)]).is_empty());
        assert_eq!(committed.losses(&[row("speed", Aim::AtLeast(0.5), 0.9)]).len(), 1);
    }
}
