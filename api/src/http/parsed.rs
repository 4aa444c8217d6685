//! Text fields that have a shape, parsed with an error that points to the field.

use std::{fmt::Display, str::FromStr};

use serde::Deserialize;

use consilium_kernel::Refusal;

/// `text` as a `T`, or a wrong field at `pointer`.
pub fn parsed<T: FromStr<Err: Display>>(pointer: &str, text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|error| Refusal::field(pointer, "invalid", format!("This {error}.")))
}

/// Tells a field that is null (`Some(None)`) from one that is absent (`None`, by `#[serde(default)]`).
pub fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
