//! What the operator configures.

use consilium_plugin_sdk::PluginError;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the web application is: `https://meet.example.org`. Needed without `jaas`.
    #[schemars(regex(pattern = r"^https?://[^/?#]+/?$"))]
    pub(crate) base_url: Option<String>,
    /// How tokens are signed: `HS256` with `app_secret`, or `RS256` with `private_key`.
    #[serde(default)]
    pub(crate) algorithm: Algorithm,
    /// Claim `iss`: the application's id (`app_id` in Prosody). Needed without `jaas`.
    pub(crate) app_id: Option<String>,
    /// Claim `aud`.
    #[serde(default = "jitsi")]
    pub(crate) audience: String,
    /// Claim `sub`: the tenant or XMPP domain, `*` lets any. The tenant unless given, `*` without one.
    pub(crate) subject: Option<String>,
    /// Name of the key in the token's header, where Jitsi has several.
    pub(crate) key_id: Option<String>,
    /// Put before the room in the address.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]+$"))]
    pub(crate) tenant: Option<String>,
    /// Jitsi as a Service: sets address, algorithm, issuer, audience, subject, tenant and key.
    pub(crate) jaas: Option<Jaas>,
    /// Facilities with a tenant or a server of their own, such as one in their region, by their ids.
    #[serde(default)]
    pub(crate) facilities: BTreeMap<String, Site>,
    /// How long a token lets somebody in, in seconds; whoever is in stays.
    #[serde(default = "one_hour")]
    #[schemars(range(min = 60, max = 86_400))]
    pub(crate) token_lifetime_seconds: u32,
    /// How far Jitsi's clock may be behind, in seconds: tokens begin that much earlier.
    #[serde(default = "half_a_minute")]
    #[schemars(range(max = 600))]
    pub(crate) not_before_leeway_seconds: u32,
    /// How far Jitsi's clock may be ahead, in seconds: tokens end that much later.
    #[serde(default)]
    #[schemars(range(max = 600))]
    pub(crate) expiry_leeway_seconds: u32,
    /// Which rooms a token opens.
    #[serde(default)]
    pub(crate) room_claim: RoomClaim,
    /// Every consultation has a lobby, also when nobody asks for one. Needs Prosody modules; see the
    /// plugin's page.
    #[serde(default)]
    pub(crate) lobby: bool,
    /// Lets the doctor record, where Jitsi can.
    #[serde(default)]
    pub(crate) recording: bool,
    /// Who may use which feature, by the names of `context.features`: `livestreaming`,
    /// `transcription`, `outbound-call`, `file-upload`, ….
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-z-]{1,40}$"}))]
    pub(crate) features: BTreeMap<String, Who>,
}

/// Jitsi as a Service by 8x8.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jaas {
    /// The AppID of the console.
    #[schemars(regex(pattern = r"^vpaas-magic-cookie-[0-9a-z]+$"))]
    pub(crate) app_id: String,
    /// The API key's id as the console shows it: `vpaas-magic-cookie-…/…`.
    #[schemars(regex(pattern = r"^vpaas-magic-cookie-[0-9a-z]+/[0-9A-Za-z]+(-SAMPLE_APP)?$"))]
    pub(crate) key_id: String,
}

/// A facility's own place.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its tenant.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]+$"))]
    pub(crate) tenant: Option<String>,
    /// Its server.
    #[schemars(regex(pattern = r"^https?://[^/?#]+/?$"))]
    pub(crate) base_url: Option<String>,
}

/// Signature algorithms that Jitsi accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Algorithm {
    /// HMAC with a shared secret.
    #[default]
    #[serde(rename = "HS256")]
    Hs256,
    /// RSA, Jitsi has only the public key.
    #[serde(rename = "RS256")]
    Rs256,
}

/// Claim `room`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomClaim {
    /// The consultation's room only.
    #[default]
    Own,
    /// `*`: every room of the tenant. For deployments that rename rooms.
    Any,
}

/// Who may use a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// All in the room.
    Everybody,
    /// The doctor, who moderates.
    Doctor,
    /// Nobody.
    Nobody,
}

impl Config {
    /// Fills in what `jaas` stands for, and finds what is missing without it.
    pub(crate) fn complete(mut self) -> Result<Self, PluginError> {
        let wrong = |what: &str| Err(PluginError::permanent("config_invalid", what.to_owned()));
        if let Some(jaas) = &self.jaas {
            if !jaas.key_id.starts_with(&format!("{}/", jaas.app_id)) {
                return wrong("jaas.key_id is of another AppID than jaas.app_id");
            }
            // "The Jitsi JSON Web Token (JWT)", https://developer.8x8.com/jaas/docs/api-keys-jwt: aud is
            // always jitsi, iss always chat, sub the AppID, kid the key's id.
            self.base_url.get_or_insert_with(|| "https://8x8.vc".to_owned());
            self.algorithm = Algorithm::Rs256;
            self.app_id = Some("chat".to_owned());
            "jitsi".clone_into(&mut self.audience);
            self.subject = Some(jaas.app_id.clone());
            self.tenant = Some(jaas.app_id.clone());
            self.key_id = Some(jaas.key_id.clone());
            if self.facilities.values().any(|site| site.tenant.is_some()) {
                return wrong("with jaas the tenant is the AppID: facilities cannot have their own");
            }
        }
        match (&self.base_url, &self.app_id) {
            (Some(_), Some(_)) => Ok(self),
            (None, _) => wrong("base_url is missing"),
            (_, None) => wrong("app_id is missing"),
        }
    }
}

fn jitsi() -> String {
    "jitsi".to_owned()
}

fn one_hour() -> u32 {
    3600
}

fn half_a_minute() -> u32 {
    30
}
