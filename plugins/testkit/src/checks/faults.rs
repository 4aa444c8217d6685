//! A provider that fails, and callers who do not wait.

use super::{Bench, Outcome, all_of, nothing};
use crate::{
    kinds::{self, Sample},
    session::{Provider, Session},
};
use consilium_plugin_host::{CallError, PluginState, contract::HealthCheck};
use consilium_plugin_sdk::cassette::{Cassette, Fault};
use serde_json::json;
use std::time::{Duration, Instant};

/// Every call that may wait for the provider, also those that are about something that is there.
async fn calls(bench: &Bench<'_>, session: &Session) -> Vec<Sample> {
    let mut calls = bench.samples();
    calls.extend(kinds::samples_of_made(session, 7).await);
    calls
}

/// The provider never answers, and the caller's time is over: the plugin must return before it is killed.
pub(super) async fn cancel(bench: &Bench<'_>) -> Outcome {
    let answering = Provider::playing(bench.cassette.clone());
    let services = bench.services_with(answering.clone());
    let session = match bench.session(&services).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let calls = calls(bench, &session).await;
    session.end().await;
    let impatient = bench.session_with(&services, |settings, _| {
        settings.call_timeout_ms = 400;
        settings.health_timeout_ms = 400;
        settings.cancel_grace_ms = 2_000;
        settings.max_abandoned = 1;
    });
    let session = match impatient.await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let mut problems = Vec::new();
    let mut waited = false;
    for sample in calls {
        let Ok(bytes) = (sample.bytes)(&session, sample.request) else { continue };
        services.provide(Provider::Silence);
        let before = services.requests();
        let answer = session.send(sample.method, bytes).await;
        if services.requests() == before {
            continue;
        }
        waited = true;
        services.provide(answering.clone());
        if answer.is_ok() {
            problems.push(format!("{} answers success without its provider", sample.method));
        }
        if !settled(&session).await {
            problems.push(format!("{} did not return within two seconds of being cancelled", sample.method));
            break;
        }
    }
    session.end().await;
    if !waited && problems.is_empty() {
        return nothing("no call of it waits for a provider");
    }
    all_of(problems)
}

/// Whether the plugin serves again without having been restarted or given up.
async fn settled(session: &Session) -> bool {
    let began = Instant::now();
    loop {
        let Some(info) = session.info().await else { return false };
        if info.restarts > 0 || info.state != PluginState::Running {
            return false;
        }
        // Calls wait while a cancelled one has not returned, so an answer means that it has.
        match session.ask::<HealthCheck>(json!({})).await {
            Err(trouble)
                if matches!(trouble.error, Some(CallError::Busy | CallError::Timeout | CallError::Crashed(_))) => {}
            _ => break,
        }
        if began.elapsed() > Duration::from_secs(10) {
            return false;
        }
    }
    session.info().await.is_some_and(|info| info.restarts == 0 && info.state == PluginState::Running)
}

pub(super) async fn provider(bench: &Bench<'_>) -> Outcome {
    let status = |code, retry_after_seconds| Fault::Status { code, retry_after_seconds };
    let faults = [
        ("429 with Retry-After", status(429, Some(30)), true),
        ("500", status(500, None), true),
        ("503", status(503, None), true),
        ("a timeout", Fault::Timeout, true),
        ("a broken connection", Fault::Reset, true),
        ("401", status(401, None), false),
        ("a page instead of an answer", Fault::Garbage, false),
    ];
    let mut problems = Vec::new();
    let mut asked = false;
    for (name, fault, temporary) in faults {
        let garbage = fault == Fault::Garbage;
        let services = bench.services();
        let session = match bench.session(&services).await {
            Ok(session) => session,
            Err(outcome) => return outcome,
        };
        session.first_health().await; // What it asks the provider is not to be taken for a call's question.
        let calls = calls(bench, &session).await;
        services.provide(Provider::playing(Cassette::stub().failing(fault)));
        for sample in calls {
            let before = services.requests();
            let Ok(bytes) = (sample.bytes)(&session, sample.request) else { continue };
            let answer = session.send(sample.method, bytes).await;
            if services.requests() == before {
                continue;
            }
            asked = true;
            match answer {
                // Some providers say all they have to say by the status.
                Ok(_) if garbage => {}
                // Falls back on rules of its own, and says so by `produced_by`.
                Ok(_) if sample.method.starts_with("assistant.") => {}
                Ok(_) => problems.push(format!("{}: the provider answers {name}, the plugin success", sample.method)),
                Err(CallError::Plugin(error)) if temporary && !error.retryable => {
                    problems.push(format!("{}: {name} becomes {}, which is not retryable", sample.method, error.code));
                }
                Err(CallError::Plugin(_)) => {}
                Err(error) => problems.push(format!("{}: with {name}, {error}", sample.method)),
            }
        }
        session.end().await;
    }
    if asked { all_of(problems) } else { nothing("no call of it asks a provider") }
}
