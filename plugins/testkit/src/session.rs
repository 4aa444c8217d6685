//! A plugin that runs, with the host services of the examination around it.

use crate::{ear::Ear, subject::Subject};
use async_trait::async_trait;
use consilium_plugin_host::{
    BlobStore, CallError, HostServices, Isolation, KvWritten, MemoryServices, PluginConfig, PluginHost, PluginInfo,
    PluginState, ReloadError, Settings,
    contract::{
        Call, Manifest, PluginError,
        host::{Emit, HttpFetch, HttpFetched, KvEntry, KvList, KvWrite, LogLevel},
        versions,
    },
};
use consilium_plugin_sdk::cassette::{Cassette, Player, Redactor};
use serde_json::Value;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Who answers a plugin's HTTP requests.
#[derive(Clone)]
pub(crate) enum Provider {
    /// A cassette, or the stub, which is one too.
    Cassette(Arc<Player>),
    /// Nobody, ever: the request hangs until its call is given up.
    Silence,
    /// The real provider; what it answers is recorded.
    Network(Arc<Recorder>),
}

impl Provider {
    pub(crate) fn playing(cassette: Cassette) -> Self {
        Self::Cassette(Arc::new(Player::new(cassette)))
    }
}

/// Fills a cassette.
pub(crate) struct Recorder {
    pub(crate) redactor: Redactor,
    pub(crate) cassette: Mutex<Cassette>,
}

/// Host services of one or several sessions, one after the other: the store stays.
pub(crate) struct Services {
    memory: MemoryServices,
    /// Times in requests are counted from here, so that a request that is repeated is the same.
    pub(crate) began: jiff::Timestamp,
    provider: Mutex<Provider>,
    ear: Arc<Ear>,
    requests: AtomicU64,
    denied: Mutex<Vec<String>>,
    missed: AtomicBool,
}

impl Services {
    pub(crate) fn new(provider: Provider, ear: Arc<Ear>) -> Arc<Self> {
        let memory = MemoryServices::default();
        Arc::new(Self {
            began: memory.clock().now(),
            memory,
            provider: Mutex::new(provider),
            ear,
            requests: AtomicU64::new(0),
            denied: Mutex::default(),
            missed: AtomicBool::new(false),
        })
    }

    /// HTTP requests so far, refused ones left out.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests that were refused for where they went.
    pub(crate) fn denied(&self) -> Vec<String> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the cassette had no answer to a request.
    pub(crate) fn missed(&self) -> bool {
        self.missed.load(Ordering::Relaxed)
    }

    /// Has another one answer from now on.
    pub(crate) fn provide(&self, provider: Provider) {
        *self.provider.lock().unwrap_or_else(PoisonError::into_inner) = provider;
    }

    fn provider(&self) -> Provider {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl HostServices for Services {
    fn clock(&self) -> &dyn consilium_plugin_host::Clock {
        self.memory.clock()
    }

    async fn kv_get(&self, plugin: &str, key: &str) -> Result<Option<KvEntry>, PluginError> {
        self.memory.kv_get(plugin, key).await
    }

    async fn kv_write(&self, plugin: &str, write: KvWrite, quota_bytes: u64) -> Result<KvWritten, PluginError> {
        self.memory.kv_write(plugin, write, quota_bytes).await
    }

    async fn kv_list(&self, plugin: &str, list: KvList) -> Result<Vec<KvEntry>, PluginError> {
        self.memory.kv_list(plugin, list).await
    }

    async fn audit(&self, plugin: &str, action: &str, detail: Value) {
        self.ear.hear("the audit log", detail.to_string().as_bytes());
        self.memory.audit(plugin, action, detail).await;
    }

    async fn emit(&self, plugin: &str, event: Emit) -> Result<(), PluginError> {
        self.ear.hear(&format!("the event {}", event.event_type), event.data.to_string().as_bytes());
        self.memory.emit(plugin, event).await
    }

    fn blobs(&self) -> Option<&dyn BlobStore> {
        self.memory.blobs()
    }

    fn hears_http(&self) -> bool {
        true
    }

    async fn answer_http(&self, _: &str, request: &HttpFetch) -> Option<Result<HttpFetched, PluginError>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match self.provider() {
            Provider::Network(_) => None,
            Provider::Silence => std::future::pending().await,
            Provider::Cassette(player) => {
                let played = player.play(request);
                tokio::time::sleep(played.delay).await;
                Some(played.answer)
            }
        }
    }

    fn heard_http(&self, _: &str, request: &HttpFetch, answer: &Result<HttpFetched, PluginError>) {
        self.ear.hear("the URL of a request", request.url.as_bytes());
        match (answer, self.provider()) {
            (Err(error), _) if error.code == "egress_denied" || error.code == "address_denied" => {
                let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
                denied.push(format!("{} {}: {}", request.method, request.url, error.message));
            }
            (Err(error), _) if error.code == "cassette_miss" => self.missed.store(true, Ordering::Relaxed),
            (Ok(response), Provider::Network(recorder)) => {
                let mut cassette = recorder.cassette.lock().unwrap_or_else(PoisonError::into_inner);
                cassette.record(&recorder.redactor, request, response);
            }
            _ => {}
        }
    }

    fn log(&self, _: &str, _: u64, _: LogLevel, message: &str) {
        self.ear.hear("a log line", message.as_bytes());
    }
}

/// Why a call did not go as it should.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(crate) method: &'static str,
    pub(crate) what: String,
    pub(crate) error: Option<CallError>,
}

