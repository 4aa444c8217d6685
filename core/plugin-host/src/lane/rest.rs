//! Calls that are not made because their provider asked to be left alone. Pure: time is passed in.

use super::Answer;
use crate::CallError;
use consilium_plugin_contract::PluginError;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The methods whose provider said when to come again. Until then their callers get the same error, and the plugin is
/// not asked: whoever repeats a call, and however often, a provider that limits requests is left alone.
#[derive(Debug)]
pub(super) struct Rests {
    /// A limit may be for one call or one user only and last until midnight; others are tried again after this long.
    longest: Duration,
    until: BTreeMap<&'static str, (Instant, PluginError)>,
}

/// A method that rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resting {
    /// `video.create_room`, …
    pub method: &'static str,
    /// For how long, in seconds.
    pub seconds: u32,
}

impl Rests {
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, until: BTreeMap::new() }
    }

    /// The error that a call of this method would get again, with the seconds that are left.
    pub(super) fn refuses(&self, method: &str, now: Instant) -> Option<CallError> {
        let (until, error) = self.until.get(method)?;
        let left = until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        Some(CallError::Plugin(error.clone().after(whole_seconds(left))))
    }

    /// Learns from an answer; how long the method rests because of it.
    pub(super) fn learn(&mut self, method: &'static str, answer: &Answer, now: Instant) -> Duration {
        let asked = answer.as_ref().err().and_then(CallError::retry_after).unwrap_or_default().min(self.longest);
        match answer {
            Err(CallError::Plugin(error)) if !asked.is_zero() => {
                self.until.insert(method, (now + asked, error.clone()));
            }
            // Calls that were under way say nothing of a rest that another one was told to keep.
            _ => self.until.retain(|_, (until, _)| *until > now),
        }
        asked
    }

    pub(super) fn list(&self, now: Instant) -> Vec<Resting> {
        let left = self.until.iter().filter_map(|(method, (until, _))| {
            let left = until.checked_duration_since(now).filter(|left| !left.is_zero())?;
            Some(Resting { method, seconds: whole_seconds(left) })
        });
        left.collect()
    }

    /// Another build may ask another provider.
    pub(super) fn clear(&mut self) {
        self.until.clear();
    }
}

/// Rounded up: whoever comes then is not too early.
fn whole_seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(60);

    fn limited(seconds: u32) -> Answer {
        Err(PluginError::retryable("acme_rate_limited", "too many").after(seconds).into())
    }

    fn seconds(rests: &Rests, method: &str, now: Instant) -> Option<Duration> {
        rests.refuses(method, now).and_then(|error| error.retry_after())
    }

    #[test]
    fn a_method_rests_as_long_as_its_provider_asked() {
        let (mut rests, now) = (Rests::new(LONGEST), Instant::now());
        assert_eq!(rests.learn("video.create_room", &limited(7), now), Duration::from_secs(7));
        let error = rests.refuses("video.create_room", now).unwrap();
        assert_eq!((error.code(), error.retryable()), ("acme_rate_limited", true));
        assert_eq!(
            seconds(&rests, "video.create_room", now + Duration::from_millis(6_500)),
            Some(Duration::from_secs(1))
        );
        assert_eq!(rests.list(now), [Resting { method: "video.create_room", seconds: 7 }]);
        assert_eq!(rests.refuses("video.join", now), None, "another method may need no provider");
        let over = now + Duration::from_secs(7);
        assert_eq!((rests.refuses("video.create_room", over), rests.list(over)), (None, vec![]));
    }

    #[test]
    fn no_method_rests_for_ever_and_none_without_being_asked_to() {
        let (mut rests, now) = (Rests::new(LONGEST), Instant::now());
        rests.learn("video.create_room", &limited(54_000), now);
        assert_eq!(seconds(&rests, "video.create_room", now), Some(LONGEST));
        for answer in
            [Ok(Vec::new()), Err(CallError::Timeout), limited(0), Err(PluginError::retryable("down", "").into())]
        {
            assert_eq!(rests.learn("video.join", &answer, now), Duration::ZERO);
            assert_eq!(rests.refuses("video.join", now), None, "{answer:?}");
        }
        assert!(rests.refuses("video.create_room", now).is_some(), "a rest outlasts the answers of other calls");
        rests.clear();
        assert_eq!(rests.refuses("video.create_room", now), None);
    }
}
