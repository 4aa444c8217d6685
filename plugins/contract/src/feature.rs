//! Parts of the border that not every host has.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A part of the host that came after ABI 1.0, or that a host may be built without. A plugin asks
/// whether it is there, or names it in its manifest's `requires` and is refused where it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// `host.emit`: the plugin tells the platform that something happened.
    Emit,
    /// `host.blob_…` and `host.fetch_to_blob`: bytes too large for a message.
    Blob,
}

impl Feature {
    /// All that this version of the contract knows, by their bit.
    pub const ALL: [Self; 2] = [Self::Emit, Self::Blob];

    /// Its bit in the `features` of both vtables.
    #[must_use]
    pub const fn bit(self) -> u64 {
        match self {
            Self::Emit => 1,
            Self::Blob => 1 << 1,
        }
    }

    /// As in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emit => "emit",
            Self::Blob => "blob",
        }
    }

    /// The bits of several features.
    #[must_use]
    pub fn bits(features: &[Self]) -> u64 {
        features.iter().fold(0, |bits, feature| bits | feature.bit())
    }

    /// Names of set bits, for people; a bit of a later version is named by its number.
    #[must_use]
    pub fn names(bits: u64) -> Vec<String> {
        let set = (0..u64::BITS).filter(|place| bits & (1 << place) != 0);
        set.map(|place| {
            let known = Self::ALL.into_iter().find(|feature| feature.bit() == 1 << place);
            known.map_or_else(|| format!("feature {place}"), |feature| feature.name().to_owned())
        })
        .collect()
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Feature {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|feature| feature.name() == text);
        found.ok_or_else(|| format!("there is no feature {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_has_a_bit_and_a_name_of_its_own() {
        for (place, feature) in Feature::ALL.into_iter().enumerate() {
            assert_eq!(feature.bit(), 1 << place);
            assert_eq!(feature.name().parse(), Ok(feature));
            assert_eq!(serde_json::to_value(feature).ok(), Some(feature.name().into()));
        }
        assert_eq!(Feature::bits(&Feature::ALL), (1 << Feature::ALL.len()) - 1);
        assert_eq!(Feature::names(0b10 | 1 << 40), ["blob", "feature 40"]);
        assert!("teleport".parse::<Feature>().is_err());
    }
}
