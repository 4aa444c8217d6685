//! What a plugin may ask of the host. The core implements [`HostServices`]; this folder checks the
//! plugin's permissions before anything reaches it, and makes HTTP requests itself.

mod arriving;
mod blobs;
mod denials;
mod download;
mod egress;
mod fetch;
mod grant;
mod memory;
mod memory_blobs;
mod secrets;

pub use arriving::Arriving;
pub use blobs::BlobStore;
pub(crate) use grant::Grant;
pub use memory::{Audited, MemoryServices};
pub(crate) use secrets::Secrets;

use async_trait::async_trait;
use consilium_kernel::Clock;
use consilium_plugin_contract::{
    PluginError,
    host::{Emit, HttpFetch, HttpFetched, KvEntry, KvList, KvWrite, LogLevel},
};
use serde_json::Value;

/// What the host needs from whoever embeds it. `plugin` is the instance's id and names its store.
#[async_trait]
pub trait HostServices: Send + Sync + 'static {
    /// The clock that plugins see.
    fn clock(&self) -> &dyn Clock;

    /// Reads a key.
    ///
    /// # Errors
    /// `kv_unavailable` (retryable) when the store cannot be read.
    async fn kv_get(&self, plugin: &str, key: &str) -> Result<Option<KvEntry>, PluginError>;

    /// Changes a key if its version is the expected one. The store of a plugin holds at most
    /// `quota_bytes` of keys and values.
    ///
    /// # Errors
    /// `kv_conflict` (retryable) when the version is another, `kv_quota` when there is no room,
    /// `kv_unavailable` (retryable) when the store cannot be written.
    async fn kv_write(&self, plugin: &str, write: KvWrite, quota_bytes: u64) -> Result<KvWritten, PluginError>;

    /// Lists entries in byte order of their keys, as the request says.
    ///
    /// # Errors
    /// `kv_unavailable` (retryable) when the store cannot be read.
    async fn kv_list(&self, plugin: &str, list: KvList) -> Result<Vec<KvEntry>, PluginError>;

    /// Writes a line to the audit log in the server's own name: something that happened to a plugin or that it
    /// tried, such as `plugin_crashed`. `detail` is a JSON object of names and numbers, never patient text.
    /// Waits for the commit; what cannot be written is logged, because the thing has happened already.
    async fn audit(&self, plugin: &str, action: &str, detail: Value);

    /// Commits a fact of type `plugin_event` with the plugin's id, the event's type and its data.
    ///
    /// # Errors
    /// `emit_unavailable` (retryable) when it cannot be written, `emit_subject` when that is no id.
    async fn emit(&self, plugin: &str, event: Emit) -> Result<(), PluginError> {
        let _ = (plugin, event);
        Err(PluginError::permanent("emit_unavailable", "this host takes no events"))
    }

    /// Where blobs are kept; none where there are none.
    fn blobs(&self) -> Option<&dyn BlobStore> {
        None
    }

    /// Answers a permitted HTTP request in place of the network, as conformance tests do. The
    /// request still has its `{{secret:…}}` placeholders. None: the network answers.
    async fn answer_http(&self, plugin: &str, request: &HttpFetch) -> Option<Result<HttpFetched, PluginError>> {
        let _ = (plugin, request);
        None
    }

    /// Hears what came of every HTTP request, refused ones too; secrets are out of the answer.
    fn heard_http(&self, plugin: &str, request: &HttpFetch, answer: &Result<HttpFetched, PluginError>) {
        let _ = (plugin, request, answer);
    }

    /// Whether [`HostServices::heard_http`] listens. If it does, what is downloaded is read once more to be told.
    fn hears_http(&self) -> bool {
        false
    }

    /// Takes a log line; by default it goes to `tracing` with the plugin and call it came from.
    fn log(&self, plugin: &str, call_id: u64, level: LogLevel, message: &str) {
        match level {
            LogLevel::Error => tracing::error!(plugin, call_id, "{message}"),
            LogLevel::Warn => tracing::warn!(plugin, call_id, "{message}"),
            LogLevel::Info => tracing::info!(plugin, call_id, "{message}"),
            LogLevel::Debug => tracing::debug!(plugin, call_id, "{message}"),
        }
    }
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvWritten {
    /// Whether the key was taken before.
    pub existed: bool,
    /// The version now; 0 after a deletion.
    pub version: u64,
}
