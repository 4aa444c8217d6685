//! `docs/benchmarks.md`: the head, which people write, stays; everything below the mark is made anew.

use std::fmt::Write;

use super::{Aim, Row};
use crate::{plan::Form, rounds::Compared};

/// What is below is written by `make bench`.
pub const MARK: &str = "<!-- Everything below this line is written by `make bench`. -->";

/// What was measured, where and when.
pub struct Run {
    pub commit: String,
    pub machine: String,
    pub date: String,
    pub form: Form,
}

/// The page with a new table.
pub fn page(before: &str, run: &Run, rows: &[Row]) -> String {
    let head = before.split(MARK).next().unwrap_or_default().trim_end();
    let mut page = format!("{head}\n\n{MARK}\n\n## The last run\n\n");
    let Run { commit, machine, date, form } = run;
    let kind = if *form == Form::Full {
        ""
    } else {
        " in the quick form, which is too short for anything but orders of magnitude"
    };
    writeln!(page, "Commit {commit}, {date}{kind}.\nMachine: {machine}.\n").expect("text");
    page += "| path | measured | limit beside it | its measure | ratio (rounds) | aim | |\n|---|---:|---|---:|---:|---:|---|\n";
    for row in rows {
        page += &line(row);
    }
    let missed: Vec<&Row> = rows.iter().filter(|row| !row.aim.is_met(row.compared.ratio)).collect();
    writeln!(page, "\n{} of {} aims are met.", rows.len() - missed.len(), rows.len()).expect("text");
    if !missed.is_empty() {
        page += "\n### What is missed, and why\n\n";
        for row in missed {
            writeln!(page, "- **{}**: {}", row.path, row.why).expect("text");
        }
    }
    page += "\n![How near each path is to its aim](benchmarks/ratios.svg)\n";
    if rows.iter().any(|row| row.latencies.is_some()) {
        page += "\n![Latencies of the server and of its limit](benchmarks/latencies.svg)\n";
    }
    page
}

fn line(row: &Row) -> String {
    let Compared { ours, limit, ratio, spread: (least, most) } = &row.compared;
    let aim = match row.aim {
        Aim::AtLeast(least) => format!("≥ {}", figure(least)),
        Aim::AtMost(most) => format!("≤ {}", figure(most)),
    };
    let verdict = if row.aim.is_met(*ratio) { "met" } else { "**missed**" };
    format!(
        "| {} | {} {unit} | {} | {} {unit} | {} ({}–{}) | {aim} | {verdict} |\n",
        row.path,
        figure(*ours),
        row.limit,
        figure(*limit),
        figure(*ratio),
        figure(*least),
        figure(*most),
        unit = row.unit,
    )
}

/// Three digits that count, thousands apart.
pub fn figure(value: f64) -> String {
    if value != 0.0 && value.abs() < 100.0 {
        let digits = 2 - value.abs().log10().floor() as i32;
        let text = format!("{value:.*}", digits.clamp(0, 6) as usize);
        return if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    }
    let whole = format!("{:.0}", value.abs());
    let groups: Vec<&str> =
        whole.as_bytes().rchunks(3).rev().map(|three| std::str::from_utf8(three).expect("digits")).collect();
    format!("{}{}", if value < 0.0 { "-" } else { "" }, groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::compare;

    fn row(ratio: f64) -> Row {
        Row {
            key: "search",
            path: "Doctor search".to_owned(),
            limit: "empty handler".to_owned(),
            unit: "requests/s",
            compared: compare(&[(ratio * 20_000.0, 20_000.0)]),
            aim: Aim::AtLeast(0.4),
            why: "It reads a database.",
            latencies: None,
        }
    }

    fn run() -> Run {
        Run { commit: "abc".to_owned(), machine: "one".to_owned(), date: "today".to_owned(), form: Form::Full }
    }

    #[test]
    fn the_head_stays_and_a_miss_is_told_with_its_reason() {
        let first = page("# Benchmarks\n\nRead this.\n", &run(), &[row(0.5)]);
        assert!(first.starts_with("# Benchmarks\n\nRead this.\n\n<!--"), "{first}");
        assert!(
            first.contains("| 10,000 requests/s | empty handler | 20,000 requests/s | 0.5 (0.5–0.5) | ≥ 0.4 | met |")
        );
        assert!(!first.contains("It reads a database."));
        let second = page(&first, &run(), &[row(0.1)]);
        assert!(
            second.contains("**missed**") && second.contains("- **Doctor search**: It reads a database."),
            "{second}"
        );
        assert!(second.contains("0 of 1 aims are met.") && !second.contains("10,000"), "{second}");
        assert_eq!(second.matches("Read this.").count(), 1);
    }

    #[test]
    fn figures_keep_three_digits() {
        let figures = [
            (0.0, "0"),
            (0.012_34, "0.0123"),
            (1.0, "1"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1_234_567.0, "1,234,567"),
            (-1_234.0, "-1,234"),
        ];
        for (value, text) in figures {
            assert_eq!(figure(value), text);
        }
    }
}
