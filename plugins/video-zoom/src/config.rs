//! What the operator configures.

use schemars::JsonSchema;
use serde::Deserialize;

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Account ID of the server-to-server OAuth app.
    #[schemars(length(min = 1))]
    pub(crate) account_id: String,
    /// Client ID of the app.
    #[schemars(length(min = 1))]
    pub(crate) client_id: String,
    /// Zoom users who host, by e-mail address or user id. Each hosts one meeting at a time, so have
    /// as many as there are consultations at the same time.
    #[schemars(length(min = 1, max = 500), inner(length(min = 1, max = 128)))]
    pub(crate) host_users: Vec<String>,
    /// Everybody but the host waits until admitted, also when nobody asks for a lobby.
    #[serde(default = "yes")]
    pub(crate) waiting_room: bool,
    /// Registers each participant, so that everybody has a link of their own and webhooks say who
    /// came. Sends the participant's name to Zoom.
    pub(crate) registration: Option<Registration>,
    /// Zoom's API.
    #[serde(default = "api_url")]
    #[schemars(regex(pattern = r"^https?://[^?#]+$"))]
    pub(crate) api_url: String,
    /// Zoom's token endpoint.
    #[serde(default = "oauth_url")]
    #[schemars(regex(pattern = r"^https?://[^?#]+$"))]
    pub(crate) oauth_url: String,
}

/// Registration of participants.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Zoom wants an e-mail address of each registrant. They get one below this domain, made from
    /// an id, that nobody reads: `consultations.example.org`.
    #[schemars(regex(pattern = r"^[a-z0-9.-]+\.[a-z]{2,}$"))]
    pub(crate) email_domain: String,
}

fn yes() -> bool {
    true
}

fn api_url() -> String {
    "https://api.zoom.us/v2".to_owned()
}

fn oauth_url() -> String {
    "https://zoom.us/oauth/token".to_owned()
}
