//! Google Meet: spaces in the name of a user of a Google Workspace, by a service account.
//!
//! Everybody opens the same link; Google lets in and moderates by the accounts people are signed in
//! with. So no name leaves for Google: people tell it theirs when they come in.

mod api;
mod config;
mod recording;
mod space;

pub use config::{Access, Config, Mode};

use api::Api;
use config::KeyFile;
use consilium_plugin_sdk::{
    Health, HealthStatus, Host, Plugin, PluginError, VideoProvider,
    contract::video::{CreateRoom, EndRoom, Join, Recordings, RecordingsListed, Room, RoomEnded, VideoAccess, Way},
    export_plugin,
};
use std::sync::{Mutex, PoisonError};

/// Google counts requests: health is asked of it at most this often.
const HEALTH_SECONDS: i64 = 60;

/// The plugin.
pub struct Meet {
    api: Api,
    config: Config,
    health: Mutex<Option<(i64, Health)>>,
}

impl Plugin for Meet {
    type Config = Config;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, PluginError> {
        let key = KeyFile::read(&host.secret("service_account")?)?;
        Ok(Self { api: Api::new(&config, &key)?, config, health: Mutex::new(None) })
    }

    fn health(&self, host: &Host<'_>) -> Result<Health, PluginError> {
        let now = host.now()?.as_second();
        let mut last = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, health)) = &*last
            && (now - at).abs() < HEALTH_SECONDS
            && health.status == HealthStatus::Ok
        {
            return Ok(health.clone());
        }
        let health = match self.api.reachable(host, self.meet_url()) {
            Ok(()) => Health::ok(),
            Err(error) => Health { status: HealthStatus::Down, detail: Some(error.to_string()) },
        };
        *last = Some((now, health.clone()));
        Ok(health)
    }
}

impl VideoProvider for Meet {
    fn create_room(&self, host: &Host<'_>, request: CreateRoom) -> Result<Room, PluginError> {
        Ok(Room { room: self.room_for(host, &request)?.space })
    }

    fn join(&self, host: &Host<'_>, request: Join) -> Result<VideoAccess, PluginError> {
        if request.expires_at <= host.now()? {
            return Err(PluginError::permanent("access_expired", "access would already be over"));
        }
        let missing = || PluginError::retryable("meet_answer_invalid", "the space has no link");
        let url = self.space(host, checked(&request.room)?)?.meeting_uri.ok_or_else(missing)?;
        Ok(VideoAccess { room: request.room, ways: vec![Way::Page { url }], expires_at: request.expires_at })
    }

    fn end_room(&self, host: &Host<'_>, request: EndRoom) -> Result<RoomEnded, PluginError> {
        Ok(RoomEnded { emptied: self.finish(host, checked(&request.room)?)? })
    }

    fn recordings(&self, host: &Host<'_>, request: Recordings) -> Result<RecordingsListed, PluginError> {
        self.recordings_of(host, checked(&request.room)?)
    }
}

/// What may stand in a URL's path as it is.
fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A space's id, which becomes part of a URL.
fn checked(room: &str) -> Result<&str, PluginError> {
    let wrong = || PluginError::permanent("room_unknown", "not a space that Meet gave");
    if is_id(room) { Ok(room) } else { Err(wrong()) }
}

export_plugin!(Meet, kinds: [video], manifest: "../plugin.toml");

#[cfg(test)]
mod tests;
