//! Which provider serves a consultation, since when and why; and which one may come next. Pure.

use std::collections::BTreeSet;

use consilium_kernel::Timestamp;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// A way into a video room that a client can go.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Capability {
    /// Connects to the others itself, signalling over the platform's WebSocket.
    Webrtc,
    /// Opens a page of the provider.
    Redirect,
    /// Has the provider's SDK, which takes a token.
    Sdk,
}

/// What a client says it can do.
pub type Capabilities = BTreeSet<Capability>;

/// Why a first provider was taken.
pub const FIRST_CHOICE: &str = "first_choice";
/// Why a provider was taken after there had been none.
pub const RECOVERED: &str = "recovered";
/// Why a provider was left: somebody's client has no way into its rooms.
pub const CAPABILITY: &str = "capability";
/// Why a provider was left: somebody says that it does not work, though it answers.
pub const REPORTED: &str = "reported";
/// Why the last provider was left.
pub const ENDED: &str = "ended";

/// A provider that serves, or served, a consultation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoChoice {
    /// Counts from 1 within the consultation; clients know it as the version of their way in.
    pub number: i64,
    /// The provider's plugin.
    pub provider: String,
    /// The room's name at the provider.
    pub room: String,
    /// Why it was taken: `first_choice`, `recovered`, or what was wrong with the one before.
    pub reason: String,
    /// Since when it serves.
    pub chosen_at: Timestamp,
    /// Until when it served.
    pub left_at: Option<Timestamp>,
    /// Why not any longer: `ended`, `capability`, or what was wrong with it.
    pub left_because: Option<String>,
}

/// A provider that was left is not taken again for this long while there are others.
const RETURN_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Which of `available` may come next, in order: those that the consultation has not used first, then those that it
/// left a while ago. When there is no video at all, whoever is available may try.
pub(crate) fn next(history: &[VideoChoice], available: Vec<String>, failed: &[String], now: Timestamp) -> Vec<String> {
    let serving = history.last().is_some_and(|choice| choice.left_at.is_none());
    let current = history.last().filter(|_| serving).map(|choice| choice.provider.as_str());
    let left = |provider: &str| history.iter().rev().find(|choice| choice.provider == provider);
    let may_return = |provider: &str| {
        let since = left(provider).and_then(|choice| choice.left_at);
        !serving || since.is_some_and(|since| now.duration_since(since) >= RETURN_AFTER)
    };
    let (used, unused): (Vec<_>, Vec<_>) = available
        .into_iter()
        .filter(|provider| current != Some(provider.as_str()) && !failed.contains(provider))
        .partition(|provider| left(provider).is_some());
    unused.into_iter().chain(used.into_iter().filter(|provider| may_return(provider))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(number: i64, provider: &str, left: Option<&str>) -> VideoChoice {
        VideoChoice {
            number,
            provider: provider.to_owned(),
            room: "room".to_owned(),
            reason: FIRST_CHOICE.to_owned(),
            chosen_at: at("09:00:00"),
            left_at: left.map(at),
            left_because: left.map(|_| "plugin_timeout".to_owned()),
        }
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-06-01T{time}Z").parse().unwrap()
    }

    fn after(history: &[VideoChoice], failed: &[&str], time: &str) -> String {
        let all = ["a", "b", "c"].map(str::to_owned).to_vec();
        let failed: Vec<String> = failed.iter().map(ToString::to_string).collect();
        next(history, all, &failed, at(time)).concat()
    }

    #[test]
    fn a_running_consultation_goes_on_and_hardly_ever_back() {
        assert_eq!(after(&[], &[], "09:00:00"), "abc");
        assert_eq!(after(&[], &["a"], "09:00:00"), "bc");
        let first = choice(1, "a", None);
        assert_eq!(after(std::slice::from_ref(&first), &[], "09:10:00"), "bc", "not to the one that serves");
        let second = [choice(1, "a", Some("09:10:00")), choice(2, "b", None)];
        assert_eq!(after(&second, &[], "09:10:59"), "c", "not back at once");
        assert_eq!(after(&second, &[], "09:11:00"), "ca", "back only when there is nothing new");
        assert_eq!(after(&second, &["c"], "09:11:00"), "a");
    }

    #[test]
    fn without_video_whoever_is_available_may_try() {
        let lost = [choice(1, "a", Some("09:10:00")), choice(2, "b", Some("09:10:05"))];
        assert_eq!(after(&lost, &[], "09:10:06"), "cab");
        assert_eq!(after(&lost, &["b"], "09:10:06"), "ca");
    }
}
