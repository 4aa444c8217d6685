//! LiveKit: rooms and recordings over its server API, access by tokens, news by signed webhooks.
//!
//! The API is Twirp (<https://twitchtv.github.io/twirp/docs/spec_v7.html>): `POST
//! /twirp/livekit.RoomService/CreateRoom` with a JSON body, described by `livekit_room.proto`,
//! `livekit_egress.proto` and `livekit_webhook.proto` of <https://github.com/livekit/protocol>.

mod api;
mod config;
mod presign;
mod recording;
mod token;
mod webhook;

pub use config::{Config, Recording, S3};

use api::Api;
use consilium_plugin_sdk::{
    Health, HealthStatus, Host, Plugin, PluginError, Sensitive, VideoProvider,
    contract::video::{CreateRoom, EndRoom, Join, Recordings, RecordingsListed, Room, RoomEnded, VideoAccess, Way},
    export_plugin,
};
use consilium_provider::http::encode;
use jiff::Timestamp;
use serde_json::json;

/// The plugin.
pub struct LiveKit {
    api: Api,
    client_url: String,
    s3_secret: Option<Sensitive>,
    api_secret: Sensitive,
    config: Config,
}

impl Plugin for LiveKit {
    type Config = Config;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, PluginError> {
        let api_secret = host.secret("api_secret")?;
        let s3 = config.recording.as_ref().and_then(|recording| recording.s3.as_ref());
        let s3_secret = s3.map(|_| host.secret("s3_secret")).transpose()?;
        let api = Api::new(&config.server_url, &config.api_key, api_secret.expose());
        // http becomes ws, https becomes wss.
        let made = || config.server_url.trim_end_matches('/').replacen("http", "ws", 1);
        let client_url = config.client_url.clone().unwrap_or_else(made);
        Ok(Self { api, client_url, s3_secret, api_secret, config })
    }

    fn health(&self, host: &Host<'_>) -> Result<Health, PluginError> {
        Ok(match self.api.reachable(host) {
            Ok(()) => Health::ok(),
            Err(error) => Health { status: HealthStatus::Down, detail: Some(error.to_string()) },
        })
    }
}

impl VideoProvider for LiveKit {
    fn create_room(&self, host: &Host<'_>, request: CreateRoom) -> Result<Room, PluginError> {
        let name: String =
            request.consultation_id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(128).collect();
        if name.is_empty() {
            return Err(PluginError::permanent("room_invalid", "the consultation's id has no letter or digit"));
        }
        let room = format!("consultation-{name}");
        // CreateRoom of a room that exists answers that room, so it may be repeated.
        let mut body = json!({
            "name": room,
            "empty_timeout": self.config.empty_timeout_seconds,
            "departure_timeout": self.config.departure_timeout_seconds,
            "max_participants": self.config.max_participants,
        });
        if !request.record {
            self.api.create_room(host, &body)?;
            return Ok(Room { room });
        }
        // Recording begins with the room: "egress" of CreateRoomRequest starts when the room is new.
        let egress = self.egress_request(&room)?;
        if let Some(body) = body.as_object_mut() {
            body.insert("egress".to_owned(), json!({"room": egress}));
        }
        let known_since = self.api.create_room(host, &body)?.creation_time;
        let new = known_since >= host.now()?.as_second() - 10;
        if !new && self.api.egresses(host, &room, true)?.is_empty() {
            self.api.start_room_egress(host, &egress)?;
        }
        Ok(Room { room })
    }

    fn join(&self, host: &Host<'_>, request: Join) -> Result<VideoAccess, PluginError> {
        let now = host.now()?.as_second();
        let expiry = (now + i64::from(self.config.token_lifetime_seconds)).min(request.expires_at.as_second());
        if expiry <= now {
            return Err(PluginError::permanent("access_expired", "access would already be over"));
        }
        let claims = token::participant(&self.config.api_key, &request.room, &request.participant, now, expiry);
        let token = self.api.sign(&claims)?;
        let page = self.config.join_page.as_ref().map(|page| {
            let url = format!("{page}?liveKitUrl={}&token={token}", encode(&self.client_url));
            Way::Page { url: Sensitive::new(url) }
        });
        let sdk = Way::Sdk { token: Sensitive::new(&token), server_url: Some(self.client_url.clone()) };
        Ok(VideoAccess {
            room: request.room,
            ways: page.into_iter().chain([sdk]).collect(),
            expires_at: Timestamp::from_second(expiry).map_err(|e| PluginError::permanent("time", e.to_string()))?,
        })
    }

    fn end_room(&self, host: &Host<'_>, request: EndRoom) -> Result<RoomEnded, PluginError> {
        match self.api.empty_and_delete(host, &request.room) {
            Err(gone) if gone.code == "livekit_not_found" => Ok(RoomEnded { emptied: true }),
            other => other.map(|()| RoomEnded { emptied: true }),
        }
    }

    fn recordings(&self, host: &Host<'_>, request: Recordings) -> Result<RecordingsListed, PluginError> {
        if self.config.recording.is_none() {
            return Err(PluginError::not_supported("video.recordings"));
        }
        let now = host.now()?;
        let mut recordings = Vec::new();
        for egress in self.api.egresses(host, &request.room, false)? {
            recordings.extend(self.recordings_of(&egress, now)?);
        }
        recordings.sort_by_key(|recording| recording.started_at);
        Ok(RecordingsListed { recordings })
    }
}

export_plugin!(LiveKit, kinds: [video, webhook], manifest: "../plugin.toml");

#[cfg(test)]
mod tests;
