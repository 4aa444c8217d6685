//! What the operator configures.

use schemars::JsonSchema;
use serde::Deserialize;

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where LiveKit's HTTP API is: `https://livekit.example.org` or `https://<project>.livekit.cloud`.
    #[schemars(regex(pattern = r"^https?://[^/?#]+/?$"))]
    pub(crate) server_url: String,
    /// Where browsers connect to: `wss://livekit.example.org`; made from `server_url` unless given.
    #[schemars(regex(pattern = r"^wss?://[^?#]+$"))]
    pub(crate) client_url: Option<String>,
    /// A page that takes `liveKitUrl` and `token` as query parameters, such as the `/custom` page of
    /// LiveKit Meet. Without it only clients with LiveKit's SDK have a way in.
    #[schemars(regex(pattern = r"^https?://[^?#]+$"))]
    pub(crate) join_page: Option<String>,
    /// The API key, claim `iss` of every token.
    #[schemars(length(min = 1))]
    pub(crate) api_key: String,
    /// How long a token lets somebody in, in seconds; whoever is in stays.
    #[serde(default = "one_hour")]
    #[schemars(range(min = 60, max = 86_400))]
    pub(crate) token_lifetime_seconds: u32,
    /// How long an empty room stays open when nobody has come yet, in seconds.
    #[serde(default = "ten_minutes")]
    #[schemars(range(min = 30, max = 86_400))]
    pub(crate) empty_timeout_seconds: u32,
    /// How long a room stays open after everybody has left, in seconds.
    #[serde(default = "two_minutes")]
    #[schemars(range(min = 10, max = 3_600))]
    pub(crate) departure_timeout_seconds: u32,
    /// At most this many people in a room.
    #[serde(default = "ten")]
    #[schemars(range(min = 2, max = 100))]
    pub(crate) max_participants: u32,
    /// How recordings are made when one is asked for; without it such a request is refused.
    pub(crate) recording: Option<Recording>,
}

/// Recordings by LiveKit's egress service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Template of the picture: `speaker`, `grid`, `single-speaker`.
    #[serde(default = "speaker")]
    #[schemars(regex(pattern = r"^[a-z0-9-]{1,64}$"))]
    pub(crate) layout: String,
    /// Sound only.
    #[serde(default)]
    pub(crate) audio_only: bool,
    /// Put before the file's name: `consultations/`.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[A-Za-z0-9/_.-]{0,128}$"))]
    pub(crate) prefix: String,
    /// The bucket they go to. Without it they go where the egress service is configured to put them,
    /// and are listed without download.
    pub(crate) s3: Option<S3>,
}

/// An S3 bucket.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// `https://s3.eu-central-1.amazonaws.com`, or another S3-compatible service.
    #[schemars(regex(pattern = r"^https?://[^/?#]+/?$"))]
    pub(crate) endpoint: String,
    /// `eu-central-1`.
    pub(crate) region: String,
    /// The bucket's name.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"))]
    pub(crate) bucket: String,
    /// The access key whose secret is `s3_secret`.
    pub(crate) access_key: String,
    /// How long a download link works, in seconds.
    #[serde(default = "ten_minutes")]
    #[schemars(range(min = 60, max = 604_800))]
    pub(crate) link_lifetime_seconds: u32,
}

fn one_hour() -> u32 {
    3600
}

fn ten_minutes() -> u32 {
    600
}

fn two_minutes() -> u32 {
    120
}

fn ten() -> u32 {
    10
}

fn speaker() -> String {
    "speaker".to_owned()
}
