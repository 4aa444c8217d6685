//! A video provider with the plainest of APIs, for tests that stop, restart and forge it. Never shipped.
//!
//! | call | HTTP |
//! |---|---|
//! | create_room | `PUT [base]/rooms/{consultation}` |
//! | join | `POST [base]/rooms/{room}/guests`, answered with a page to open |
//! | end_room | `DELETE [base]/rooms/{room}` |
//! | webhook | `X-Signature: <hex HMAC-SHA256 of the body>`, body `{id, events: [facts]}`, or `{challenge}` |
//!
//! Its health says nothing of the server, so that the host must find out for itself.

use consilium_plugin_sdk::{
    Host, Plugin, PluginError, VideoProvider, Webhooks,
    contract::{
        Bytes,
        host::HttpFetch,
        video::{CreateRoom, EndRoom, Join, Room, RoomEnded, VideoAccess},
        webhook::{Read, Verified, Verify, WebhookEvent, WebhookFacts, WebhookReply},
    },
    export_plugin,
};
use ring::hmac;
use schemars::JsonSchema;
use serde::Deserialize;

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the server is.
    base_url: String,
}

/// The plugin.
pub struct VideoRest(Config);

impl Plugin for VideoRest {
    type Config = Config;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self(config))
    }
}

impl VideoProvider for VideoRest {
    fn create_room(&self, host: &Host<'_>, request: CreateRoom) -> Result<Room, PluginError> {
        self.send(host, "PUT", &format!("/rooms/{}", request.consultation_id))?;
        Ok(Room { room: request.consultation_id })
    }

    fn join(&self, host: &Host<'_>, request: Join) -> Result<VideoAccess, PluginError> {
        self.send(host, "POST", &format!("/rooms/{}/guests", request.room))?;
        let url = format!("{}/rooms/{}?guest={}", self.0.base_url, request.room, request.participant.id);
        Ok(VideoAccess::by_link(request.room, url, request.expires_at))
    }

    fn end_room(&self, host: &Host<'_>, request: EndRoom) -> Result<RoomEnded, PluginError> {
        self.send(host, "DELETE", &format!("/rooms/{}", request.room))?;
        Ok(RoomEnded { emptied: true })
    }
}

impl VideoRest {
    fn send(&self, host: &Host<'_>, method: &str, path: &str) -> Result<(), PluginError> {
        let response = host.fetch(&HttpFetch {
            method: method.to_owned(),
            url: format!("{}{path}", self.0.base_url),
            headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
            body: Some(Bytes(b"{}".to_vec())),
            timeout_ms: Some(3_000),
        })?;
        match response.status {
            200..=299 => Ok(()),
            status => Err(PluginError::retryable("provider_down", format!("the server answered {status}"))),
        }
    }
}

/// What the server posts.
#[derive(Deserialize)]
struct Notice {
    #[serde(default)]
    id: String,
    #[serde(default)]
    events: Vec<WebhookEvent>,
    challenge: Option<String>,
    /// Makes reading fail: `until_up` until the server answers, anything else for good.
    fail: Option<String>,
}

fn notice(body: &Bytes) -> Result<Notice, PluginError> {
    serde_json::from_slice(&body.0).map_err(|e| PluginError::permanent("webhook_malformed", e.to_string()))
}

impl Webhooks for VideoRest {
    fn verify(&self, host: &Host<'_>, request: Verify) -> Result<Verified, PluginError> {
        let forged = || PluginError::permanent("webhook_forged", "the signature is missing or wrong");
        let signature =
            request.headers.get("x-signature").and_then(|text| hex::decode(text).ok()).ok_or_else(forged)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, host.secret("webhook_secret")?.expose().as_bytes());
        hmac::verify(&key, &request.body.0, &signature).map_err(|_| forged())?;
        let notice = notice(&request.body)?;
        let reply = notice.challenge.map(|challenge| WebhookReply {
            status: 200,
            headers: [("content-type".to_owned(), "text/plain".to_owned())].into(),
            body: Bytes(challenge.into_bytes()),
        });
        Ok(Verified { delivery_id: notice.id, reply })
    }

    fn read(&self, host: &Host<'_>, request: Read) -> Result<WebhookFacts, PluginError> {
        let notice = notice(&request.body)?;
        match notice.fail.as_deref() {
            None => Ok(WebhookFacts { events: notice.events }),
            Some("until_up") => self.send(host, "GET", "/up").map(|()| WebhookFacts { events: notice.events }),
            Some(_) => Err(PluginError::permanent("not_understood", "told to")),
        }
    }
}

export_plugin!(VideoRest, kinds: [video, webhook], manifest: "../plugin.toml");
