//! The settings in force, as administrators may see them: what is secret is told only to be set or not.

use std::collections::BTreeSet;

use schemars::schema_for;
use serde_json::Value;

use super::{
    render::{description, object, property, resolve},
    types::Config,
};

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Source {
    /// Nothing else was said, or the same.
    Default,
    /// The file of `--config`.
    File,
    /// A variable.
    Environment,
    /// A file that a variable names.
    SecretFile,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Within its section.
    pub key: String,
    /// What it means.
    pub description: String,
    /// `None` for what is secret; of a table only the names in it.
    pub value: Option<Value>,
    /// Whether it says anything.
    pub is_set: bool,
    /// Where that comes from.
    pub source: Source,
}

/// Settings that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// As in the file.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// The settings, in the order of their keys.
    pub settings: Vec<Setting>,
}

/// The settings in force, where `variables` are set in the environment.
pub fn effective(config: &Config, variables: &BTreeSet<String>) -> Vec<Section> {
    let schema = schema_for!(Config).to_value();
    let values = serde_json::to_value(config).unwrap_or_default();
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    object(&values)
        .map(|(name, section)| {
            let of_section = resolve(&schema, property(&schema, &schema, name));
            let setting = |(key, value): (&String, &Value)| {
                let variable = format!("CONSILIUM__{name}__{key}").to_uppercase();
                let source = match defaults.get(name).and_then(|section| section.get(key)) {
                    _ if variables.contains(&variable) => Source::Environment,
                    _ if variables.contains(&format!("{variable}_FILE")) => Source::SecretFile,
                    Some(default) if default == value => Source::Default,
                    _ => Source::File,
                };
                let description = description(&schema, of_section, key).to_owned();
                Setting {
                    key: key.clone(),
                    is_set: is_set(value),
                    value: shown(&description, value),
                    description,
                    source,
                }
            };
            let settings = object(section).map(setting).collect();
            Section { name: name.clone(), description: description(&schema, &schema, name).to_owned(), settings }
        })
        .collect()
}

/// What may be seen of a value: nothing of a secret, nor of an address that has a password in it.
fn shown(description: &str, value: &Value) -> Option<Value> {
    let has_password = |text: &str| url::Url::parse(text).is_ok_and(|url| url.password().is_some());
    match value {
        _ if description.contains("Secret:") => None,
        Value::String(text) if has_password(text) => None,
        Value::Object(table) => Some(table.keys().cloned().collect()),
        other => Some(other.clone()),
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(table) => !table.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Plugin;

    fn find(config: &Config, variables: &[&str], section: &str, key: &str) -> Setting {
        let variables = variables.iter().map(ToString::to_string).collect();
        let sections = effective(config, &variables);
        let found = sections.into_iter().find(|one| one.name == section).unwrap();
        found.settings.into_iter().find(|one| one.key == key).unwrap()
    }

    #[test]
    fn each_setting_says_what_it_is_and_where_it_comes_from() {
        let mut config = Config::default();
        let port = find(&config, &[], "server", "port");
        assert_eq!((port.value, port.source), (Some(8080.into()), Source::Default));
        assert!(!port.description.is_empty());
        config.server.port = 80;
        assert_eq!(find(&config, &[], "server", "port").source, Source::File);
        assert_eq!(find(&config, &["CONSILIUM__SERVER__PORT"], "server", "port").source, Source::Environment);
        let sections = effective(&config, &BTreeSet::new());
        assert!(sections.iter().flat_map(|section| &section.settings).all(|one| !one.description.is_empty()));
    }

    #[test]
    fn no_secret_is_shown() {
        let mut config = Config::default();
        assert!(!find(&config, &[], "smtp", "url").is_set);
        config.smtp.url = "smtps://user:hunter2@mail.example".to_owned();
        config.database.url = "postgres://consilium:hunter2@db/consilium".to_owned();
        config.files.s3_secret_access_key = "hunter2".to_owned();
        config.files.url = "s3://user:hunter2@bucket/prefix".to_owned();
        let own = [("secret".to_owned(), "hunter2".into())].into();
        config.plugins.r#use.insert("video-jitsi".to_owned(), Plugin { config: own, ..Plugin::default() });
        let smtp = find(&config, &["CONSILIUM__SMTP__URL_FILE"], "smtp", "url");
        assert_eq!((smtp.value, smtp.is_set, smtp.source), (None, true, Source::SecretFile));
        assert_eq!(find(&config, &[], "plugins", "use").value, Some(vec!["video-jitsi"].into()));
        let all = format!("{:?}", effective(&config, &BTreeSet::new()));
        assert!(!all.contains("hunter2"), "{all}");
    }
}
