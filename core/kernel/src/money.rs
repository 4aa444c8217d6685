//! Amounts of money, never as floating point.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in the minor unit of its currency: `{"amount_minor": 150000, "currency": "BDT"}` is 1,500.00 taka.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Hundredths of the currency's unit, or whatever its ISO 4217 exponent says.
    pub amount_minor: i64,
    /// ISO 4217 code: three capital letters.
    pub currency: String,
}

impl Money {
    /// `None` unless the amount is not negative and the currency has the shape of an ISO 4217 code.
    pub fn new(amount_minor: i64, currency: &str) -> Option<Self> {
        let shaped = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
        (amount_minor >= 0 && shaped).then(|| Self { amount_minor, currency: currency.to_owned() })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount_minor, self.currency)
    }
}
