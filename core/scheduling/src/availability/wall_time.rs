//! A time on the wall clock, to the minute.

use std::{fmt, str::FromStr};

use consilium_kernel::ParseTextError;
use serde::{Deserialize, Serialize};

/// Minutes since local midnight, written `HH:MM`; `24:00` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WallTime(u16);

impl WallTime {
    /// Minutes since midnight, 0 to 1,440.
    pub const fn minutes(self) -> i64 {
        self.0 as i64
    }
}

impl FromStr for WallTime {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: ParseTextError = ParseTextError("is not a time written as HH:MM, from 00:00 to 24:00");
        let digits = |part: &str| match part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()) {
            true => part.parse::<u16>().map_err(|_| WRONG),
            false => Err(WRONG),
        };
        let (hour, minute) = text.split_once(':').ok_or(WRONG)?;
        let (hour, minute) = (digits(hour)?, digits(minute)?);
        let minutes = hour * 60 + minute;
        if minute < 60 && minutes <= 24 * 60 { Ok(Self(minutes)) } else { Err(WRONG) }
    }
}

impl TryFrom<String> for WallTime {
    type Error = ParseTextError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<WallTime> for String {
    fn from(time: WallTime) -> String {
        time.to_string()
    }
}
impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_minute() {
        for (text, minutes) in [("00:00", 0), ("09:05", 545), ("23:59", 1_439), ("24:00", 1_440)] {
            let time: WallTime = text.parse().unwrap();
            assert_eq!((time.minutes(), time.to_string().as_str()), (minutes, text));
        }
        for wrong in ["", "9:00", "09:60", "24:01", "25:00", "09:00:00", "0900", "-1:00", "+9:00", "ab:cd", "09:0٣"] {
            assert!(wrong.parse::<WallTime>().is_err(), "{wrong:?}");
        }
    }
}
