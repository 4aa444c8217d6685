//! What the operator configures.

use consilium_plugin_sdk::{PluginError, Sensitive};
use schemars::JsonSchema;
use serde::Deserialize;

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The user in whose name rooms are made, by e-mail address. That user owns the rooms and lets
    /// people in.
    #[schemars(regex(pattern = r"^[^@\s]+@[^@\s]+$"))]
    pub(crate) subject: String,
    /// How rooms are made.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// Who comes in without being let in, unless a lobby is asked for; only in mode `space`.
    #[serde(default)]
    pub(crate) access: Access,
    /// The calendar that gets the events in mode `calendar`.
    #[serde(default = "primary")]
    #[schemars(length(min = 1, max = 256))]
    pub(crate) calendar_id: String,
    /// The token endpoint, also the audience of assertions.
    #[serde(default = "token_url")]
    #[schemars(regex(pattern = r"^https?://[^?#]+$"))]
    pub(crate) token_url: String,
    /// The Meet REST API.
    #[serde(default = "meet_url")]
    #[schemars(regex(pattern = r"^https?://[^?#]+$"))]
    pub(crate) meet_url: String,
    /// The Calendar API.
    #[serde(default = "calendar_url")]
    #[schemars(regex(pattern = r"^https?://[^?#]+$"))]
    pub(crate) calendar_url: String,
    /// The Drive API, from which recordings are downloaded.
    #[serde(default = "drive_url")]
    #[schemars(regex(pattern = r"^https?://[^?#]+$"))]
    pub(crate) drive_url: String,
}

/// How rooms are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// `spaces.create` of the Meet REST API.
    #[default]
    Space,
    /// `events.insert` of the Calendar API, so that consultations stand in a calendar.
    Calendar,
}

/// Who comes in without being let in (`AccessType` of `SpaceConfig`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Anybody with the link.
    Open,
    /// Members of the organisation and invited people; others knock.
    #[default]
    Trusted,
    /// Invited people; others knock.
    Restricted,
}

impl Access {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Trusted => "TRUSTED",
            Self::Restricted => "RESTRICTED",
        }
    }
}

/// What is used of a service account's key file.
#[derive(Deserialize)]
pub(crate) struct KeyFile {
    pub(crate) client_email: String,
    pub(crate) private_key: Sensitive,
    #[serde(default)]
    pub(crate) private_key_id: Option<String>,
}

impl KeyFile {
    pub(crate) fn read(text: &Sensitive) -> Result<Self, PluginError> {
        serde_json::from_str(text.expose()).map_err(|e| {
            let place = format!("line {}, column {}", e.line(), e.column());
            let message = format!("service_account is no JSON key of a service account ({place})");
            PluginError::permanent("service_account_invalid", message)
        })
    }
}

fn primary() -> String {
    "primary".to_owned()
}

fn token_url() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}

fn meet_url() -> String {
    "https://meet.googleapis.com/v2".to_owned()
}

fn calendar_url() -> String {
    "https://www.googleapis.com/calendar/v3".to_owned()
}

fn drive_url() -> String {
    "https://www.googleapis.com/drive/v3".to_owned()
}
