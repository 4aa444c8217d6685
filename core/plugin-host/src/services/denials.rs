//! Refused requests of a plugin. Each is counted; what is new is audited at once and what is repeated once
//! per window, so that a plugin in a loop fills neither the log nor the database.

use super::HostServices;
use consilium_plugin_contract::PluginError;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Hosts that get a line of their own per window; a plugin that makes names up gets one line for the rest.
const MAX_HOSTS: usize = 32;
/// Longest name that is written down: DNS allows no longer one.
const MAX_NAME: usize = 253;

/// Why a request is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    /// Where it was to go; empty when the URL names no host.
    pub(crate) host: String,
    /// Stable, for the audit log and metrics: `undeclared_host`, `private_address`, `plain_http`,
    /// `other_scheme`, `no_host`, `secret_to_other_origin`.
    pub(crate) reason: &'static str,
    /// For operators and the plugin.
    pub(crate) message: String,
}

impl Denial {
    /// What the plugin is told.
    pub(crate) fn error(&self) -> PluginError {
        let code = if self.reason == "private_address" { "address_denied" } else { "egress_denied" };
        PluginError::permanent(code, self.message.clone())
    }
}

/// The refused requests of one plugin. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Denials {
    plugin: String,
    services: Arc<dyn HostServices>,
    window: Duration,
    seen: Arc<Mutex<Seen>>,
}

/// What was refused since the window opened.
#[derive(Default)]
struct Seen {
    open: bool,
    hosts: BTreeMap<(String, &'static str), u64>,
    /// Requests to further hosts.
    others: u64,
}

impl Denials {
    pub(crate) fn new(plugin: String, services: Arc<dyn HostServices>, window: Duration) -> Self {
        Self { plugin, services, window, seen: Arc::default() }
    }

    /// Counts and audits a refusal, and answers what the plugin is told. `redirected`: a server sent it
    /// there. Must be called on a Tokio runtime.
    pub(crate) fn refuse(&self, denial: &Denial, redirected: bool) -> PluginError {
        let labels = [("plugin", self.plugin.clone()), ("reason", denial.reason.to_owned())];
        metrics::counter!("consilium_plugin_egress_denied_total", &labels).increment(1);
        let host: String = denial.host.chars().take(MAX_NAME).collect();
        let (first, opened) = self.seen().count(&host, denial.reason);
        if first {
            tracing::warn!(plugin = self.plugin, host, reason = denial.reason, redirected, "a request was refused");
            let line = json!({"host": host, "reason": denial.reason, "redirected": redirected});
            let this = self.clone();
            tokio::spawn(async move { this.audit(line).await });
        }
        if opened {
            let this = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(this.window).await;
                this.close().await;
            });
        }
        denial.error()
    }

    /// Writes down what was repeated, and starts anew.
    async fn close(&self) {
        let Seen { hosts, others, .. } = std::mem::take(&mut *self.seen());
        for ((host, reason), count) in hosts.into_iter().filter(|(_, count)| *count > 1) {
            self.audit(json!({"host": host, "reason": reason, "repeated": count - 1})).await;
        }
        if others > 0 {
            self.audit(json!({"reason": "further_hosts", "repeated": others})).await;
        }
    }

    async fn audit(&self, line: Value) {
        self.services.audit(&self.plugin, "plugin_egress_denied", line).await;
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Whether this host and reason are new and get a line, and whether this opens the window.
    fn count(&mut self, host: &str, reason: &'static str) -> (bool, bool) {
        let opened = !std::mem::replace(&mut self.open, true);
        let key = (host.to_owned(), reason);
        if let Some(count) = self.hosts.get_mut(&key) {
            *count += 1;
            return (false, opened);
        }
        if self.hosts.len() >= MAX_HOSTS {
            self.others += 1;
            return (false, opened);
        }
        self.hosts.insert(key, 1);
        (true, opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryServices;

    fn denial(host: &str) -> Denial {
        Denial { host: host.to_owned(), reason: "undeclared_host", message: "no".to_owned() }
    }

    /// Refuses, and answers how often that was written down, in how many lines, once all of it is.
    async fn lines_for(hosts: impl Iterator<Item = String>, refusals: u64) -> usize {
        let services = Arc::new(MemoryServices::default());
        let denials = Denials::new("acme".to_owned(), services.clone(), Duration::from_millis(300));
        for host in hosts {
            denials.refuse(&denial(&host), false);
        }
        for _ in 0..500 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let told = services.audited().iter().map(|line| line.detail["repeated"].as_u64().unwrap_or(1)).sum::<u64>();
            if told == refusals {
                return services.audited().len();
            }
        }
        panic!("not all of {refusals} were written down: {:?}", services.audited());
    }

    #[tokio::test]
    async fn a_loop_is_one_line_at_once_and_one_per_window() {
        assert_eq!(lines_for((0..1).map(|_| "evil.example".to_owned()), 1).await, 1);
        // Two lines per window, of which a slow machine needs several.
        let lines = lines_for((0..5_000).map(|_| "evil.example".to_owned()), 5_000).await;
        assert!((2..=40).contains(&lines), "{lines}");
    }

    #[tokio::test]
    async fn made_up_names_are_bounded_too() {
        let lines = lines_for((0..1_000).map(|n| format!("{n}.evil.example")), 1_000).await;
        assert!((MAX_HOSTS + 1..=500).contains(&lines), "{lines}");
    }
}
