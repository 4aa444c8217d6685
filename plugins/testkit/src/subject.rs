//! The library under examination: its manifest, and a configuration and secrets to run it with.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use consilium_plugin_host::{PluginConfig, SecretSource, Settings, contract::Manifest, inspect};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// How a plugin is configured for the examination.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginSettings {
    /// Its own configuration; made from the schema's examples and defaults when none.
    pub config: Option<Map<String, Value>>,
    /// Files with its secrets; made up for those that are missing.
    pub secret_files: BTreeMap<String, PathBuf>,
    /// Hosts it may reach besides those of its manifest.
    pub allow_hosts: Vec<String>,
    /// Whether it may reach private addresses and use plain `http`.
    pub allow_private_addresses: bool,
}

impl PluginSettings {
    /// Reads a file with the plugin's own keys, or a server's settings: then the entry below `plugins.use` that is
    /// called like the plugin, or whose library is, or none of them when there is no such entry.
    ///
    /// # Errors
    /// When the file cannot be read, or is no TOML.
    pub fn read(file: &Path, library: &Path) -> Result<Self, Unfit> {
        let wrong = |reason: String| Unfit::Settings(format!("{}: {reason}", file.display()));
        let text = fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
        let table: Map<String, Value> = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let Some(plugins) = table.get("plugins").filter(|plugins| plugins.is_object()) else {
            return Ok(Self { config: Some(table), ..Self::default() });
        };
        let called = |name: &str| {
            let plain = |text: &str| text.trim_start_matches("lib").trim_end_matches(".so").replace('-', "_");
            library.file_name().is_some_and(|file| plain(&file.to_string_lossy()) == plain(name))
        };
        let mut entries = plugins.get("use").and_then(Value::as_object).into_iter().flatten();
        let named = |entry: &Value| entry.get("library").and_then(Value::as_str).is_some_and(called);
        let Some((_, entry)) = entries.find(|(id, entry)| called(id) || named(entry)) else {
            return Ok(Self::default());
        };
        let part = |key: &str| entry.get(key).cloned().unwrap_or_default();
        Ok(Self {
            config: part("config").as_object().cloned(),
            secret_files: serde_json::from_value(part("secret_files")).unwrap_or_default(),
            allow_hosts: serde_json::from_value(part("allow_hosts")).unwrap_or_default(),
            allow_private_addresses: part("allow_private_addresses").as_bool().unwrap_or_default(),
        })
    }
}

/// Why a library cannot be examined at all.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The host refuses the library.
    #[error("{0}")]
    Load(#[from] consilium_plugin_host::LoadError),
    /// The configuration given is wrong.
    #[error("{0}")]
    Settings(String),
    /// The machine does not play along.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A library that can be started.
pub(crate) struct Subject {
    pub(crate) library: PathBuf,
    pub(crate) sha256: String,
    pub(crate) manifest: Manifest,
    pub(crate) plugin: PluginConfig,
    pub(crate) settings: Settings,
    /// By name, to be looked for where they must not be.
    pub(crate) secrets: Vec<(String, String)>,
    _files: TempDir,
}

impl Subject {
    /// Reads the library in a child process and prepares what it needs to run.
    pub(crate) fn open(library: &Path, given: &PluginSettings, child_command: &[String]) -> Result<Self, Unfit> {
        let files = tempfile::tempdir()?;
        let settings = settings(files.path(), child_command);
        let manifest = inspect(&settings, library)?;
        let mut plugin = PluginConfig::new(manifest.id.clone(), library);
        plugin.config = given.config.clone().unwrap_or_else(|| sample_config(&manifest.config_schema));
        plugin.egress.clone_from(&given.allow_hosts);
        plugin.allow_private = given.allow_private_addresses;
        let mut secrets = Vec::new();
        for (number, spec) in manifest.secrets.iter().enumerate() {
            let path = match given.secret_files.get(&spec.name) {
                Some(path) => path.clone(),
                None => {
                    let path = files.path().join(format!("secret-{number}"));
                    fs::write(&path, made_up_secret(number))?;
                    path
                }
            };
            let value = fs::read_to_string(&path)
                .map_err(|e| Unfit::Settings(format!("secret {}: {}: {e}", spec.name, path.display())))?;
            secrets.push((spec.name.clone(), value.trim_end_matches(['\r', '\n']).to_owned()));
            plugin.secrets.insert(spec.name.clone(), SecretSource::File(path));
        }
        let undeclared =
            given.secret_files.keys().find(|name| !manifest.secrets.iter().any(|spec| spec.name == **name));
        if let Some(name) = undeclared {
            return Err(Unfit::Settings(format!("the manifest of {} declares no secret {name}", manifest.id)));
        }
        let sha256 = hex::encode(digest(&SHA256, &fs::read(library)?));
        Ok(Self { library: library.to_owned(), sha256, manifest, plugin, settings, secrets, _files: files })
    }
}

/// Generous where a machine may be slow, strict where a plugin may be bad.
fn settings(directory: &Path, child_command: &[String]) -> Settings {
    Settings {
        cache_directory: directory.join("cache"),
        child_command: child_command.to_vec(),
        health_interval_ms: 3_600_000,
        drain_timeout_ms: 10_000,
        // The kit provokes failures on purpose; each shall be seen, and none stop the next.
        breaker_window: 1_000_000,
        restart_backoff_ms: 20,
        restart_backoff_max_ms: 50,
        max_crashes: 1_000,
        ..Settings::default()
    }
}

/// Printable, different for each secret, found nowhere by chance, and base64 of 32 bytes, which is what most keys are.
fn made_up_secret(number: usize) -> String {
    let seed = format!("consilium conformance kit, secret {number}, {}", std::process::id());
    STANDARD.encode(digest(&SHA256, seed.as_bytes()).as_ref())
}

/// A configuration that the schema allows: what it gives as example or default, else something of the right type. Only
/// what is required, and what has an example.
pub(crate) fn sample_config(schema: &Value) -> Map<String, Value> {
    match sample(schema, schema, "") {
        Value::Object(config) => config,
        _ => Map::new(),
    }
}

fn sample(root: &Value, schema: &Value, name: &str) -> Value {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#')) {
        return root.pointer(target).map_or(Value::Null, |schema| sample(root, schema, name));
    }
    let first = |key: &str| schema.get(key).and_then(Value::as_array).and_then(|values| values.first()).cloned();
    let told = first("examples").or_else(|| schema.get("default").cloned());
    if let Some(told) = told.or_else(|| schema.get("const").cloned()).or_else(|| first("enum")) {
        return told;
    }
    if let Some(choice) = ["oneOf", "anyOf", "allOf"].into_iter().find_map(first) {
        return sample(root, &choice, name);
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        kind => kind.and_then(Value::as_str),
    };
    match kind {
        Some("object") => sample_object(root, schema),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("null") => Value::Null,
        _ if name.contains("url") || schema.get("format") == Some(&json!("uri")) => {
            json!("https://provider.example.org")
        }
        _ => json!("example"),
    }
}

