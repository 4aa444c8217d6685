//! What the tests of the border share: where libraries are, short times, and waiting for a state.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use consilium_plugin_host::{
    CallError, HostServices, Isolation, MemoryServices, PluginConfig, PluginHost, PluginInfo, PluginState, Settings,
    contract::video::{CreateRoom, Room},
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The library of a plugin by its id. Cargo built it, because it is a dependency of these tests.
pub fn library(id: &str) -> PathBuf {
    let child = Path::new(env!("CARGO_BIN_EXE_consilium-plugin-child"));
    let name = format!("lib{}.so", id.replace('-', "_"));
    let path = child.parent().unwrap().join("deps").join(name);
    assert!(path.exists(), "{} is missing: is plugin {id} a dev-dependency with crate type cdylib?", path.display());
    path
}

/// Settings with times short enough for tests, and a cache of their own.
pub fn settings(cache: &TempDir) -> Settings {
    Settings {
        cache_directory: cache.path().to_owned(),
        child_command: vec![env!("CARGO_BIN_EXE_consilium-plugin-child").to_owned()],
        call_timeout_ms: 3_000,
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
    PluginConfig { isolation, ..PluginConfig::new("rogue", library("rogue")) }
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
    deed_of(host, "rogue", deed).await
}

/// Has one of several rogues do a deed.
pub async fn deed_of(host: &PluginHost, id: &str, deed: &str) -> Result<String, CallError> {
    let request = CreateRoom {
        idempotency_key: "key".to_owned(),
        consultation_id: deed.to_owned(),
        starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        facility_id: None,
        title: None,
        lobby: false,
        record: false,
    };
    host.call(id, request).await.map(|Room { room }| room)
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

/// A request as it came in.
pub struct HttpRequest {
    pub text: String,
}

impl HttpRequest {
    pub fn method(&self) -> &str {
        self.text.split(' ').next().unwrap()
    }

    pub fn path(&self) -> &str {
        self.text.split(' ').nth(1).unwrap()
    }

    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").unwrap().1
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A response in full; `headers` end with a line break each.
pub fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// A server on the loopback; where the handler answers nothing, so does the server.
pub async fn http<H>(handler: H) -> SocketAddr
where
    H: Fn(&HttpRequest, SocketAddr) -> Option<String> + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = Arc::new(handler);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let handler = Arc::clone(&handler);
            tokio::spawn(async move {
                let request = read_request(&mut stream).await;
                match handler(&request, address) {
                    Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                    None => tokio::time::sleep(Duration::from_secs(60)).await,
                }
            });
        }
    });
    address
}

async fn read_request(stream: &mut TcpStream) -> HttpRequest {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..read]);
        let request = HttpRequest { text: String::from_utf8_lossy(&bytes).into_owned() };
        let complete = request.text.contains("\r\n\r\n")
            && request.body().len() >= request.header("content-length").map_or(0, |length| length.parse().unwrap());
        if complete || read == 0 {
            return request;
        }
    }
}
