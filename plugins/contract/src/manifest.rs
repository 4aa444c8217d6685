//! What a plugin says about itself before any of its code is trusted with a call.

use crate::Feature;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use std::{fmt, str::FromStr};

/// Embedded in the library as JSON, written by its author in `plugin.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Manifest {
    /// Lower case words joined by dashes: `video-jitsi`.
    pub id: String,
    /// Semantic version of the plugin.
    #[serde(default)]
    pub version: String,
    /// SPDX expression.
    #[serde(default)]
    pub licence: String,
    /// One line for people who choose plugins.
    #[serde(default)]
    pub description: String,
    /// The contracts it fulfils, such as `video/1`.
    pub kinds: Vec<ContractId>,
    /// JSON Schema of its configuration.
    #[serde(default)]
    pub config_schema: Value,
    /// Secrets that the operator must or may provide.
    #[serde(default)]
    pub secrets: Vec<SecretSpec>,
    /// What it may do through the host; nothing that is not named.
    #[serde(default)]
    pub permissions: Permissions,
    /// The provider webhooks it understands.
    #[serde(default)]
    pub webhooks: Vec<WebhookSpec>,
    /// Methods that may be repeated without asking.
    #[serde(default)]
    pub idempotent: Vec<String>,
    /// Parts of the host that it cannot do without; one that lacks any refuses the plugin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Feature>,
    /// True when the operator must not run it inside the server's process.
    #[serde(default)]
    pub requires_process_isolation: bool,
}

/// Access to host services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Permissions {
    /// Hosts that `http_fetch` may reach: `api.example.org`, `*.example.org`, or `config:/pointer`,
    /// the host of the URL that the operator configured at that JSON pointer.
    #[serde(default)]
    pub egress: Vec<String>,
    /// Event types it may be shown.
    #[serde(default)]
    pub events: Vec<String>,
    /// Patient fields it may be shown: `name`, `birth_date`, `gender`, `email`, `phone`, `diagnosis`.
    #[serde(default)]
    pub patient_fields: Vec<String>,
    /// Its key-value store; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv: Option<KvPermission>,
    /// Types of the events it may emit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emit: Vec<String>,
    /// Its blobs; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobPermission>,
}

/// Size of a plugin's blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobPermission {
    /// All blobs together, as they are stored, in bytes.
    pub quota_bytes: u64,
}

impl Permissions {
    /// Empties a field of a patient that the manifest does not ask for.
    pub fn keep<T>(&self, name: &str, field: &mut Option<T>) {
        field.take_if(|_| !self.patient_fields.iter().any(|allowed| allowed == name));
    }
}

/// Size of a plugin's key-value store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KvPermission {
    /// Keys and values together, in bytes.
    pub quota_bytes: u64,
}

/// A secret by name; the value comes from the operator's file or environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecretSpec {
    /// The name used with `host.secret` or in `{{secret:name}}`.
    pub name: String,
    /// What it is for, shown to operators.
    #[serde(default)]
    pub description: String,
    /// Whether the plugin gets to see it.
    #[serde(default, rename = "use")]
    pub usage: SecretUse,
    /// True when the plugin cannot start without it.
    #[serde(default)]
    pub required: bool,
}

/// Who handles a secret's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SecretUse {
    /// Only the host, which puts it into outgoing requests.
    #[default]
    Inject,
    /// The plugin reads it, because it signs or derives something with it.
    Read,
}

/// A webhook that the plugin verifies and parses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookSpec {
    /// The method the host calls with the request, such as `webhook.verify`.
    pub method: String,
    /// How it is authenticated, in words for operators: `hmac-sha256`.
    pub verification: String,
    /// Requests signed longer ago than this many seconds are refused.
    pub replay_window_seconds: u32,
}

/// A plugin kind with the version of its contract, written `video/1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContractId {
    /// `video`, `pharmacy`, `analytics`.
    pub kind: String,
    /// Both sides must have the same.
    pub version: u16,
}

/// Text that is not `kind/version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractIdError(String);

impl fmt::Display for ContractIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a contract such as \"video/1\"", self.0)
    }
}

impl std::error::Error for ContractIdError {}

impl fmt::Display for ContractId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.version)
    }
}

impl FromStr for ContractId {
    type Err = ContractIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ContractIdError(text.to_owned());
        let (kind, version) = text.split_once('/').ok_or_else(wrong)?;
        if kind.is_empty() || !kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return Err(wrong());
        }
        Ok(Self { kind: kind.to_owned(), version: version.parse().map_err(|_| wrong())? })
    }
}

impl Serialize for ContractId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContractId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ContractId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ContractId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A plugin kind with the version of its contract: `video/1`.",
            "type": "string",
            "pattern": "^[a-z_]+/[0-9]+$",
        })
    }
}
