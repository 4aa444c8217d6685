//! LiveKit's webhooks: a JWT in `Authorization` whose claim `sha256` is that of the body.
//!
//! Rules from "Webhooks & events" (<https://docs.livekit.io/intro/basics/rooms-participants-tracks/webhooks-events/>)
//! and from "webhook/verifier.go" and "webhook/url_notifier.go" of <https://github.com/livekit/protocol>:
//! the header is the bare token, signed with the API secret and valid for five minutes; the body is
//! ProtoJSON of `WebhookEvent`.

use crate::{
    LiveKit,
    api::{Egress, Int64},
    recording::nanoseconds,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use consilium_plugin_sdk::{
    Host, PluginError, Webhooks,
    contract::{
        Bytes,
        webhook::{Attendance, Read, RoomChange, Verified, Verify, WebhookEvent, WebhookFacts},
    },
};
use consilium_provider::{
    jwt::verify_hs256,
    signed::{forged, malformed, same, sha256, stale},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Clocks may differ by this many seconds, as in LiveKit's own verifier.
const LEEWAY_SECONDS: i64 = 60;
/// LiveKit's tokens live five minutes; one that claims to live longer is not from LiveKit.
const LONGEST_SECONDS: i64 = 300;

/// What is used of `livekit.WebhookEvent`.
#[derive(Deserialize)]
struct Event {
    event: String,
    id: String,
    #[serde(default, alias = "createdAt")]
    created_at: Option<Int64>,
    room: Option<Named>,
    participant: Option<Person>,
    #[serde(alias = "egressInfo")]
    egress_info: Option<Egress>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Person {
    #[serde(default)]
    identity: String,
    /// `STANDARD` is left out; recorders and agents have their own.
    #[serde(default)]
    kind: Option<Value>,
}

impl Webhooks for LiveKit {
    fn verify(&self, _: &Host<'_>, request: Verify) -> Result<Verified, PluginError> {
        let token = request.headers.get("authorization").ok_or_else(|| forged("there is no Authorization header"))?;
        let token = token.strip_prefix("Bearer ").unwrap_or(token);
        let claims = verify_hs256(token, self.api_secret.expose())
            .ok_or_else(|| forged("the token was not signed with our API secret"))?;
        let claim = |name: &str| claims.get(name);
        if claim("iss").and_then(Value::as_str) != Some(self.config.api_key.as_str()) {
            return Err(forged("the token is of another API key"));
        }
        let hash = claim("sha256").and_then(Value::as_str).unwrap_or_default();
        if !same(hash.as_bytes(), STANDARD.encode(sha256(&request.body.0)).as_bytes()) {
            return Err(forged("the token is of another body"));
        }
        let now = request.received_at.as_second();
        let expires = claim("exp").and_then(Value::as_i64).ok_or_else(|| forged("the token never expires"))?;
        let begins = claim("nbf").and_then(Value::as_i64).unwrap_or(expires - LONGEST_SECONDS);
        if now > expires + LEEWAY_SECONDS || now < begins - LEEWAY_SECONDS || expires - begins > LONGEST_SECONDS {
            return Err(stale());
        }
        let id = event(&request.body)?.id;
        if id.is_empty() || id.len() > 128 {
            return Err(malformed("id has 1 to 128 bytes"));
        }
        Ok(Verified { delivery_id: id, reply: None })
    }

    fn read(&self, _: &Host<'_>, request: Read) -> Result<WebhookFacts, PluginError> {
        let event = event(&request.body)?;
        let at = event.created_at.as_ref().and_then(|at| Timestamp::from_second(at.0).ok());
        let at = at.unwrap_or(request.received_at);
        let other = |kind: String| WebhookFacts { events: vec![WebhookEvent::Other { kind }] };
        if event.event == "egress_ended" {
            return self.finished(event.egress_info, at);
        }
        let Some(room) = event.room.map(|room| room.name).filter(|name| !name.is_empty()) else {
            return Ok(other(event.event));
        };
        let fact = match event.event.as_str() {
            "room_started" => WebhookEvent::RoomStarted(RoomChange { room, at }),
            "room_finished" => WebhookEvent::RoomEnded(RoomChange { room, at }),
            "participant_joined" | "participant_left" => {
                let Some(person) = event.participant.filter(is_human) else { return Ok(other(event.event)) };
                let attendance = Attendance { room, participant: Some(person.identity), at };
                if event.event == "participant_joined" {
                    WebhookEvent::ParticipantJoined(attendance)
                } else {
                    WebhookEvent::ParticipantLeft(attendance)
                }
            }
            _ => return Ok(other(event.event)),
        };
        Ok(WebhookFacts { events: vec![fact] })
    }
}

impl LiveKit {
    /// Recordings are announced without their links: those are made when somebody asks.
    fn finished(&self, egress: Option<Egress>, at: Timestamp) -> Result<WebhookFacts, PluginError> {
        let Some(egress) = egress else { return Err(malformed("egress_ended without egress_info")) };
        let ended = nanoseconds(egress.ended_at)?.unwrap_or(at);
        let recordings = self.recordings_of(&egress, ended)?.into_iter();
        let ready = recordings.map(|recording| WebhookEvent::RecordingReady {
            room: egress.room_name.clone(),
            recording: consilium_plugin_sdk::contract::video::Recording { download: None, ..recording },
        });
        Ok(WebhookFacts { events: ready.collect() })
    }
}

fn event(body: &Bytes) -> Result<Event, PluginError> {
    serde_json::from_slice(&body.0).map_err(|_| malformed("the body is no event of LiveKit"))
}

/// Recorders and agents are participants too.
fn is_human(person: &Person) -> bool {
    let standard = match &person.kind {
        None => true,
        Some(Value::String(kind)) => kind == "STANDARD" || kind == "SIP",
        Some(kind) => kind == &Value::from(0),
    };
    standard && !person.identity.is_empty()
}
