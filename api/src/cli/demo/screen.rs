//! What the audience sees: steps, and under each what went over the wire.

use std::{cell::Cell, io::IsTerminal};

use serde_json::Value;

/// Characters of an excerpt at most.
const WIDTH: usize = 400;
/// Characters of one text inside an excerpt at most.
const LONGEST_TEXT: usize = 60;
/// Whoever can read these over a shoulder could use them.
const SECRETS: [&str; 5] = ["password", "token", "access_token", "refresh_token", "credential"];

/// Prints on standard output, in colour on a terminal, and counts.
#[derive(Default)]
pub(super) struct Screen {
    colour: bool,
    step: Cell<usize>,
    counted: [Cell<usize>; 4],
}

/// What is counted for the summary.
#[derive(Clone, Copy)]
pub(super) enum Count {
    Request,
    Frame,
    Mail,
    Skipped,
}

impl Screen {
    /// On standard output.
    pub(super) fn new() -> Self {
        Self { colour: std::io::stdout().is_terminal(), ..Self::default() }
    }

    /// A step begins.
    pub(super) fn step(&self, title: &str) {
        self.step.set(self.step.get() + 1);
        println!("{}", self.paint("1", &format!("{:>2}. {title}", self.step.get())));
    }

    /// A line below the step: who, and what passed.
    pub(super) fn line(&self, who: &str, colour: &str, what: &str) {
        println!("    {} {}", self.paint("2", &format!("{who:<8}")), self.paint(colour, what));
    }

    /// The JSON that belongs to the line above.
    pub(super) fn excerpt(&self, arrow: &str, json: &Value) {
        self.detail(arrow, &excerpt(json));
    }

    /// What else belongs to the line above.
    pub(super) fn detail(&self, arrow: &str, text: &str) {
        println!("             {}", self.paint("2", &format!("{arrow} {text}")));
    }

    /// Says why something is left out.
    pub(super) fn skip(&self, reason: &str) {
        self.count(Count::Skipped);
        self.line("", "33", &format!("skipped: {reason}"));
    }

    /// One more.
    pub(super) fn count(&self, what: Count) {
        if let Some(counter) = self.counted.get(what as usize) {
            counter.set(counter.get() + 1);
        }
    }

    /// How many so far.
    pub(super) fn counted(&self, what: Count) -> usize {
        self.counted.get(what as usize).map_or(0, Cell::get)
    }

    /// The number of the step that runs.
    pub(super) fn steps(&self) -> usize {
        self.step.get()
    }

    /// `text` in a colour of ECMA-48, on a terminal.
    pub(super) fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// JSON in one line, without secrets, shortened.
pub(super) fn excerpt(json: &Value) -> String {
    cut(&shortened(json).to_string(), WIDTH)
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) => cut(text, LONGEST_TEXT).into(),
        Value::Array(items) if items.len() > 2 => {
            let more = Value::from(format!("… {} more", items.len() - 2));
            items.iter().take(2).map(shortened).chain([more]).collect()
        }
        Value::Array(items) => items.iter().map(shortened).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let secret = SECRETS.contains(&name.as_str()) && value.is_string();
                (name.clone(), if secret { "…".into() } else { shortened(value) })
            })
            .collect(),
        other => other.clone(),
    }
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn excerpts_are_short_and_keep_secrets() {
        let shown = excerpt(&json!({"password": "geheim", "nested": {"token": "abc"}, "items": [1, 2, 3, 4]}));
        assert_eq!(shown, r#"{"items":[1,2,"… 2 more"],"nested":{"token":"…"},"password":"…"}"#);
        assert_eq!(excerpt(&json!("আ".repeat(61))), format!("\"{}…\"", "আ".repeat(60)));
        let long = json!(["x".repeat(59), "y".repeat(59)]);
        assert_eq!(excerpt(&json!({"a": long, "b": long, "c": long, "d": long})).chars().count(), WIDTH + 1);
    }
}
