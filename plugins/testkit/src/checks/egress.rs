//! Where a plugin goes.

use super::{Bench, Outcome, all_of, nothing};
use crate::kinds;
use consilium_plugin_host::CallError;
use serde_json::{Value, json};

/// An address that nobody outside may reach, on a host that a manifest can name only by configuration.
const PRIVATE: &str = "https://10.255.0.1";

const HOUR_MS: u64 = 3_600_000;

pub(super) async fn declared(bench: &Bench<'_>) -> Outcome {
    let services = bench.services();
    let session = match bench.session(&services).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let _ = kinds::story(&session, 1).await;
    session.end().await;
    let denied = services.denied();
    if denied.is_empty() && services.requests() == 0 {
        return nothing("it makes no HTTP requests");
    }
    all_of(denied)
}

/// Points each configured host to a private address: the host refuses, and the plugin must say so.
pub(super) async fn private(bench: &Bench<'_>) -> Outcome {
    let pointers = bench.subject.manifest.permissions.egress.iter().filter_map(|entry| entry.strip_prefix("config:"));
    let pointers: Vec<_> = pointers.map(str::to_owned).collect();
    if pointers.is_empty() {
        return nothing("no host of it is configured by the operator");
    }
    let services = bench.services();
    let session = bench.session_with(&services, |settings, plugin| {
        // What is refused must be the sample's own request, not one of a health check beside it.
        settings.health_interval_ms = HOUR_MS;
        let mut config = Value::Object(std::mem::take(&mut plugin.config));
        pointers.iter().for_each(|pointer| set(&mut config, pointer, &json!(PRIVATE)));
        plugin.config = config.as_object().cloned().unwrap_or_default();
        plugin.allow_private = false;
    });
    // Refusing to start with such an address is as good.
    let Ok(session) = session.await else { return super::passed() };
    session.first_health().await;
    let mut problems = Vec::new();
    for sample in bench.samples() {
        let before = services.denied().len();
        let Ok(bytes) = (sample.bytes)(&session, sample.request) else { continue };
        let answer = session.send(sample.method, bytes).await;
        if services.denied().len() == before {
            continue;
        }
        match answer {
            Ok(_) => problems.push(format!("{} answers success although its request was refused", sample.method)),
            Err(CallError::Plugin(_)) => {}
            Err(error) => problems.push(format!("{}: {error}", sample.method)),
        }
    }
    session.end().await;
    if services.denied().is_empty() {
        return nothing("it makes no HTTP requests");
    }
    all_of(problems)
}

/// Also what is left to its default; what lies deeper only where the configuration goes so deep.
fn set(config: &mut Value, pointer: &str, value: &Value) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    match config.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.insert(name.to_owned(), value.clone())),
        Some(Value::Array(items)) => {
            if let Some(item) = name.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                item.clone_from(value);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_set_where_the_configuration_has_a_place_for_them() {
        let mut config = json!({"list": ["a", "b"], "deep": {"url": "c"}});
        for pointer in ["/url", "/deep/url", "/list/1", "/list/2", "/no/such", "none"] {
            set(&mut config, pointer, &json!("x"));
        }
        assert_eq!(config, json!({"url": "x", "list": ["a", "x"], "deep": {"url": "x"}}));
    }
}
