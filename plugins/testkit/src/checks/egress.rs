//! Where a plugin goes.

use super::{Bench, Outcome, all_of, nothing};
use crate::kinds;
use consilium_plugin_host::CallError;
use serde_json::{Value, json};

/// An address that nobody outside may reach, on a host that a manifest can name only by configuration.
const PRIVATE: &str = "https://10.255.0.1/api";

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
    let session = bench.session_with(&services, |_, plugin| {
        let mut config = Value::Object(std::mem::take(&mut plugin.config));
        for place in &pointers {
            if let Some(place) = config.pointer_mut(place) {
                *place = json!(PRIVATE);
            }
        }
        plugin.config = config.as_object().cloned().unwrap_or_default();
        plugin.allow_private = false;
    });
    // Refusing to start with such an address is as good.
    let Ok(session) = session.await else { return super::passed() };
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
