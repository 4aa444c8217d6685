//! The plugins of the configuration, started.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use consilium_plugin_host::{HostServices, PluginConfig, PluginHost, SecretSource, Settings};

use crate::config::{Config, Isolation, Plugin};

/// Starts every configured plugin. One that cannot start is reported and does not keep the server from starting.
pub async fn start(config: &Config, services: Arc<dyn HostServices>) -> anyhow::Result<PluginHost> {
    let host = PluginHost::start(settings(config), configured(config), services).await?;
    for problem in host.problems() {
        tracing::error!(%problem, "a plugin was not started");
    }
    Ok(host)
}

/// Limits of all plugins.
pub fn settings(config: &Config) -> Settings {
    Settings {
        cache_directory: cache(config),
        child_command: config.plugins.child_command.clone(),
        call_timeout_ms: config.plugins.call_seconds * 1_000,
        ..Settings::default()
    }
}

/// The configured plugins.
pub fn configured(config: &Config) -> Vec<PluginConfig> {
    config.plugins.r#use.iter().map(|(id, plugin)| one(config, id, plugin)).collect()
}

fn one(config: &Config, id: &str, plugin: &Plugin) -> PluginConfig {
    let file = match plugin.library.as_str() {
        "" => format!("{id}.so"),
        named => named.to_owned(),
    };
    let mut configured = PluginConfig::new(id, Path::new(&config.plugins.directory).join(file));
    configured.isolation = match plugin.isolation {
        Isolation::Process => consilium_plugin_host::Isolation::Process,
        Isolation::InProcess => consilium_plugin_host::Isolation::InProcess,
    };
    configured.config = plugin.config.clone().into_iter().collect();
    configured.egress = plugin.allow_hosts.clone();
    configured.allow_private = plugin.allow_private_addresses;
    configured.memory_mib = Some(plugin.memory_mib);
    configured.secrets =
        plugin.secret_files.iter().map(|(name, path)| (name.clone(), SecretSource::File(path.into()))).collect();
    configured
}

/// Where copies of the libraries are kept: as set, else beside the SQLite file, else beside the libraries.
fn cache(config: &Config) -> PathBuf {
    folder(config, &config.plugins.cache_directory, "plugin-cache", ".cache")
}

/// Where their blobs are kept, in the same way.
pub fn blobs(config: &Config) -> PathBuf {
    folder(config, &config.plugins.blob_directory, "plugin-blobs", ".blobs")
}

fn folder(config: &Config, set: &str, beside: &str, within: &str) -> PathBuf {
    match (set, config.database.url.strip_prefix("sqlite://")) {
        ("", Some(file)) => Path::new(file).with_file_name(beside),
        ("", None) => Path::new(&config.plugins.directory).join(within),
        (set, _) => PathBuf::from(set),
    }
}
