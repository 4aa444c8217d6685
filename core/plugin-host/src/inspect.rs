//! Looks at a library and its configuration without starting it for good: for `plugin inspect`, for
//! `check-config`, and before every start. The library is opened in a child process, because
//! opening it already runs its code.

use crate::{
    ConfigProblem, Isolation, LoadError, PluginConfig, Settings,
    border::{Frame, Tag, child_command, connection, content_addressed, parse_manifest},
    config::millis,
    services::Secrets,
};
use consilium_plugin_contract::{
    ContractId, Manifest,
    versions::{self, FORMER, PRESENT},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::BufReader,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

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
    let (ours, theirs, _) = connection(0).map_err(failed)?;
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

/// Each contract must be one that this host speaks: the present version of its kind, or the one before it through an
/// adapter. Any other is never tried.
fn negotiate(manifest: Manifest) -> Result<Manifest, LoadError> {
    if !is_id(&manifest.id) {
        return Err(LoadError::Manifest(format!("{:?} is no id", manifest.id)));
    }
    if manifest.kinds.is_empty() {
        return Err(LoadError::Manifest("it fulfils no contract".to_owned()));
    }
    for (place, contract) in manifest.kinds.iter().enumerate() {
        if manifest.kinds.iter().take(place).any(|other| other.kind == contract.kind) {
            return Err(LoadError::Manifest(format!("it names the kind {} twice", contract.kind)));
        }
        if versions::spoken(contract).is_none() {
            return Err(unspoken(contract));
        }
    }
    Ok(manifest)
}

/// Which versions of the kind this host speaks, and what to do.
fn unspoken(contract: &ContractId) -> LoadError {
    let own = versions::present().find(|own| own.kind == contract.kind);
    let (host, advice) = match &own {
        None => (PRESENT.join(", "), "this release has no such kind"),
        Some(own) => {
            let former = FORMER.iter().filter(|former| former.contract.starts_with(&format!("{}/", own.kind)));
            let spoken: Vec<_> =
                std::iter::once(own.to_string()).chain(former.map(|f| f.contract.to_owned())).collect();
            let newer = own.version < contract.version;
            let advice = if newer {
                "use a release of the server that speaks it"
            } else {
                "rebuild the plugin with the SDK of this release"
            };
            (spoken.join(" and "), advice)
        }
    };
    LoadError::Contract { plugin: contract.to_string(), host, advice }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(kinds: &[&str]) -> Manifest {
        serde_json::from_value(json!({"id": "acme", "kinds": kinds})).unwrap()
    }

    #[test]
    fn a_contract_is_the_present_one_or_the_one_before_or_refused_with_what_to_do() {
        let refused = |kinds: &[&str]| negotiate(manifest(kinds)).unwrap_err().to_string();
        assert_eq!(
            refused(&["analytics/1", "video/3"]),
            "the plugin fulfils video/3, this host speaks video/2 and video/1: \
             use a release of the server that speaks it"
        );
        assert_eq!(
            refused(&["video/0"]),
            "the plugin fulfils video/0, this host speaks video/2 and video/1: \
             rebuild the plugin with the SDK of this release"
        );
        assert!(refused(&["analytics/2"]).contains("this host speaks analytics/1:"));
        for twice in [["video/2", "video/2"], ["video/2", "video/1"]] {
            assert!(refused(&twice).contains("names the kind video twice"), "{twice:?}");
        }
        assert!(refused(&["teleport/1"]).ends_with("this release has no such kind"));
        assert!(negotiate(manifest(&[])).is_err());
        for spoken in ["video/2", "video/1"] {
            assert!(negotiate(manifest(&[spoken])).is_ok(), "{spoken}");
        }
    }

    #[test]
    fn configuration_errors_name_key_and_reason() {
        let mut manifest = manifest(&["video/2"]);
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
