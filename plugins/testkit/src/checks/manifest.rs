//! What a library says of itself.

use super::{Outcome, all_of};
use crate::subject::Subject;
use consilium_plugin_host::contract::Manifest;
use serde_json::Value;

pub(super) fn sane(subject: &Subject) -> Outcome {
    all_of(problems(&subject.manifest))
}

fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = Vec::new();
    let mut demand = |holds: bool, problem: String| {
        if !holds {
            problems.push(problem);
        }
    };
    let id = &manifest.id;
    let words = id
        .split('-')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    demand(words, format!("id {id:?} is not lower case words joined by dashes"));
    let version = &manifest.version;
    demand(semver::Version::parse(version).is_ok(), format!("version {version:?} is no semantic version"));
    demand(!manifest.licence.is_empty(), "licence is missing; it comes from Cargo.toml".to_owned());
    demand(!manifest.description.is_empty(), "description is missing: one line for people who choose".to_owned());
    for secret in &manifest.secrets {
        demand(!secret.description.is_empty(), format!("secret {} has no description", secret.name));
    }
    for method in manifest.idempotent.iter().chain(manifest.webhooks.iter().map(|webhook| &webhook.method)) {
        let kind = method.split('.').next().unwrap_or_default();
        let known = manifest.kinds.iter().any(|contract| contract.kind == kind) && method.contains('.');
        demand(known, format!("{method:?} is no call of a contract that the plugin fulfils"));
    }
    for entry in &manifest.permissions.egress {
        match entry.strip_prefix("config:") {
            Some(pointer) => {
                let property = format!("/properties{pointer}");
                let known = manifest.config_schema.pointer(&property).is_some();
                demand(
                    known || pointer.matches('/').count() > 1,
                    format!("egress {entry:?} names no property of the configuration"),
                );
            }
            None => {
                let name = entry.strip_prefix("*.").unwrap_or(entry);
                let host = name.contains('.') && !name.contains(['*', '/', ':', '@', ' ']);
                demand(host, format!("egress {entry:?} is no host: write api.example.org or *.example.org"));
            }
        }
    }
    if manifest.config_schema.is_null() {
        demand(false, "config_schema is missing, so no wrong setting is found before the start".to_owned());
    } else if let Err(e) = jsonschema::validator_for(&manifest.config_schema) {
        demand(false, format!("config_schema is no JSON Schema: {e}"));
    } else {
        let kind = manifest.config_schema.get("type").and_then(Value::as_str);
        demand(kind == Some("object"), "config_schema must describe an object".to_owned());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(change: impl FnOnce(&mut Value)) -> Manifest {
        let mut manifest = json!({
            "id": "acme-video", "version": "1.0.0", "licence": "MIT", "description": "Rooms", "kinds": ["video/2"],
            "config_schema": {"type": "object", "properties": {"base_url": {"type": "string"}}},
            "secrets": [{"name": "key", "description": "the API key"}],
            "permissions": {"egress": ["config:/base_url", "*.acme.example"]}, "idempotent": ["video.join"],
        });
        change(&mut manifest);
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn a_good_manifest_has_no_problems() {
        assert_eq!(problems(&manifest(|_| {})), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_found() {
        for (pointer, wrong) in [
            ("/id", json!("Acme Video")),
            ("/version", json!("one")),
            ("/licence", json!("")),
            ("/description", json!("")),
            ("/secrets/0/description", json!("")),
            ("/idempotent/0", json!("pharmacy.submit")),
            ("/permissions/egress/0", json!("config:/other")),
            ("/permissions/egress/1", json!("*")),
            ("/permissions/egress/1", json!("https://acme.example")),
            ("/config_schema", json!(null)),
            ("/config_schema", json!({"type": 5})),
            ("/config_schema", json!({"type": "string"})),
        ] {
            let manifest = manifest(|manifest| *manifest.pointer_mut(pointer).unwrap() = wrong.clone());
            assert!(!problems(&manifest).is_empty(), "{pointer} {wrong}");
        }
    }
}
