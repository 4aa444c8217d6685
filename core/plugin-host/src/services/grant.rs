//! What one plugin may do: each host call is checked here before it is carried out.

use super::{Arriving, HostServices, Secrets, denials::Denials, egress::Egress, fetch::Fetcher};
use crate::{
    PluginConfig, Settings,
    config::millis,
    trace::{self, Trace},
};
use consilium_plugin_contract::{
    Call, MAX_PAYLOAD, Manifest, PluginError,
    blob::{BlobAppend, BlobCreate, BlobDelete, BlobFinish, BlobRead, BlobStat, FetchToBlob},
    host::{
        Clock, ClockTime, Done, Emit, HttpFetch, KvDelete, KvDeleted, KvFound, KvGet, KvList, KvListed, KvPut,
        KvStored, KvWrite, Log, LogLevel, Secret, SecretValue,
    },
    video::Download,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 256 * 1024;
const MAX_LIST: u32 = 500;
const MAX_EVENT: usize = 64 * 1024;
const MAX_EVENTS_PER_SECOND: u32 = 50;

/// A plugin's permissions together with what carries them out.
pub(crate) struct Grant {
    pub(super) plugin: String,
    pub(super) manifest: Arc<Manifest>,
    pub(super) secrets: Secrets,
    fetcher: Result<Fetcher, String>,
    pub(super) services: Arc<dyn HostServices>,
    emitted: Mutex<(Instant, u32)>,
}

impl Grant {
    pub(crate) fn new(
        settings: &Settings,
        config: &PluginConfig,
        manifest: Arc<Manifest>,
        secrets: Secrets,
        services: Arc<dyn HostServices>,
    ) -> Self {
        let declared = &manifest.permissions.egress;
        let egress = Egress::new(declared, &config.egress, &config.config, config.allow_private);
        let window = millis(settings.egress_audit_window_ms);
        let denials = Denials::new(config.id.clone(), Arc::clone(&services), window);
        // Shorter than the call, so that the plugin can still say what happened.
        let timeout = millis(settings.call_timeout_ms) * 4 / 5;
        let fetcher = Fetcher::new(egress, denials, timeout, settings.http_body_limit);
        let emitted = Mutex::new((Instant::now(), 0));
        Self { plugin: config.id.clone(), manifest, secrets, fetcher, services, emitted }
    }

    /// Writes a line of the plugin, within a span that names the trace of its call.
    pub(crate) fn log(&self, call: u64, trace: Option<Trace>, level: LogLevel, message: &str) {
        let span = trace
            .map(|trace| tracing::error_span!("plugin_call", trace_id = trace.trace_id(), span_id = trace.span_id()));
        let line = || self.services.log(&self.plugin, call, level, message);
        span.map_or_else(line, |span| span.in_scope(line));
    }

    /// Serves one host call of the plugin.
    pub(crate) async fn serve(&self, call: u64, method: &str, request: &[u8]) -> Result<Vec<u8>, PluginError> {
        match method {
            HttpFetch::METHOD => {
                let request = parse::<HttpFetch>(request)?;
                let fetcher = self.fetcher()?;
                let answer = match fetcher.permits(&request) {
                    Ok(()) => match self.services.answer_http(&self.plugin, &request).await {
                        Some(answer) => answer,
                        None => fetcher.fetch(&self.secrets, request.clone()).await,
                    },
                    Err(refusal) => Err(refusal),
                };
                self.services.heard_http(&self.plugin, &request, &answer);
                reply::<HttpFetch>(&answer?)
            }
            Clock::METHOD => reply::<Clock>(&ClockTime { now: self.services.clock().now() }),
            Secret::METHOD => {
                let Secret { name } = parse(request)?;
                let value = self.secrets.readable(&self.manifest.secrets, &name)?;
                reply::<Secret>(&SecretValue { value })
            }
            Log::METHOD => {
                let Log { level, message } = parse(request)?;
                self.log(call, trace::current(), level, &message);
                reply::<Log>(&Done {})
            }
            Emit::METHOD => self.emit(parse(request)?).await,
            BlobCreate::METHOD
            | BlobAppend::METHOD
            | BlobFinish::METHOD
            | BlobStat::METHOD
            | BlobRead::METHOD
            | BlobDelete::METHOD
            | FetchToBlob::METHOD => self.serve_blob(method, request).await,
            KvGet::METHOD | KvPut::METHOD | KvDelete::METHOD | KvList::METHOD => self.serve_kv(method, request).await,
            _ => Err(PluginError::permanent("unknown_method", format!("the host has no {method:?}"))),
        }
    }

    /// Begins to fetch a file for the core, as if the plugin had asked.
    pub(crate) async fn arriving(&self, from: &Download) -> Result<Arriving, PluginError> {
        self.fetcher()?.download(&self.secrets, from).await
    }

    pub(super) fn fetcher(&self) -> Result<&Fetcher, PluginError> {
        self.fetcher.as_ref().map_err(|e| PluginError::retryable("http_unavailable", e.clone()))
    }

    async fn emit(&self, event: Emit) -> Result<Vec<u8>, PluginError> {
        let permanent = |code: &str, message: String| Err(PluginError::permanent(code, message));
        if !self.manifest.permissions.emit.contains(&event.event_type) {
            return permanent("emit_denied", format!("the manifest declares no event {:?}", event.event_type));
        }
        if event.data.to_string().len() > MAX_EVENT {
            return permanent("emit_too_large", format!("the data of an event has {MAX_EVENT} bytes at most"));
        }
        if !self.may_emit(Instant::now()) {
            let message = format!("more than {MAX_EVENTS_PER_SECOND} events in a second");
            return Err(PluginError::retryable("emit_busy", message));
        }
        self.services.emit(&self.plugin, event).await?;
        reply::<Emit>(&Done {})
    }

    fn may_emit(&self, now: Instant) -> bool {
        let mut emitted = self.emitted.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(emitted.0) >= Duration::from_secs(1) {
            *emitted = (now, 0);
        }
        emitted.1 = emitted.1.saturating_add(1);
        emitted.1 <= MAX_EVENTS_PER_SECOND
    }

    async fn serve_kv(&self, method: &str, request: &[u8]) -> Result<Vec<u8>, PluginError> {
        let Some(kv) = self.manifest.permissions.kv else {
            return Err(PluginError::permanent("kv_denied", "the manifest asks for no key-value store"));
        };
        let plugin = &self.plugin;
        match method {
            KvGet::METHOD => {
                let KvGet { key } = parse(request)?;
                let entry = self.services.kv_get(plugin, &check_key(key)?).await?;
                reply::<KvGet>(&KvFound { entry })
            }
            KvPut::METHOD => {
                let KvPut { key, value, expected } = parse(request)?;
                if value.to_string().len() > MAX_VALUE {
                    let message = format!("a value may have {MAX_VALUE} bytes");
                    return Err(PluginError::permanent("kv_too_large", message));
                }
                let write = KvWrite { key: check_key(key)?, value: Some(value), expected };
                let written = self.services.kv_write(plugin, write, kv.quota_bytes).await?;
                reply::<KvPut>(&KvStored { version: written.version })
            }
            KvDelete::METHOD => {
                let KvDelete { key, expected } = parse(request)?;
                let write = KvWrite { key: check_key(key)?, value: None, expected };
                let written = self.services.kv_write(plugin, write, kv.quota_bytes).await?;
                reply::<KvDelete>(&KvDeleted { existed: written.existed })
            }
            _ => {
                let list = parse::<KvList>(request)?;
                let list = KvList { limit: list.limit.min(MAX_LIST), ..list };
                let entries = self.services.kv_list(plugin, list).await?;
                reply::<KvList>(&KvListed { entries })
            }
        }
    }
}

fn check_key(key: String) -> Result<String, PluginError> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(PluginError::permanent("kv_key", format!("a key has 1 to {MAX_KEY} bytes")));
    }
    Ok(key)
}

