//! Jitsi Meet: the room is a name, the right to be in it a JSON Web Token.
//!
//! Claims follow Jitsi's published token documentation (lib-jitsi-meet, `doc/tokens.md`, and "JaaS
//! JWT" of the JaaS developer pages): `aud`, `iss`, `sub`, `room`, `exp`, `nbf`, `context.user` with
//! `moderator`, `context.features`, and `kid` in the header where Jitsi looks the key up by it.

mod token;

use consilium_plugin_sdk::{
    Host, Plugin, PluginError, Sensitive, VideoProvider,
    contract::video::{CreateRoom, EndRoom, Join, Participant, Role, Room, RoomEnded, VideoAccess},
    export_plugin,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use token::Signer;

/// Clocks of server and Jitsi may differ by this many seconds.
const LEEWAY_SECONDS: i64 = 30;

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the web application is: `https://meet.example.org`, or `https://8x8.vc` for JaaS.
    #[schemars(regex(pattern = r"^https?://[^/?#]+/?$"))]
    base_url: String,
    /// How tokens are signed: `HS256` with `app_secret`, or `RS256` with `private_key`.
    #[serde(default)]
    algorithm: Algorithm,
    /// Claim `iss`: the application's id (`app_id` in Prosody); `chat` for JaaS.
    app_id: String,
    /// Claim `aud`; `jitsi` for JaaS.
    #[serde(default = "jitsi")]
    audience: String,
    /// Claim `sub`: the tenant or XMPP domain, for JaaS the AppID `vpaas-magic-cookie-…`; `*` lets any.
    #[serde(default = "any")]
    subject: String,
    /// Name of the key in the token's header, where Jitsi has several; JaaS needs it.
    key_id: Option<String>,
    /// Put before the room in the address; for JaaS the AppID.
    tenant: Option<String>,
    /// How long a token lets somebody in, in seconds; whoever is in stays.
    #[serde(default = "one_hour")]
    #[schemars(range(min = 60, max = 86_400))]
    token_lifetime_seconds: u32,
    /// Lets the doctor record, where Jitsi can.
    #[serde(default)]
    recording: bool,
}

/// Signature algorithms that Jitsi accepts.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
enum Algorithm {
    /// HMAC with a shared secret.
    #[default]
    #[serde(rename = "HS256")]
    Hs256,
    /// RSA, Jitsi has only the public key.
    #[serde(rename = "RS256")]
    Rs256,
}

fn jitsi() -> String {
    "jitsi".to_owned()
}

fn any() -> String {
    "*".to_owned()
}

fn one_hour() -> u32 {
    3600
}

/// The plugin.
pub struct Jitsi {
    config: Config,
    signer: Signer,
}

impl Plugin for Jitsi {
    type Config = Config;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, PluginError> {
        let signer = match config.algorithm {
            Algorithm::Hs256 => Signer::hs256(host.secret("app_secret")?.expose()),
            Algorithm::Rs256 => Signer::rs256(host.secret("private_key")?.expose())?,
        };
        Ok(Self { config, signer })
    }
}

impl VideoProvider for Jitsi {
    fn create_room(&self, _: &Host<'_>, request: CreateRoom) -> Result<Room, PluginError> {
        // A Jitsi room exists while somebody is in it; only its name is agreed on beforehand.
        let name: String = request.consultation_id.chars().filter(char::is_ascii_alphanumeric).collect();
        if name.is_empty() {
            return Err(PluginError::permanent("room_invalid", "the consultation's id has no letter or digit"));
        }
        Ok(Room { room: format!("consultation{}", name.to_ascii_lowercase()) })
    }

    fn join(&self, host: &Host<'_>, request: Join) -> Result<VideoAccess, PluginError> {
        let now = host.now()?.as_second();
        let expiry = (now + i64::from(self.config.token_lifetime_seconds)).min(request.expires_at.as_second());
        if expiry <= now {
            return Err(PluginError::permanent("access_expired", "access would already be over"));
        }
        let claims = self.claims(&request, now, expiry);
        let token = self.signer.sign(self.config.key_id.as_deref(), &claims)?;
        let base = self.config.base_url.trim_end_matches('/');
        let tenant = self.config.tenant.as_ref().map(|tenant| format!("/{tenant}")).unwrap_or_default();
        let join_url = format!("{base}{tenant}/{}?jwt={token}", request.room);
        let expires_at = jiff_timestamp(expiry)?;
        Ok(VideoAccess {
            provider: "video-jitsi".to_owned(),
            room: request.room,
            join_url: Some(Sensitive::new(join_url)),
            token: Some(Sensitive::new(token)),
            ice_servers: Vec::new(),
            signalling: None,
            expires_at,
        })
    }

    fn end_room(&self, _: &Host<'_>, _: EndRoom) -> Result<RoomEnded, PluginError> {
        // Jitsi has no call for it; nobody gets another token, and present ones run out.
        Ok(RoomEnded { emptied: false })
    }
}

impl Jitsi {
    fn claims(&self, request: &Join, now: i64, expiry: i64) -> Value {
        let Participant { id, role, display_name, email, avatar_url } = &request.participant;
        let moderator = *role == Role::Doctor;
        let mut user = json!({"id": id, "name": display_name, "moderator": moderator});
        for (name, value) in [("email", email), ("avatar", avatar_url)] {
            if let (Some(value), Some(user)) = (value, user.as_object_mut()) {
                user.insert(name.to_owned(), json!(value));
            }
        }
        json!({
            "aud": self.config.audience,
            "iss": self.config.app_id,
            "sub": self.config.subject,
            "room": request.room,
            "nbf": now - LEEWAY_SECONDS,
            "exp": expiry,
            "context": {
                "user": user,
                "features": {
                    "screen-sharing": true,
                    "recording": moderator && self.config.recording,
                    "livestreaming": false,
                    "transcription": false,
                    "outbound-call": false,
                },
            },
        })
    }
}

fn jiff_timestamp(second: i64) -> Result<jiff::Timestamp, PluginError> {
    jiff::Timestamp::from_second(second).map_err(|e| PluginError::permanent("time", e.to_string()))
}

export_plugin!(Jitsi, kinds: [video], manifest: "../plugin.toml");

#[cfg(test)]
mod tests;
