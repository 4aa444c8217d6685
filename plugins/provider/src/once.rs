//! Making something once, though several callers want it at the same time, perhaps in several
//! processes. The plugin's store decides who makes it: whoever writes the claim first, by its
//! compare-and-set. The others look again until it is there.

use consilium_plugin_sdk::{Host, PluginError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use std::{thread, time::Duration};

/// Longer than any call may run, so that a claim older than this has lost its maker.
const CLAIM_SECONDS: i64 = 10;
/// Between two looks, and how often to look: shorter together than a call may run.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: u32 = 60;

/// What stands in the store.
#[derive(Serialize, Deserialize)]
#[serde(bound = "T: Serialize + DeserializeOwned")]
struct Kept<T> {
    /// What was made last.
    #[serde(default = "none")]
    made: Option<T>,
    /// Until when somebody makes the next one, in Unix seconds; 0 when nobody does.
    #[serde(default)]
    claimed_until: i64,
}

fn none<T>() -> Option<T> {
    None
}

/// What a maker should know.
pub struct Turn<T> {
    /// What was made before, and is no longer usable.
    pub before: Option<T>,
    /// True when somebody began to make it and never said how that ended: look whether it is there.
    pub interrupted: bool,
}

/// Answers what is kept under `key` while it is `usable`; otherwise one caller makes it anew.
///
/// # Errors
/// What `make` says, `busy` (retryable) when somebody else takes too long to make it, and what the
/// store says.
pub fn once<T: Serialize + DeserializeOwned>(
    host: &Host<'_>,
    key: &str,
    usable: impl Fn(&T) -> bool,
    make: impl FnOnce(Turn<T>) -> Result<T, PluginError>,
) -> Result<T, PluginError> {
    for look in 0..LOOKS {
        if look > 0 {
            thread::sleep(LOOK_EVERY);
        }
        if host.is_cancelled() {
            break;
        }
        let entry = host.kv_get(key)?;
        let version = entry.as_ref().map_or(0, |entry| entry.version);
        // What an older release kept in another shape counts as nothing.
        let kept = entry.and_then(|entry| serde_json::from_value::<Kept<T>>(entry.value).ok());
        let (made, claimed_until) = kept.map_or((None, 0), |kept| (kept.made, kept.claimed_until));
        let before = match made {
            Some(made) if usable(&made) => return Ok(made),
            other => other,
        };
        let now = host.now()?.as_second();
        if now < claimed_until {
            continue;
        }
        let claim = json!({"made": before, "claimed_until": now + CLAIM_SECONDS});
        let version = match host.kv_put(key, claim, Some(version)) {
            Ok(version) => version,
            Err(conflict) if conflict.code == "kv_conflict" => continue,
            Err(other) => return Err(other),
        };
        return fulfil(host, key, version, Turn { before, interrupted: claimed_until > 0 }, make);
    }
    Err(PluginError::retryable("busy", "somebody else is making it and has not finished"))
}

fn fulfil<T: Serialize + DeserializeOwned>(
    host: &Host<'_>,
    key: &str,
    version: u64,
    turn: Turn<T>,
    make: impl FnOnce(Turn<T>) -> Result<T, PluginError>,
) -> Result<T, PluginError> {
    let before = json!(turn.before);
    match make(turn) {
        Ok(made) => {
            // A claim that was lost meanwhile belongs to somebody who made another; theirs stays.
            match host.kv_put(key, json!({"made": made, "claimed_until": 0}), Some(version)) {
                Err(error) if error.code != "kv_conflict" => Err(error),
                _ => Ok(made),
            }
        }
        Err(error) => {
            // What timed out or broke off may have been made all the same: the claim stays, so that
            // the next maker knows, but ends at once.
            let unknown = matches!(error.code.as_str(), "timeout" | "connection_failed" | "cancelled")
                || error.code.ends_with("_answer_invalid")
                || error.code.ends_with("_unavailable");
            let claimed_until = i64::from(unknown);
            let _ = host.kv_put(key, json!({"made": before, "claimed_until": claimed_until}), Some(version));
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consilium_plugin_sdk::testing::FakeHost;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn host() -> FakeHost {
        FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap())
    }

    #[test]
    fn many_callers_make_it_once() {
        let host = host();
        let made = AtomicU32::new(0);
        thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        once(
                            &host.host(),
                            "room",
                            |_| true,
                            |_: Turn<u32>| {
                                thread::sleep(Duration::from_millis(100));
                                Ok(made.fetch_add(1, Ordering::SeqCst) + 1)
                            },
                        )
                    })
                })
                .collect();
            for caller in callers {
                assert_eq!(caller.join().unwrap().unwrap(), 1);
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_refusal_leaves_the_place_to_the_next() {
        let host = host();
        let refuse = |_: Turn<u32>| Err(PluginError::permanent("acme_refused", "no"));
        assert_eq!(once(&host.host(), "room", |_| true, refuse).unwrap_err().code, "acme_refused");
        let made = once(
            &host.host(),
            "room",
            |_| true,
            |turn: Turn<u32>| {
                assert!(!turn.interrupted);
                Ok(2)
            },
        );
        assert_eq!(made.unwrap(), 2);
    }

    #[test]
    fn the_next_maker_learns_of_an_attempt_that_ended_unknown() {
        let host = host();
        let late = |_: Turn<u32>| Err(PluginError::retryable("timeout", "late"));
        assert_eq!(once(&host.host(), "room", |_| true, late).unwrap_err().code, "timeout");
        let made = once(
            &host.host(),
            "room",
            |_| true,
            |turn: Turn<u32>| {
                assert!(turn.interrupted);
                Ok(3)
            },
        );
        assert_eq!(made.unwrap(), 3);
    }

    #[test]
    fn a_claim_whose_maker_vanished_runs_out() {
        let host = host();
        let claim = json!({"made": null, "claimed_until": host.host().now().unwrap().as_second() + CLAIM_SECONDS});
        host.host().kv_put("room", claim, None).unwrap();
        host.set_now("2026-11-20T09:00:11Z".parse().unwrap());
        let made = once(
            &host.host(),
            "room",
            |_| true,
            |turn: Turn<u32>| {
                assert!(turn.interrupted);
                Ok(4)
            },
        );
        assert_eq!(made.unwrap(), 4);
    }

    #[test]
    fn what_is_no_longer_usable_is_made_anew() {
        let host = host();
        for (usable, expected) in [(5, 5), (5, 5), (6, 6)] {
            let made = once(
                &host.host(),
                "room",
                |kept| *kept == usable,
                |turn: Turn<u32>| {
                    assert!(turn.before.is_none_or(|before| before != usable));
                    Ok(usable)
                },
            );
            assert_eq!(made.unwrap(), expected);
        }
    }
}
