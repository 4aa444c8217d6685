//! Zoom: meetings over its REST API, news by signed webhooks, cloud recordings.

mod api;
mod config;
mod hosts;
mod meeting;
mod recording;
mod webhook;

pub use config::{Config, Registration};

use api::Api;
use consilium_plugin_sdk::{
    Health, HealthStatus, Host, Plugin, PluginError, Sensitive, VideoProvider,
    contract::video::{
        CreateRoom, EndRoom, Join, Recordings, RecordingsListed, Role, Room, RoomEnded, VideoAccess, Way,
    },
    export_plugin,
};
use consilium_provider::rooms;
use meeting::Meeting;
use ring::hmac;
use std::sync::{Mutex, PoisonError};

/// A host's `start_url` works for two hours ("Meetings", `start_url`,
/// <https://developers.zoom.us/docs/api/meetings/>), so it is fetched at every join.
const START_URL_SECONDS: i64 = 7_200;
/// Zoom counts requests per day: health is asked of it at most this often.
const HEALTH_SECONDS: i64 = 60;

/// The plugin.
pub struct Zoom {
    config: Config,
    api: Api,
    password_key: hmac::Key,
    webhook_secret: Option<Sensitive>,
    health: Mutex<Option<(i64, Health)>>,
}

impl Plugin for Zoom {
    type Config = Config;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, PluginError> {
        let client_secret = host.secret("client_secret")?;
        Ok(Self {
            api: Api::new(&config, &client_secret),
            password_key: hmac::Key::new(hmac::HMAC_SHA256, client_secret.expose().as_bytes()),
            webhook_secret: host.optional_secret("webhook_secret")?,
            health: Mutex::new(None),
            config,
        })
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
        let user = self.config.host_users.first().map_or("me", String::as_str);
        let health = match self.api.user_exists(host, user) {
            Ok(()) => Health::ok(),
            Err(error) => Health { status: HealthStatus::Down, detail: Some(error.to_string()) },
        };
        *last = Some((now, health.clone()));
        Ok(health)
    }
}

impl VideoProvider for Zoom {
    fn create_room(&self, host: &Host<'_>, request: CreateRoom) -> Result<Room, PluginError> {
        Ok(Room { room: self.meeting_for(host, &request)?.id })
    }

    fn join(&self, host: &Host<'_>, request: Join) -> Result<VideoAccess, PluginError> {
        let now = host.now()?;
        if request.expires_at <= now {
            return Err(PluginError::permanent("access_expired", "access would already be over"));
        }
        let meeting = checked(&request.room)?;
        let own = self.config.registration.as_ref().filter(|_| request.participant.role != Role::Doctor);
        let (join_url, expires_at) = match own {
            Some(registration) => {
                let domain = &registration.email_domain;
                (Some(self.registered(host, meeting, &request.participant, domain)?), request.expires_at)
            }
            None => {
                let found: Meeting = match self.api.get(host, &format!("/meetings/{meeting}")) {
                    Err(gone) if gone.code == "zoom_not_found" => return Err(self.lost(host, &request)?),
                    other => other?,
                };
                if request.participant.role == Role::Doctor {
                    let until = now + std::time::Duration::from_secs(START_URL_SECONDS.unsigned_abs());
                    (found.start_url, request.expires_at.min(until))
                } else {
                    (found.join_url, request.expires_at)
                }
            }
        };
        let missing = || PluginError::retryable("zoom_answer_invalid", "the meeting has no link");
        let ways = vec![Way::Page { url: join_url.ok_or_else(missing)? }];
        Ok(VideoAccess { room: request.room.clone(), ways, expires_at })
    }

    fn end_room(&self, host: &Host<'_>, request: EndRoom) -> Result<RoomEnded, PluginError> {
        self.finish(host, checked(&request.room)?)?;
        Ok(RoomEnded { emptied: true })
    }

    fn recordings(&self, host: &Host<'_>, request: Recordings) -> Result<RecordingsListed, PluginError> {
        self.recordings_of(host, checked(&request.room)?)
    }
}

impl Zoom {
    /// Somebody deleted the meeting at Zoom: the next room is another one.
    fn lost(&self, host: &Host<'_>, request: &Join) -> Result<PluginError, PluginError> {
        host.kv_delete(&rooms::key(&request.consultation_id), None)?;
        Ok(PluginError::retryable(
            "zoom_meeting_lost",
            "the meeting was deleted at Zoom; the next join makes another one",
        ))
    }
}

/// A meeting's number, which becomes part of a URL.
fn checked(room: &str) -> Result<&str, PluginError> {
    let is_number = (1..=20).contains(&room.len()) && room.bytes().all(|b| b.is_ascii_digit());
    let wrong = || PluginError::permanent("room_unknown", "not a meeting that Zoom gave");
    if is_number { Ok(room) } else { Err(wrong()) }
}

export_plugin!(Zoom, kinds: [video, webhook], manifest: "../plugin.toml");

#[cfg(test)]
mod tests;
