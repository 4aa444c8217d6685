//! Being made, serving, saying how one is, and ending.

use super::{Bench, Outcome, all_of, failed, passed};
use crate::{
    Verdict, kinds,
    session::{Provider, Session},
};
use consilium_plugin_host::contract::{HealthCheck, HealthStatus};
use serde_json::{Map, Value, json};
use std::time::Duration;

pub(super) async fn create(bench: &Bench<'_>) -> Outcome {
    match bench.session(&bench.services()).await {
        Ok(session) => {
            session.end().await;
            passed()
        }
        Err(outcome) => outcome,
    }
}

/// Each wrong configuration must be refused, by the schema or by the plugin.
pub(super) async fn refuse(bench: &Bench<'_>) -> Outcome {
    let mut accepted = Vec::new();
    for (what, wrong) in wrong_configs(&bench.subject.plugin.config, &bench.subject.manifest.config_schema) {
        let services = bench.services();
        let started =
            Session::start(bench.subject, bench.isolation, &services, |_, plugin| plugin.config = wrong).await;
        if let Ok(session) = started {
            session.end().await;
            accepted.push(format!("it starts {what}"));
        }
    }
    all_of(accepted)
}

/// A right configuration with one thing made wrong, and what that is.
fn wrong_configs(right: &Map<String, Value>, schema: &Value) -> Vec<(String, Map<String, Value>)> {
    const FEW: usize = 6;
    let changed = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut config = right.clone();
        change(&mut config);
        config
    };
    let stray = changed(&|config| drop(config.insert("no_such_setting".to_owned(), json!(true))));
    let mut wrong = vec![("with a setting that does not exist".to_owned(), stray)];
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in required.take(FEW) {
        wrong.push((format!("without {name}"), changed(&|config| drop(config.remove(name)))));
    }
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    for (name, property) in properties.take(FEW) {
        let anything = property.as_object().is_none_or(|property| !property.contains_key("type"));
        if !anything {
            let nonsense = json!({"this is": ["not", "it"]});
            let config = changed(&|config| drop(config.insert(name.clone(), nonsense.clone())));
            wrong.push((format!("with {name} of the wrong type"), config));
        }
    }
    wrong
}

pub(super) async fn health(bench: &Bench<'_>) -> Outcome {
    let services = bench.services();
    let session = match bench.session(&services).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let answer = session.ask::<HealthCheck>(json!({})).await;
    session.end().await;
    match answer {
        Ok(health) if health.status == HealthStatus::Down && bench.stubbed && services.requests() > 0 => (
            Verdict::Unproven,
            format!("down: {}; the stub is not the answer it needs", health.detail.unwrap_or_default()),
        ),
        Ok(health) if health.status == HealthStatus::Down => {
            failed(format!("down: {}", health.detail.unwrap_or_default()))
        }
        Ok(_) => passed(),
        Err(trouble) => bench.judge(&services, &trouble),
    }
}

pub(super) async fn destroy(bench: &Bench<'_>) -> Outcome {
    // A plugin that hangs is given up after twice the grace; the kit cannot mistake one for the other.
    const GRACE: Duration = Duration::from_secs(4);
    let services = bench.services();
    let grace = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
    let session = match bench.session_with(&services, |settings, _| settings.cancel_grace_ms = grace).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let _ = kinds::story(&session, 1).await;
    if session.end().await >= GRACE * 2 { failed("it did not end by itself and was given up") } else { passed() }
}

pub(super) async fn story_of(bench: &Bench<'_>) -> Outcome {
    story(bench, Provider::playing(bench.cassette.clone())).await
}

/// Plays three stories against a provider.
pub(crate) async fn story(bench: &Bench<'_>, provider: Provider) -> Outcome {
    let services = bench.services_with(provider);
    let session = match bench.session(&services).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let mut outcome = passed();
    for number in 1..=3 {
        if let Err(trouble) = kinds::story(&session, number).await {
            outcome = bench.judge(&services, &trouble);
            break;
        }
    }
    session.end().await;
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_configurations_are_wrong_for_their_schema() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["url"],
            "properties": {"url": {"type": "string"}, "size": {"type": "integer"}},
        });
        let right = json!({"url": "https://a.example"});
        let wrong = wrong_configs(right.as_object().unwrap(), &schema);
        assert_eq!(wrong.len(), 4);
        for (what, config) in wrong {
            assert!(!jsonschema::is_valid(&schema, &Value::Object(config)), "{what}");
        }
    }
}
