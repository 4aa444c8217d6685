//! Looks at a library and its configuration without starting it for good: for `plugin inspect`, for
//! `check-config`, and before every start. The library is opened in a child process, because
//! opening it already runs its code.

use crate::{
    ConfigProblem, Isolation, LoadError, PluginConfig, Settings,
    border::{Frame, Tag, child_command, content_addressed, parse_manifest},
    config::millis,
    services::Secrets,
};
use consilium_plugin_contract::{
    ContractId, Manifest, analytics, assistant, notification, payment, pharmacy, subscriber, video, webhook,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::BufReader,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

/// The contracts this host speaks.
pub const SUPPORTED_CONTRACTS: &[&str] = &[
    video::CONTRACT,
    pharmacy::CONTRACT,
    analytics::CONTRACT,
    webhook::CONTRACT,
    payment::CONTRACT,
    notification::CONTRACT,
    assistant::CONTRACT,
    subscriber::CONTRACT,
];

/// A plugin that may be started.
pub(crate) struct Prepared {
    /// The content-addressed copy.
    pub(crate) library: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) secrets: Secrets,
}

/// Reads a library's manifest and checks that this host can run it. Blocks for some milliseconds.
///
/// # Errors
/// Why the host refuses it.
pub fn inspect(settings: &Settings, library: &Path) -> Result<Manifest, LoadError> {
    inspect_copy(settings, settings.memory_limit_mib, &content_addressed(library, &settings.cache_directory)?)
}

/// Checks all configured plugins without starting them. Blocks for some milliseconds per plugin.
#[must_use]
pub fn check(settings: &Settings, plugins: &[PluginConfig]) -> Vec<ConfigProblem> {
    let mut problems = duplicates(plugins);
    for plugin in plugins {
        problems.extend(prepare(settings, plugin).err().unwrap_or_default());
    }
    problems
}

/// Ids that are used twice.
pub(crate) fn duplicates(plugins: &[PluginConfig]) -> Vec<ConfigProblem> {
    let mut seen = BTreeSet::new();
    let again = plugins.iter().filter(|plugin| !seen.insert(&plugin.id));
    again.map(|plugin| problem(plugin, "id", "another plugin has the same id")).collect()
}

/// Copies, inspects and checks one plugin.
pub(crate) fn prepare(settings: &Settings, plugin: &PluginConfig) -> Result<Prepared, Vec<ConfigProblem>> {
    if !is_id(&plugin.id) {
        return Err(vec![problem(plugin, "id", "must be lower case words joined by dashes, such as video-jitsi")]);
    }
    let refused = |e: LoadError| vec![problem(plugin, "library", e.to_string())];
    let library = content_addressed(&plugin.library, &settings.cache_directory).map_err(refused)?;
    let manifest = inspect_copy(settings, plugin.memory_mib(settings), &library).map_err(refused)?;
    let mut problems = config_problems(plugin, &manifest);
    if manifest.requires_process_isolation && plugin.isolation == Isolation::InProcess {
        problems.push(problem(plugin, "isolation", "the plugin demands isolation = \"process\""));
    }
    match Secrets::read(&manifest.secrets, &plugin.secrets) {
        Ok(secrets) if problems.is_empty() => Ok(Prepared { library, manifest, secrets }),
        Ok(_) => Err(problems),
        Err(wrong) => {
            let wrong = wrong.into_iter().map(|(name, reason)| problem(plugin, format!("secrets.{name}"), reason));
            problems.extend(wrong);
            Err(problems)
        }
    }
}

/// What the manifest's schema finds wrong with the configuration.
fn config_problems(plugin: &PluginConfig, manifest: &Manifest) -> Vec<ConfigProblem> {
    if manifest.config_schema.is_null() {
        return Vec::new();
    }
    let validator = match jsonschema::validator_for(&manifest.config_schema) {
        Ok(validator) => validator,
        Err(e) => return vec![problem(plugin, "library", format!("its config schema is unusable: {e}"))],
    };
    let config = Value::Object(plugin.config.clone());
    let errors = validator.iter_errors(&config);
    errors
        .map(|error| {
            let path = error.instance_path().to_string().replace('/', ".");
            problem(plugin, format!("config{path}"), error.to_string())
        })
        .collect()
}

fn problem(plugin: &PluginConfig, key: impl Into<String>, reason: impl Into<String>) -> ConfigProblem {
    ConfigProblem { plugin: plugin.id.clone(), key: key.into(), reason: reason.into() }
}