impl Trouble {
    pub(crate) fn new(method: &'static str, what: impl Into<String>) -> Self {
        Self { method, what: what.into(), error: None }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.method, self.what)
    }
}

/// A running plugin.
pub(crate) struct Session {
    pub(crate) host: PluginHost,
    pub(crate) services: Arc<Services>,
    pub(crate) manifest: Manifest,
    id: String,
}

impl Session {
    /// Starts the plugin and waits until it runs, or says why it does not.
    pub(crate) async fn start(
        subject: &Subject,
        isolation: Isolation,
        services: &Arc<Services>,
        change: impl FnOnce(&mut Settings, &mut PluginConfig),
    ) -> Result<Self, String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (mut settings, mut plugin) = (subject.settings.clone(), subject.plugin.clone());
        plugin.isolation = isolation;
        change(&mut settings, &mut plugin);
        let shared: Arc<dyn HostServices> = services.clone();
        let host = PluginHost::start(settings, vec![plugin], shared).await.map_err(|e| e.to_string())?;
        if let Some(problem) = host.problems().first() {
            return Err(format!("{}: {}", problem.key, problem.reason));
        }
        let id = subject.plugin.id.clone();
        let session = Self { host, services: Arc::clone(services), manifest: subject.manifest.clone(), id };
        let info = session.info().await;
        match info {
            Some(info) if info.state == PluginState::Running => Ok(session),
            Some(info) => {
                let why = info.last_error.unwrap_or_else(|| format!("it is {:?}", info.state));
                session.services.ear.hear("an error of create", why.as_bytes());
                session.end().await;
                Err(why)
            }
            None => Err("the host lost it".to_owned()),
        }
    }

    /// Sends these bytes and answers what comes back.
    pub(crate) async fn send(&self, method: &'static str, request: Vec<u8>) -> Result<Vec<u8>, CallError> {
        let answer = self.host.call_raw(&self.id, method, request).await;
        match &answer {
            Ok(bytes) => self.services.ear.hear(&format!("the answer of {method}"), bytes),
            Err(error) => self.services.ear.hear(&format!("an error of {method}"), error.to_string().as_bytes()),
        }
        answer
    }

    /// A call as the core makes it, from its JSON. The answer must be what the contract says.
    pub(crate) async fn ask<C: Call>(&self, request: Value) -> Result<C::Reply, Trouble> {
        let request = self.request::<C>(request)?;
        let refused = |error: CallError| Trouble { method: C::METHOD, what: error.to_string(), error: Some(error) };
        let answer = self.send(C::METHOD, request).await.map_err(refused)?;
        versions::reply::<C>(versions::adapter(&self.manifest, C::kind()), &answer).map_err(|e| {
            let what = format!("the answer is not what the contract says: {e}");
            Trouble { method: C::METHOD, what: what.clone(), error: Some(CallError::InvalidAnswer(what)) }
        })
    }

    /// The bytes of a request, without what the manifest does not let the plugin see.
    pub(crate) fn request<C: Call>(&self, request: Value) -> Result<Vec<u8>, Trouble> {
        let kit = |e: serde_json::Error| Trouble::new(C::METHOD, format!("the kit's own request is wrong: {e}"));
        let mut request: C = serde_json::from_value(request).map_err(kit)?;
        request.restrict(&self.manifest.permissions);
        versions::request(versions::adapter(&self.manifest, C::kind()), &request).map_err(kit)
    }

    /// Commits the writes of an answer, as the core does.
    pub(crate) fn commit(&self, writes: &[KvWrite]) -> Result<(), PluginError> {
        let quota = self.manifest.permissions.kv.map_or(0, |kv| kv.quota_bytes);
        self.services.memory.commit(&self.id, writes, quota)
    }

    pub(crate) async fn info(&self) -> Option<PluginInfo> {
        self.host.list().await.into_iter().next()
    }

    /// Waits until the health check of the start is over, however it ended.
    pub(crate) async fn first_health(&self) {
        while self.info().await.is_some_and(|info| info.state == PluginState::Running && info.health.is_none()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Replaces the plugin by the same one while it serves.
    pub(crate) async fn swap(&self) -> Result<(), ReloadError> {
        self.host.reload(&self.id).await.map(drop)
    }

    /// Ends the plugin and answers how long that took.
    pub(crate) async fn end(&self) -> Duration {
        let began = Instant::now();
        self.host.shutdown().await;
        began.elapsed()
    }

    /// Resident memory of the plugin's process, in KiB.
    pub(crate) async fn resident_kib(&self) -> Option<u64> {
        let pid = self.info().await?.pid?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(field("VmRSS:")? + field("VmSwap:").unwrap_or_default())
    }
}
