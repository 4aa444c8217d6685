//! Which room belongs to which consultation, in the plugin's store, until a month after its end.
//!
//! | key | value |
//! |---|---|
//! | `room/{consultation}` | the room, as the plugin keeps it through [`crate::once`] |
//! | `of/{room}` | the consultation, and when to forget all this |
//! | `at/{room}/…` | whatever else the plugin keeps of a room |
//! | `due/{seconds}/{room}` | nothing; finds what is to be forgotten |

use consilium_plugin_sdk::{Host, PluginError, contract::host::KvList};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Recordings and late webhooks ask for a room that long after its end.
const KEEP_SECONDS: i64 = 30 * 86_400;

#[derive(Serialize, Deserialize)]
struct Of {
    consultation: String,
    due: i64,
}

/// Where the room of a consultation is kept.
#[must_use]
pub fn key(consultation: &str) -> String {
    format!("room/{consultation}")
}

/// Where something of a room is kept.
#[must_use]
pub fn key_at(room: &str, what: &str) -> String {
    format!("at/{room}/{what}")
}

/// Notes whose room it is, again whenever its end changes; forgets a few that are due.
///
/// # Errors
/// What the store says.
pub fn remember(host: &Host<'_>, room: &str, consultation: &str, ends_at: Timestamp) -> Result<(), PluginError> {
    let due = ends_at.as_second() + KEEP_SECONDS;
    let of = Of { consultation: consultation.to_owned(), due };
    host.kv_put(&format!("of/{room}"), json!(of), None)?;
    host.kv_put(&format!("due/{due:012}/{room}"), Value::Null, None)?;
    forget_some(host)
}

/// The consultation of a room; none for rooms that are not ours.
///
/// # Errors
/// What the store says.
pub fn consultation(host: &Host<'_>, room: &str) -> Result<Option<String>, PluginError> {
    Ok(of(host, room)?.map(|of| of.consultation))
}

fn of(host: &Host<'_>, room: &str) -> Result<Option<Of>, PluginError> {
    let entry = host.kv_get(&format!("of/{room}"))?;
    Ok(entry.and_then(|entry| serde_json::from_value(entry.value).ok()))
}

fn forget_some(host: &Host<'_>) -> Result<(), PluginError> {
    let now = host.now()?.as_second();
    for due in host.kv_list(&KvList { prefix: "due/".to_owned(), from: None, limit: 3 })? {
        let past = due.key < format!("due/{now:012}");
        let Some(room) = due.key.splitn(3, '/').nth(2).filter(|_| past) else { break };
        match of(host, room)? {
            // The end was moved since: there is a later entry.
            Some(of) if of.due > now => {}
            of => {
                if let Some(of) = of {
                    host.kv_delete(&key(&of.consultation), None)?;
                }
                let prefix = key_at(room, "");
                for entry in host.kv_list(&KvList { prefix, from: None, limit: 100 })? {
                    host.kv_delete(&entry.key, None)?;
                }
                host.kv_delete(&format!("of/{room}"), None)?;
            }
        }
        host.kv_delete(&due.key, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use consilium_plugin_sdk::testing::FakeHost;

    fn time(text: &str) -> Timestamp {
        format!("{text}T09:00:00Z").parse().unwrap()
    }

    fn keys(host: &FakeHost) -> Vec<String> {
        let all = KvList { prefix: String::new(), from: None, limit: 100 };
        host.host().kv_list(&all).unwrap().into_iter().map(|entry| entry.key).collect()
    }

    #[test]
    fn a_room_is_forgotten_a_month_after_its_end() {
        let fake = FakeHost::at(time("2026-11-20"));
        let host = fake.host();
        remember(&host, "r", "c", time("2026-11-20")).unwrap();
        host.kv_put(&key("c"), json!("r"), None).unwrap();
        host.kv_put(&key_at("r", "link"), json!(1), None).unwrap();
        assert_eq!(consultation(&host, "r").unwrap().as_deref(), Some("c"));
        assert_eq!(consultation(&host, "other").unwrap(), None);
        fake.set_now(time("2026-12-21"));
        remember(&host, "s", "d", time("2026-12-21")).unwrap();
        assert_eq!(keys(&fake), ["due/001800435600/s", "of/s"]);
    }

    #[test]
    fn a_room_that_moved_is_kept_for_its_new_end() {
        let fake = FakeHost::at(time("2026-11-20"));
        let host = fake.host();
        remember(&host, "r", "c", time("2026-11-20")).unwrap();
        remember(&host, "r", "c", time("2027-03-01")).unwrap();
        fake.set_now(time("2026-12-21"));
        remember(&host, "s", "d", time("2026-12-21")).unwrap();
        assert_eq!(consultation(&host, "r").unwrap().as_deref(), Some("c"));
    }
}
