//! Acme Video makes rooms by HTTP and lets in whoever has the link.

use consilium_plugin_sdk::contract::{host::HttpFetch, video::*};
use consilium_plugin_sdk::{Host, Plugin, PluginError, VideoProvider, export_plugin};

/// What the operator configures.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the provider is, without a slash at the end.
    #[schemars(example = "https://meet.example.org")]
    pub base_url: String,
}

/// The plugin.
pub struct AcmeVideo(Config);

impl Plugin for AcmeVideo {
    type Config = Config;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self(config))
    }
}

impl VideoProvider for AcmeVideo {
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

impl AcmeVideo {
    fn send(&self, host: &Host<'_>, method: &str, room: &str) -> Result<(), PluginError> {
        let url = format!("{}/api/rooms/{room}", self.0.base_url);
        let headers = [("authorization".into(), "Bearer {{secret:api_key}}".into())].into();
        let request = HttpFetch { method: method.into(), url, headers, body: None, timeout_ms: None };
        match host.fetch(&request)?.status {
            200..=299 => Ok(()),
            404 if method == "DELETE" => Ok(()),
            status @ (429 | 500..) => Err(PluginError::retryable("provider_failing", status.to_string())),
            status => Err(PluginError::permanent("provider_refused", status.to_string())),
        }
    }
}

export_plugin!(AcmeVideo, kinds: [video], manifest: "../plugin.toml");
