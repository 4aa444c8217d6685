//! A minimal video provider: Acme Meet makes rooms by HTTP and lets in whoever has the link.

use consilium_plugin_sdk::contract::{Bytes, host::HttpFetch, video::*};
use consilium_plugin_sdk::{Host, Plugin, PluginError, VideoProvider, export_plugin};

/// What the operator configures.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Where Acme Meet is: `https://meet.example.org`.
    base_url: String,
}

struct Acme(Config);

impl Plugin for Acme {
    type Config = Config;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self(config))
    }
}

impl VideoProvider for Acme {
    fn create_room(&self, host: &Host<'_>, request: CreateRoom) -> Result<Room, PluginError> {
        self.send(host, "PUT", &request.consultation_id)?;
        Ok(Room { room: request.consultation_id })
    }

    fn join(&self, _: &Host<'_>, request: Join) -> Result<VideoAccess, PluginError> {
        let url = format!("{}/rooms/{}", self.0.base_url, request.room);
        Ok(VideoAccess::by_link(request.room, url, request.expires_at))
    }

    fn end_room(&self, host: &Host<'_>, request: EndRoom) -> Result<RoomEnded, PluginError> {
        self.send(host, "DELETE", &request.room)?;
        Ok(RoomEnded { emptied: true })
    }
}

impl Acme {
    fn send(&self, host: &Host<'_>, method: &str, room: &str) -> Result<(), PluginError> {
        let response = host.fetch(&HttpFetch {
            method: method.into(),
            url: format!("{}/api/rooms/{room}", self.0.base_url),
            headers: [("authorization".into(), "Bearer {{secret:api_key}}".into())].into(),
            body: Some(Bytes(b"{}".to_vec())),
            timeout_ms: None,
        })?;
        match response.status {
            200..=299 => Ok(()),
            status => Err(PluginError::retryable("acme_refused", format!("Acme answered {status}"))),
        }
    }
}

export_plugin!(Acme, kinds: [video], manifest: "plugin.toml");
