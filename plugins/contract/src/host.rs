//! What a plugin may ask of the host while it serves a call.

use crate::{Bytes, Sensitive, calls};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Writes a line to the host's log under the plugin's id. No patient data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Log {
    /// How important.
    pub level: LogLevel,
    /// The line.
    pub message: String,
}

/// Log levels as `tracing` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Somebody should look.
    Error,
    /// Somebody may want to look.
    Warn,
    /// The normal course of things.
    Info,
    /// For developers.
    Debug,
}

/// An HTTP request made by the host, to a host on the allow-list. `{{secret:name}}` in a header or
/// the body is replaced by that secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HttpFetch {
    /// `GET`, `POST`, …
    pub method: String,
    /// Absolute.
    pub url: String,
    /// Request headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Request body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Bytes>,
    /// Shorter than the host's own limit, if wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// What came back, whatever the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HttpFetched {
    /// HTTP status code.
    pub status: u16,
    /// Names in lower case; repeated headers are joined by a comma.
    pub headers: BTreeMap<String, String>,
    /// At most 2 MiB.
    pub body: Bytes,
}

/// Reads a key of the plugin's own store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvGet {
    /// At most 256 bytes.
    pub key: String,
}

/// The entry, if there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvFound {
    /// None when the key is free.
    pub entry: Option<KvEntry>,
}

/// A key with its value and version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvEntry {
    /// The key.
    pub key: String,
    /// Any JSON, at most 256 KiB.
    pub value: Value,
    /// 1 when first written, then one more with every write.
    pub version: u64,
}

/// A change of one key, at once ([`KvPut`], [`KvDelete`]) or as part of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvWrite {
    /// The key.
    pub key: String,
    /// The new value; none deletes the key.
    pub value: Option<Value>,
    /// The version it must have now; 0: the key must be free; none: whatever it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// Writes a key; `kv_conflict` when the expected version is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvPut {
    /// The key.
    pub key: String,
    /// The new value.
    pub value: Value,
    /// As in [`KvWrite`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// The version after the write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvStored {
    /// To be expected by the next write.
    pub version: u64,
}

/// Lists keys in byte order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvList {
    /// Only keys that begin so.
    pub prefix: String,
    /// Only keys from this one on, itself included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// At most this many, and never more than 500.
    pub limit: u32,
}

/// A part of the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvListed {
    /// In byte order of their keys.
    pub entries: Vec<KvEntry>,
}

/// Frees a key; `kv_conflict` when the expected version is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvDelete {
    /// The key.
    pub key: String,
    /// As in [`KvWrite`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// The key is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvDeleted {
    /// False when it was free before.
    pub existed: bool,
}

/// Asks for the time, which a plugin must not take from anywhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Clock {}

/// The host's time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClockTime {
    /// UTC.
    pub now: Timestamp,
}

/// Asks for a secret that the manifest declares with `use = "read"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Secret {
    /// As in the manifest.
    pub name: String,
}

/// A secret's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecretValue {
    /// None when it is optional and not provided.
    pub value: Option<Sensitive>,
}

/// Tells the rest of the platform that something happened: a fact of type `plugin_event` with the
/// plugin's id, this type and this data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Emit {
    /// One of `permissions.emit`: past tense, lower snake case.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What happened, at most 64 KiB as JSON.
    pub data: Value,
    /// The patient or account that the data is about, a UUID: erasing that subject erases the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// No answer but success.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Done {}

calls!(
    Log => "host.log" -> Done,
    HttpFetch => "host.http_fetch" -> HttpFetched,
    KvGet => "host.kv_get" -> KvFound,
    KvPut => "host.kv_put" -> KvStored,
    KvList => "host.kv_list" -> KvListed,
    KvDelete => "host.kv_delete" -> KvDeleted,
    Clock => "host.clock" -> ClockTime,
    Secret => "host.secret" -> SecretValue,
    Emit => "host.emit" -> Done,
);
