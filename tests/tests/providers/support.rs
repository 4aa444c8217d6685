//! A plugin host with one plugin, and requests of the core.

use consilium_kernel::{Clock as _, SystemClock};
use consilium_plugin_host::{
    CallError, Isolation, MemoryServices, PluginConfig, PluginHost, SecretSource, Settings,
    contract::{
        Bytes, HealthCheck, HealthStatus,
        video::{CreateRoom, Join, Participant, Role},
        webhook::{Read, Verify},
    },
};
use consilium_tests::artifacts;
use serde_json::Value;
use std::{collections::BTreeMap, fs, sync::Arc};
use tempfile::TempDir;

/// A name that must stay where the manifest lets it go.
pub const NAME: &str = "Ada Rahman";

/// A host and its one plugin.
pub struct Running {
    pub host: PluginHost,
    id: &'static str,
    _directory: TempDir,
}

/// Starts the library of this plugin in a child process.
pub async fn start(id: &'static str, config: Value, secrets: &[(&str, &str)]) -> Running {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings {
        cache_directory: directory.path().join("cache"),
        child_command: vec![artifacts::consilium().to_str().unwrap().to_owned(), "plugin-host".to_owned()],
        health_interval_ms: 600_000,
        // One test makes a call fail on purpose; the breaker is not what it looks at.
        breaker_window: 1_000,
        ..Settings::default()
    };
    let mut plugin = PluginConfig::new(id, artifacts::plugin(id));
    plugin.isolation = Isolation::Process;
    plugin.config = config.as_object().unwrap().clone();
    plugin.allow_private = true;
    plugin.egress = vec!["127.0.0.1".to_owned()];
    for (name, value) in secrets {
        let path = directory.path().join(name);
        fs::write(&path, value).unwrap();
        plugin.secrets.insert((*name).to_owned(), SecretSource::File(path));
    }
    let host = PluginHost::start(settings, vec![plugin], Arc::new(MemoryServices::default())).await.unwrap();
    assert_eq!(host.problems(), []);
    Running { host, id, _directory: directory }
}

impl Running {
    pub async fn call<C: consilium_plugin_host::contract::Call>(&self, call: C) -> Result<C::Reply, CallError> {
        self.host.call(self.id, call).await
    }

    /// The error of a call that must fail: its code, and whether it may be repeated.
    pub async fn error<C>(&self, call: C) -> (String, bool, String)
    where
        C: consilium_plugin_host::contract::Call,
        C::Reply: std::fmt::Debug,
    {
        let error = self.call(call).await.unwrap_err();
        (error.code().to_owned(), error.retryable(), error.to_string())
    }

    pub async fn health(&self) -> HealthStatus {
        self.call(HealthCheck {}).await.unwrap().status
    }
}

pub fn room(consultation: &str) -> CreateRoom {
    let now = SystemClock.now();
    CreateRoom {
        idempotency_key: consultation.to_owned(),
        consultation_id: consultation.to_owned(),
        starts_at: now,
        ends_at: now + std::time::Duration::from_secs(1800),
        facility_id: None,
        title: None,
        lobby: false,
        record: false,
    }
}

pub fn recorded(consultation: &str) -> CreateRoom {
    CreateRoom { record: true, ..room(consultation) }
}

pub fn join(room: &str, consultation: &str, role: Role) -> Join {
    Join {
        room: room.to_owned(),
        consultation_id: consultation.to_owned(),
        participant: Participant {
            id: format!("{role:?}-1").to_lowercase(),
            role,
            display_name: NAME.to_owned(),
            email: None,
            avatar_url: None,
        },
        expires_at: SystemClock.now() + std::time::Duration::from_secs(600),
    }
}

pub fn verify(headers: &[(&str, &str)], body: &[u8]) -> Verify {
    Verify {
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        query: None,
        body: Bytes(body.to_vec()),
        received_at: SystemClock.now(),
    }
}

pub fn read(delivery_id: &str, body: &[u8]) -> Read {
    Read {
        delivery_id: delivery_id.to_owned(),
        headers: BTreeMap::new(),
        body: Bytes(body.to_vec()),
        received_at: SystemClock.now(),
    }
}
