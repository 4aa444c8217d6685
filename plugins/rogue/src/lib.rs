//! A plugin that does what plugins must not do, when it is told to. `create_room` takes the deed
//! from its consultation id; whatever it finds out, it answers as the room's name. Never shipped.

mod escape;
mod keeps;

use consilium_plugin_sdk::{
    Host, Plugin, PluginError, VideoProvider,
    contract::{
        Bytes, Health, HealthStatus,
        host::{HttpFetch, LogLevel},
        video::{CreateRoom, EndRoom, Join, Room, RoomEnded, VideoAccess},
    },
    export_plugin,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    hint::black_box,
    thread,
    time::{Duration, SystemTime},
};

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A deed for the moment of creation.
    at_create: Option<String>,
    /// The same, for the next version only.
    next_at_create: Option<String>,
    /// A deed for the health checks of the next version.
    next_at_health: Option<String>,
    /// Where it may connect to.
    peer: Option<String>,
}

/// This source is two crates, `rogue` and `rogue-next`.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const IS_NEXT: bool = matches!(VERSION.as_bytes(), b"0.2.0");

/// The plugin.
pub struct Rogue {
    peer: Option<String>,
    at_health: Option<String>,
    /// Tells this instance from every other.
    born: u128,
}

impl Plugin for Rogue {
    type Config = Config;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, PluginError> {
        let next = config.next_at_create.filter(|_| IS_NEXT);
        for deed in config.at_create.iter().chain(&next) {
            commit(deed, None, host)?;
        }
        let born = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        Ok(Self { peer: config.peer, at_health: config.next_at_health.filter(|_| IS_NEXT), born })
    }

    fn health(&self, host: &Host<'_>) -> Result<Health, PluginError> {
        match self.at_health.as_deref() {
            None => Ok(Health::ok()),
            Some("down") => Ok(Health { status: HealthStatus::Down, detail: Some("told to".to_owned()) }),
            Some(deed) => commit(deed, None, host).map(|_| Health::ok()),
        }
    }
}

impl VideoProvider for Rogue {
    fn create_room(&self, host: &Host<'_>, request: CreateRoom) -> Result<Room, PluginError> {
        let deed = request.consultation_id;
        if let Some(number) = deed.strip_prefix("once:") {
            host.kv_put(number, json!(self.born.to_string()), None)?;
            return Ok(Room { room: format!("{VERSION} {} {number}", self.born) });
        }
        let room = commit(&deed, self.peer.as_deref(), host)?;
        Ok(Room { room })
    }

    fn join(&self, _: &Host<'_>, _: Join) -> Result<VideoAccess, PluginError> {
        Err(PluginError::permanent("unsupported", "a rogue lets nobody in"))
    }

    fn end_room(&self, _: &Host<'_>, _: EndRoom) -> Result<RoomEnded, PluginError> {
        Ok(RoomEnded { emptied: true })
    }
}

/// Does the deed, named `deed` or `deed:argument`.
fn commit(deed: &str, peer: Option<&str>, host: &Host<'_>) -> Result<String, PluginError> {
    let (deed, argument) = deed.split_once(':').unwrap_or((deed, ""));
    match deed {
        "which" => Ok(VERSION.to_owned()),
        "panic" => panic!("told to"),
        "loop" => loop {
            black_box(());
        },
        "abort" => std::process::abort(),
        "exit" => std::process::exit(0),
        "segfault" => segfault(),
        "large-answer" => Ok("x".repeat(5 * 1024 * 1024)),
        "leak" => leak(),
        "refuse" => Err(PluginError::permanent("refused", "told to")),
        "fail" => Err(PluginError::retryable("provider_down", "told to")),
        "limit" => Err(PluginError::retryable("rate_limited", "told to").after(argument.parse().unwrap_or(1))),
        "sleep" => {
            thread::sleep(Duration::from_millis(argument.parse().unwrap_or(0)));
            Ok("awake".to_owned())
        }
        "wait-for-cancel" => {
            while !host.is_cancelled() {
                thread::sleep(Duration::from_millis(1));
            }
            Err(PluginError::retryable("cancelled", "noticed it"))
        }
        "environment" => Ok(json!(std::env::vars().collect::<BTreeMap<_, _>>()).to_string()),
        "secret" => Ok(host.secret(argument)?.expose().to_owned()),
        "fetch" => fetch(argument, None, host),
        "fetch-traced" => {
            let own = "00-11111111111111111111111111111111-2222222222222222-01";
            let headers = [("traceparent".to_owned(), own.to_owned())].into();
            let request =
                HttpFetch { method: "GET".to_owned(), url: argument.to_owned(), headers, body: None, timeout_ms: None };
            Ok(String::from_utf8_lossy(&host.fetch(&request)?.body.0).into_owned())
        }
        "fetch-with-secret" => fetch(&format!("{}{argument}", peer.unwrap_or_default()), Some("hidden"), host),
        "fetch-with-unknown-secret" => fetch(peer.unwrap_or_default(), Some("other"), host),
        "kv-race" => kv(host),
        "log" => {
            host.log(LogLevel::Info, argument);
            Ok("logged".to_owned())
        }
        "emit" | "emit-large" | "blob" | "download" => keeps::attempt(deed, argument, peer.unwrap_or_default(), host),
        _ => Ok(escape::attempt(deed, argument).unwrap_or_else(|| format!("room-{deed}"))),
    }
}

fn fetch(url: &str, secret: Option<&str>, host: &Host<'_>) -> Result<String, PluginError> {
    let secret = secret.map(|name| format!("{{{{secret:{name}}}}}"));
    let header = secret.iter().map(|value| ("authorization".to_owned(), format!("Bearer {value}")));
    let request = HttpFetch {
        method: if secret.is_some() { "POST" } else { "GET" }.to_owned(),
        url: url.to_owned(),
        headers: header.collect(),
        body: secret.as_ref().map(|value| Bytes(format!("key={value}").into_bytes())),
        timeout_ms: None,
    };
    let response = host.fetch(&request)?;
    Ok(format!("{} {}", response.status, String::from_utf8_lossy(&response.body.0)))
}

/// Goes through the store and answers the codes of what must fail.
fn kv(host: &Host<'_>) -> Result<String, PluginError> {
    let _ = host.kv_delete("a", None)?;
    let version = host.kv_put("a", json!(1), Some(0))?;
    let code = |result: Result<u64, PluginError>| result.map_or_else(|e| e.code, |version| version.to_string());
    let stale = code(host.kv_put("a", json!(2), Some(0)));
    let next = code(host.kv_put("a", json!(2), Some(version)));
    let large = code(host.kv_put("b", json!("x".repeat(2000)), None));
    let found = host.kv_get("a")?.map(|entry| entry.value);
    Ok(json!([stale, next, large, found]).to_string())
}

fn leak() -> Result<String, PluginError> {
    loop {
        let block = vec![1_u8; 16 * 1024 * 1024];
        black_box(Box::leak(block.into_boxed_slice()));
    }
}

#[allow(unsafe_code)]
fn segfault() -> Result<String, PluginError> {
    // SAFETY: none; that is the point.
    unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
    Ok(String::new())
}

export_plugin!(Rogue, kinds: [video], manifest: "../plugin.toml");
