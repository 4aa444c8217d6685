//! Turns plain data into Typst values. Text only ever becomes a Typst *string*, which Typst shows
//! as it stands; it is never joined to markup, so nothing in it can be run.

use jiff::civil::Date;
use typst::foundations::{Array, Datetime, Dict, IntoValue, Value, dict};
use typst::layout::Dir;

use crate::printable::{self, Direction};

/// `(text: "…", dir: ltr | rtl)` on one line, or `none` when there is no text.
pub(crate) fn line(text: &str) -> Value {
    let text = printable::line(text);
    if text.is_empty() {
        return Value::None;
    }
    directed(text).into_value()
}

/// An array of lines, each `(text: "…", dir: ltr | rtl)`; empty when there is no text.
pub(crate) fn lines(text: &str) -> Array {
    printable::lines(text).into_iter().map(|line| directed(line).into_value()).collect()
}

/// A Typst date, or `none`.
pub(crate) fn date(date: Option<Date>) -> Value {
    date.and_then(|date| {
        Datetime::from_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    })
    .into_value()
}

fn directed(text: String) -> Dict {
    let dir = match printable::direction(&text) {
        Direction::LeftToRight => Dir::LTR,
        Direction::RightToLeft => Dir::RTL,
    };
    dict! { "text" => text, "dir" => dir }
}