fn sample_object(root: &Value, schema: &Value) -> Value {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let wanted = properties
        .into_iter()
        .filter(|(name, schema)| required.contains(&json!(name)) || schema.get("examples").is_some());
    wanted.map(|(name, schema)| (name.clone(), sample(root, &schema, &name))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_configuration_is_what_the_schema_allows() {
        let schema = json!({
            "type": "object",
            "required": ["base_url", "mode", "size", "nested"],
            "$defs": {"Mode": {"enum": ["fast", "slow"]}},
            "properties": {
                "base_url": {"type": "string"},
                "mode": {"$ref": "#/$defs/Mode"},
                "size": {"type": "integer", "minimum": 16},
                "nested": {"type": "object", "required": ["on"], "properties": {"on": {"type": "boolean"}}},
                "hint": {"type": "string", "examples": ["eu"]},
                "left_out": {"type": "string"},
            },
        });
        let config = Value::Object(sample_config(&schema));
        let expected = json!({
            "base_url": "https://provider.example.org", "mode": "fast", "size": 16, "nested": {"on": false}, "hint": "eu",
        });
        assert_eq!(config, expected);
        assert!(jsonschema::is_valid(&schema, &config));
    }

    #[test]
    fn settings_are_the_plugins_own_or_its_part_of_a_servers() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        let library = Path::new("target/debug/libacme_video.so");
        fs::write(&file, "base_url = 'https://a.example'").unwrap();
        assert_eq!(PluginSettings::read(&file, library).unwrap().config.unwrap()["base_url"], "https://a.example");
        let server = "[server]\nport = 1\n[plugins.use.acme-video]\nallow_hosts = ['b.example']\n\
                      [plugins.use.acme-video.config]\nbase_url = 'https://b.example'\n\
                      [plugins.use.acme-video.secret_files]\nkey = '/run/key'";
        fs::write(&file, server).unwrap();
        let read = PluginSettings::read(&file, library).unwrap();
        assert_eq!(read.config.unwrap()["base_url"], "https://b.example");
        assert_eq!(
            (read.allow_hosts, read.secret_files["key"].as_path()),
            (vec!["b.example".to_owned()], Path::new("/run/key"))
        );
        assert_eq!(PluginSettings::read(&file, Path::new("libother.so")).unwrap(), PluginSettings::default());
        assert!(PluginSettings::read(Path::new("/no/such"), library).is_err());
    }

    #[test]
    fn made_up_secrets_differ() {
        assert_ne!(made_up_secret(0), made_up_secret(1));
    }
}