fn is_id(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 64 && text.split('-').all(word)
}

fn inspect_copy(settings: &Settings, memory_mib: u64, copy: &Path) -> Result<Manifest, LoadError> {
    let failed = |e: std::io::Error| LoadError::Start(e.to_string());
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    ours.set_read_timeout(Some(millis(settings.start_timeout_ms))).map_err(failed)?;
    let mut command = child_command(settings, memory_mib, copy, theirs);
    let child = command.stderr(Stdio::null()).spawn().map_err(failed)?;
    drop(command);
    let _ended_in_any_case = EndOnDrop(child);
    let mut said = BufReader::new(&ours);
    let mut hear = || {
        Frame::read(&mut said)
            .map_err(|_| LoadError::Start("it ended, or said nothing in time, while being loaded".to_owned()))
    };
    let mut hello = hear()?;
    if hello.tag == Tag::Confined {
        hello = hear()?;
    }
    match hello.tag {
        Tag::Hello => negotiate(parse_manifest(&hello.payload)?),
        Tag::Refused => Err(LoadError::Start(String::from_utf8_lossy(&hello.payload).into_owned())),
        other => Err(LoadError::Start(format!("it began with {other:?}"))),
    }
}

struct EndOnDrop(Child);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Both sides must speak the same version of every contract; a mismatch is never tried.
fn negotiate(manifest: Manifest) -> Result<Manifest, LoadError> {
    if !is_id(&manifest.id) {
        return Err(LoadError::Manifest(format!("{:?} is no id", manifest.id)));
    }
    if manifest.kinds.is_empty() {
        return Err(LoadError::Manifest("it fulfils no contract".to_owned()));
    }
    let supported: Vec<ContractId> = SUPPORTED_CONTRACTS.iter().filter_map(|text| text.parse().ok()).collect();
    for (place, contract) in manifest.kinds.iter().enumerate() {
        if manifest.kinds.iter().take(place).any(|other| other.kind == contract.kind) {
            return Err(LoadError::Manifest(format!("it names the kind {} twice", contract.kind)));
        }
        if !supported.contains(contract) {
            let same_kind = supported.iter().find(|own| own.kind == contract.kind);
            let host = same_kind.map_or_else(|| SUPPORTED_CONTRACTS.join(", "), ToString::to_string);
            let advice = match same_kind {
                Some(own) if own.version < contract.version => "use a release of the server that speaks it",
                Some(_) => "rebuild the plugin with the SDK of this release",
                None => "this release has no such kind",
            };
            return Err(LoadError::Contract { plugin: contract.to_string(), host, advice });
        }
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(kinds: &[&str]) -> Manifest {
        serde_json::from_value(json!({"id": "acme", "kinds": kinds})).unwrap()
    }

    #[test]
    fn another_version_of_a_contract_is_refused_with_both_versions_named() {
        let refused = negotiate(manifest(&["analytics/1", "video/2"])).unwrap_err().to_string();
        assert_eq!(
            refused,
            "the plugin fulfils video/2, this host speaks video/1: use a release of the server that speaks it"
        );
        let older = negotiate(manifest(&["video/0"])).unwrap_err().to_string();
        assert!(older.ends_with("rebuild the plugin with the SDK of this release"), "{older}");
        let twice = negotiate(manifest(&["video/1", "video/1"])).unwrap_err().to_string();
        assert!(twice.contains("names the kind video twice"), "{twice}");
        assert!(negotiate(manifest(&["teleport/1"])).is_err());
        assert!(negotiate(manifest(&[])).is_err());
        assert!(negotiate(manifest(&["video/1"])).is_ok());
    }

    #[test]
    fn configuration_errors_name_key_and_reason() {
        let mut manifest = manifest(&["video/1"]);
        manifest.config_schema = json!({
            "type": "object",
            "required": ["base_url"],
            "properties": {"lifetime": {"type": "integer", "minimum": 60}},
        });
        let mut plugin = PluginConfig::new("acme", "acme.so");
        plugin.config = json!({"lifetime": 5}).as_object().unwrap().clone();
        let found: Vec<_> = config_problems(&plugin, &manifest).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "plugin acme: config: \"base_url\" is a required property",
                "plugin acme: config.lifetime: 5 is less than the minimum of 60",
            ]
        );
    }

    #[test]
    fn two_plugins_cannot_share_an_id() {
        let plugins = [PluginConfig::new("a", "x.so"), PluginConfig::new("a", "y.so")];
        assert_eq!(duplicates(&plugins).len(), 1);
    }
}