pub(super) fn parse<C: Call>(request: &[u8]) -> Result<C, PluginError> {
    serde_json::from_slice(request).map_err(|e| PluginError::permanent("malformed", format!("{}: {e}", C::METHOD)))
}

pub(super) fn reply<C: Call>(reply: &C::Reply) -> Result<Vec<u8>, PluginError> {
    let bytes =
        serde_json::to_vec(reply).map_err(|e| PluginError::permanent("malformed", format!("{}: {e}", C::METHOD)))?;
    if bytes.len() > MAX_PAYLOAD {
        let message = format!("{}: {} bytes; ask for less at a time", C::METHOD, bytes.len());
        return Err(PluginError::permanent("answer_too_large", message));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryServices;
    use serde_json::json;

    fn grant(permissions: serde_json::Value) -> Grant {
        let manifest = json!({"id": "acme", "kinds": ["video/2"], "permissions": permissions});
        Grant::new(
            &Settings::default(),
            &PluginConfig::new("acme", "acme.so"),
            Arc::new(serde_json::from_value(manifest).unwrap()),
            Secrets::default(),
            Arc::new(MemoryServices::default()),
        )
    }

    async fn ask<C: Call>(grant: &Grant, request: C) -> Result<C::Reply, String> {
        let request = serde_json::to_vec(&request).unwrap();
        let reply = grant.serve(1, C::METHOD, &request).await.map_err(|e| e.code)?;
        Ok(serde_json::from_slice(&reply).unwrap())
    }

    fn put(key: &str, length: usize) -> KvPut {
        KvPut { key: key.to_owned(), value: json!("x".repeat(length)), expected: None }
    }

    #[tokio::test]
    async fn there_is_no_store_unless_the_manifest_asks_for_one() {
        assert_eq!(ask(&grant(json!({})), put("a", 1)).await.unwrap_err(), "kv_denied");
    }

    #[tokio::test]
    async fn keys_values_and_lists_are_bounded() {
        let grant = grant(json!({"kv": {"quota_bytes": 100_000_000}}));
        assert_eq!(ask(&grant, put("", 1)).await.unwrap_err(), "kv_key");
        assert_eq!(ask(&grant, put(&"k".repeat(257), 1)).await.unwrap_err(), "kv_key");
        assert_eq!(ask(&grant, put("a", MAX_VALUE)).await.unwrap_err(), "kv_too_large");
        for number in 0..20 {
            ask(&grant, put(&format!("a{number:02}"), MAX_VALUE - 2)).await.unwrap();
        }
        let list = |limit| KvList { prefix: "a".to_owned(), from: None, limit };
        assert_eq!(ask(&grant, list(20)).await.unwrap_err(), "answer_too_large");
        assert_eq!(ask(&grant, list(10)).await.unwrap().entries.len(), 10);
    }

    #[tokio::test]
    async fn what_the_host_does_not_do_is_refused() {
        let unknown = grant(json!({})).serve(1, "host.delete_everything", b"{}").await.unwrap_err();
        assert_eq!(unknown.code, "unknown_method");
        let malformed = grant(json!({})).serve(1, "host.http_fetch", b"{").await.unwrap_err();
        assert_eq!(malformed.code, "malformed");
    }
}
