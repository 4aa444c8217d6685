//! What the tests of the border share: where libraries are, short times, and waiting for a state.
#![allow(dead_code, reason = "each test uses a part")]

use consilium_plugin_host::{
    CallError, HostServices, Isolation, MemoryServices, PluginConfig, PluginHost, PluginInfo, PluginState, Settings,
    contract::video::{CreateRoom, Room},
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The library of a plugin crate. Cargo built it, because it is a dependency of these tests.
pub fn library(package: &str) -> PathBuf {
    let child = Path::new(env!("CARGO_BIN_EXE_consilium-plugin-child"));
    let name = format!("lib{}.so", package.replace('-', "_"));
    let path = child.parent().unwrap().join("deps").join(name);
    assert!(path.exists(), "{} is missing: is {package} a dev-dependency with crate type cdylib?", path.display());
    path
}

/// Settings with times short enough for tests, and a cache of their own.
pub fn settings(cache: &TempDir) -> Settings {
    Settings {
        cache_directory: cache.path().to_owned(),
        child_command: vec![env!("CARGO_BIN_EXE_consilium-plugin-child").to_owned()],
        call_timeout_ms: 1_000,
        cancel_grace_ms: 100,
        health_interval_ms: 60_000,
        drain_timeout_ms: 2_000,
        breaker_window: 1_000,
        restart_backoff_ms: 20,
        restart_backoff_max_ms: 50,
        max_crashes: 100,
        ..Settings::default()
    }
}

pub fn rogue(isolation: Isolation) -> PluginConfig {
    PluginConfig { isolation, ..PluginConfig::new("rogue", library("consilium-rogue")) }
}

pub fn config(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A host with one plugin.
pub async fn start(settings: Settings, plugin: PluginConfig) -> PluginHost {
    start_with(settings, plugin, Arc::new(MemoryServices::default())).await
}

pub async fn start_with(settings: Settings, plugin: PluginConfig, services: Arc<dyn HostServices>) -> PluginHost {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let host = PluginHost::start(settings, vec![plugin], services).await.unwrap();
    assert_eq!(host.problems(), []);
    host
}

/// Has the rogue do a deed.
pub async fn deed(host: &PluginHost, deed: &str) -> Result<String, CallError> {
    let request = CreateRoom {
        idempotency_key: "key".to_owned(),
        consultation_id: deed.to_owned(),
        starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
    };
    host.call("rogue", request).await.map(|Room { room }| room)
}

pub async fn info(host: &PluginHost) -> PluginInfo {
    host.list().await.into_iter().next().unwrap()
}

/// Waits until the only plugin is in this state.
pub async fn until(host: &PluginHost, state: PluginState) -> PluginInfo {
    let start = Instant::now();
    loop {
        let info = info(host).await;
        if info.state == state {
            return info;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "never {state:?}: {info:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
