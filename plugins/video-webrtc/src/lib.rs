//! Built-in video: media flows between the participants, the platform's WebSocket carries offers,
//! answers and candidates, and this plugin says who may do what and which STUN and TURN servers help.
//!
//! TURN credentials follow coturn's "TURN REST API" (coturn, README.turnserver, `use-auth-secret`):
//! the username is `<unix expiry>:<participant>`, the credential base64(HMAC-SHA1(secret, username)).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use consilium_plugin_sdk::{
    Health, HealthStatus, Host, Plugin, PluginError, Sensitive, VideoProvider,
    contract::video::{
        CreateRoom, EndRoom, IceServer, Join, Media, Participant, Role, Room, RoomEnded, Signalling, VideoAccess, Way,
    },
    export_plugin,
};
use ring::hmac;
use schemars::JsonSchema;
use serde::Deserialize;

const TURN_SECRET: &str = "turn_secret";

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// STUN servers, such as `stun:stun.example.org:3478`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^stuns?:.+")))]
    stun_urls: Vec<String>,
    /// TURN servers, such as `turns:turn.example.org:5349?transport=tcp`. They need `turn_secret`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^turns?:.+")))]
    turn_urls: Vec<String>,
    /// How long TURN credentials last, in seconds; a call that is up stays up.
    #[serde(default = "one_hour")]
    #[schemars(range(min = 60, max = 86_400))]
    turn_lifetime_seconds: u32,
}

fn one_hour() -> u32 {
    3600
}

/// The plugin.
pub struct WebRtc {
    config: Config,
    turn_key: Option<hmac::Key>,
}

impl Plugin for WebRtc {
    type Config = Config;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, PluginError> {
        let turn_key = if config.turn_urls.is_empty() {
            None
        } else {
            let secret = host.secret(TURN_SECRET)?;
            let algorithm = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
            Some(hmac::Key::new(algorithm, secret.expose().as_bytes()))
        };
        Ok(Self { config, turn_key })
    }

    fn health(&self, _: &Host<'_>) -> Result<Health, PluginError> {
        if self.turn_key.is_some() {
            return Ok(Health::ok());
        }
        Ok(Health {
            status: HealthStatus::Degraded,
            detail: Some("no TURN server: calls fail where a firewall blocks direct media".into()),
        })
    }
}

impl VideoProvider for WebRtc {
    fn create_room(&self, _: &Host<'_>, request: CreateRoom) -> Result<Room, PluginError> {
        Ok(Room { room: format!("consultation-{}", request.consultation_id) })
    }

    fn join(&self, host: &Host<'_>, request: Join) -> Result<VideoAccess, PluginError> {
        let now = host.now()?;
        if request.expires_at <= now {
            return Err(PluginError::permanent("access_expired", "access would already be over"));
        }
        let lifetime = jiff_seconds(self.config.turn_lifetime_seconds);
        let expiry = (now + lifetime).min(request.expires_at);
        Ok(VideoAccess {
            room: request.room,
            ways: vec![Way::Peers {
                ice_servers: self.ice_servers(&request.participant, expiry.as_second()),
                signalling: rights(request.participant.role),
            }],
            expires_at: expiry,
        })
    }

    fn end_room(&self, _: &Host<'_>, _: EndRoom) -> Result<RoomEnded, PluginError> {
        // The platform closes the signalling topic; media between two browsers is theirs to stop.
        Ok(RoomEnded { emptied: false })
    }
}

impl WebRtc {
    fn ice_servers(&self, participant: &Participant, expiry: i64) -> Vec<IceServer> {
        let mut servers = Vec::new();
        if !self.config.stun_urls.is_empty() {
            let urls = self.config.stun_urls.clone();
            servers.push(IceServer { urls, username: None, credential: None });
        }
        if let Some(key) = &self.turn_key {
            let username = format!("{expiry}:{}", participant.id);
            let credential = STANDARD.encode(hmac::sign(key, username.as_bytes()));
            servers.push(IceServer {
                urls: self.config.turn_urls.clone(),
                username: Some(username),
                credential: Some(Sensitive::new(credential)),
            });
        }
        servers
    }
}

/// Everybody may talk, show and share; only the doctor moderates.
fn rights(role: Role) -> Signalling {
    Signalling {
        exchange: true,
        publish: match role {
            Role::Interpreter => vec![Media::Audio, Media::Video],
            Role::Doctor | Role::Patient | Role::Clinician => {
                vec![Media::Audio, Media::Video, Media::Screen]
            }
        },
        moderate: role == Role::Doctor,
    }
}

fn jiff_seconds(seconds: u32) -> std::time::Duration {
    std::time::Duration::from_secs(seconds.into())
}

export_plugin!(WebRtc, kinds: [video], manifest: "../plugin.toml");

#[cfg(test)]
mod tests;
