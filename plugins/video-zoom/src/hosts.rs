//! Which Zoom user hosts which consultation. A user cannot be host in two places at once, so each
//! consultation takes one who is free from its start to its end. One entry of the store holds who is
//! taken; compare-and-set keeps two callers from taking the same.

use consilium_plugin_sdk::{Host, PluginError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

const KEY: &str = "hosts";
/// Consultations may begin early and take longer than planned, by this many seconds.
const SLACK_SECONDS: i64 = 900;
const ATTEMPTS: u32 = 20;

/// A user is taken.
#[derive(Clone, Serialize, Deserialize)]
struct Taken {
    user: String,
    consultation: String,
    from: i64,
    to: i64,
}

/// Takes a free user for a consultation, or answers the one it has already.
///
/// # Errors
/// `zoom_hosts_busy` (retryable) when all are taken.
pub(crate) fn take(
    host: &Host<'_>,
    users: &[String],
    consultation: &str,
    starts_at: Timestamp,
    ends_at: Timestamp,
) -> Result<String, PluginError> {
    let (from, to) = (starts_at.as_second() - SLACK_SECONDS, ends_at.as_second() + SLACK_SECONDS);
    change(host, |taken| {
        let mine = taken.iter_mut().find(|entry| entry.consultation == consultation && users.contains(&entry.user));
        if let Some(entry) = mine {
            // A meeting stays with its user, whenever it takes place.
            (entry.from, entry.to) = (from, to);
            return Ok(entry.user.clone());
        }
        let overlaps = |user: &str| taken.iter().any(|entry| entry.user == user && entry.from < to && from < entry.to);
        let user = users.iter().find(|user| !overlaps(user)).cloned().ok_or_else(|| {
            let message = format!("all {} users of host_users have a meeting at that time", users.len());
            PluginError::retryable("zoom_hosts_busy", message)
        })?;
        taken.push(Taken { user: user.clone(), consultation: consultation.to_owned(), from, to });
        Ok(user)
    })
}

/// Frees the user of a consultation.
pub(crate) fn release(host: &Host<'_>, consultation: &str) -> Result<(), PluginError> {
    change(host, |taken| {
        taken.retain(|entry| entry.consultation != consultation);
        Ok(())
    })
}

fn change<T>(host: &Host<'_>, decide: impl Fn(&mut Vec<Taken>) -> Result<T, PluginError>) -> Result<T, PluginError> {
    let now = host.now()?.as_second();
    for _ in 0..ATTEMPTS {
        let entry = host.kv_get(KEY)?;
        let version = entry.as_ref().map_or(0, |entry| entry.version);
        let mut taken: Vec<Taken> =
            entry.and_then(|entry| serde_json::from_value(entry.value).ok()).unwrap_or_default();
        taken.retain(|entry| entry.to > now);
        let decided = decide(&mut taken)?;
        match host.kv_put(KEY, json!(taken), Some(version)) {
            Err(conflict) if conflict.code == "kv_conflict" => {}
            other => return other.map(|_| decided),
        }
    }
    Err(PluginError::retryable("busy", "too many consultations want a host at the same moment"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use consilium_plugin_sdk::testing::FakeHost;

    fn time(text: &str) -> Timestamp {
        format!("2026-11-20T{text}:00Z").parse().unwrap()
    }

    fn taken(host: &FakeHost, consultation: &str, from: &str, to: &str) -> Result<String, String> {
        let users = ["a".to_owned(), "b".to_owned()];
        take(&host.host(), &users, consultation, time(from), time(to)).map_err(|e| e.code)
    }

    #[test]
    fn a_user_hosts_one_consultation_at_a_time() {
        let host = FakeHost::at(time("09:00"));
        assert_eq!(taken(&host, "1", "09:00", "09:30").unwrap(), "a");
        assert_eq!(taken(&host, "1", "09:00", "09:30").unwrap(), "a");
        assert_eq!(taken(&host, "2", "09:20", "09:50").unwrap(), "b");
        assert_eq!(taken(&host, "3", "09:25", "09:40").unwrap_err(), "zoom_hosts_busy");
        assert_eq!(taken(&host, "3", "10:01", "10:10").unwrap(), "a");
        release(&host.host(), "2").unwrap();
        assert_eq!(taken(&host, "4", "09:25", "09:40").unwrap(), "b");
    }

    #[test]
    fn what_is_over_takes_nobody() {
        let host = FakeHost::at(time("09:00"));
        taken(&host, "1", "09:00", "09:30").unwrap();
        taken(&host, "2", "09:00", "09:30").unwrap();
        host.set_now(time("09:46"));
        assert_eq!(taken(&host, "3", "09:30", "09:40").unwrap(), "a");
    }

    #[test]
    fn callers_at_the_same_moment_get_different_users() {
        let host = FakeHost::at(time("09:00"));
        let mut got: Vec<String> = std::thread::scope(|scope| {
            let callers: Vec<_> =
                ["1", "2"].map(|name| scope.spawn(|| taken(&host, name, "09:00", "09:30").unwrap())).into();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        got.sort();
        assert_eq!(got, ["a", "b"]);
    }
}
