//! Zoom's webhooks.
//!
//! "Using webhooks" (<https://developers.zoom.us/docs/api/webhooks/>): `x-zm-signature` is `v0=` and the
//! hex HMAC-SHA256, under the app's secret token, of `v0:{x-zm-request-timestamp}:{body}`; the event
//! `endpoint.url_validation` is answered with its `plainToken` and the hex HMAC-SHA256 of that.

use crate::{Zoom, recording::File};
use consilium_plugin_sdk::{
    Host, PluginError, Webhooks,
    contract::{
        Bytes,
        video::Recording,
        webhook::{Attendance, Read, RoomChange, Verified, Verify, WebhookEvent, WebhookFacts, WebhookReply},
    },
};
use consilium_provider::{
    rooms,
    signed::{forged, hex, hmac_sha256_hex, malformed, same, sha256, stale},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// As in the manifest.
const REPLAY_WINDOW_SECONDS: i64 = 300;

#[derive(Deserialize)]
struct Event {
    event: String,
    /// Unix milliseconds.
    #[serde(default)]
    event_ts: Option<i64>,
    #[serde(default)]
    payload: Value,
}

/// What is used of `payload.object`.
#[derive(Deserialize)]
struct Object {
    /// A number or a string, depending on the event.
    id: Value,
    start_time: Option<Timestamp>,
    end_time: Option<Timestamp>,
    participant: Option<Person>,
    #[serde(default)]
    recording_files: Vec<File>,
}

#[derive(Deserialize)]
struct Person {
    registrant_id: Option<String>,
    join_time: Option<Timestamp>,
    leave_time: Option<Timestamp>,
}

impl Webhooks for Zoom {
    fn verify(&self, _: &Host<'_>, request: Verify) -> Result<Verified, PluginError> {
        let secret = self.webhook_secret.as_ref();
        let secret = secret.ok_or_else(|| forged("no webhook_secret is configured, so nothing can be believed"))?;
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        let (Some(time), Some(signature)) = (header("x-zm-request-timestamp"), header("x-zm-signature")) else {
            return Err(forged("x-zm-signature or x-zm-request-timestamp is missing"));
        };
        let expected = hmac_sha256_hex(secret.expose(), &[b"v0:", time.as_bytes(), b":", &request.body.0]);
        if !same(signature.as_bytes(), format!("v0={expected}").as_bytes()) {
            return Err(forged("x-zm-signature was not made with our secret token"));
        }
        let signed_at: i64 = time.parse().map_err(|_| malformed("x-zm-request-timestamp is no number"))?;
        if (request.received_at.as_second() - signed_at).abs() > REPLAY_WINDOW_SECONDS {
            return Err(stale());
        }
        let event = event(&request.body)?;
        // A delivery that is repeated has the same body, and a body says when its event was.
        let delivery_id = hex(&sha256(&request.body.0));
        // Only after its signature was checked: else anybody could have any text signed.
        let reply =
            if event.event == "endpoint.url_validation" { Some(challenge(secret.expose(), &event)?) } else { None };
        Ok(Verified { delivery_id, reply })
    }

    fn read(&self, host: &Host<'_>, request: Read) -> Result<WebhookFacts, PluginError> {
        let event = event(&request.body)?;
        let at = event.event_ts.and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or(request.received_at);
        let events = self.facts(host, event, at)?;
        Ok(WebhookFacts { events })
    }
}

impl Zoom {
    fn facts(&self, host: &Host<'_>, event: Event, at: Timestamp) -> Result<Vec<WebhookEvent>, PluginError> {
        let kind = event.event;
        let known = ["meeting.started", "meeting.ended", "meeting.participant_joined", "meeting.participant_left"];
        if !known.contains(&kind.as_str()) && kind != "recording.completed" {
            return Ok(vec![WebhookEvent::Other { kind }]);
        }
        let object = event.payload.get("object").cloned().unwrap_or_default();
        let object: Object =
            serde_json::from_value(object).map_err(|_| malformed("payload.object is not as published"))?;
        let room = match &object.id {
            Value::String(id) => id.clone(),
            id => id.to_string(),
        };
        // An account's webhooks tell of all its meetings: others than ours are nobody's business here.
        if super::checked(&room).is_err() || rooms::consultation(host, &room)?.is_none() {
            return Ok(vec![WebhookEvent::Other { kind }]);
        }
        let change = |at: Option<Timestamp>, default| RoomChange { room: room.clone(), at: at.unwrap_or(default) };
        Ok(match kind.as_str() {
            "meeting.started" => vec![WebhookEvent::RoomStarted(change(object.start_time, at))],
            "meeting.ended" => vec![WebhookEvent::RoomEnded(change(object.end_time, at))],
            "recording.completed" => {
                let files = object.recording_files.into_iter().filter_map(|file| file.recording(None));
                files
                    .map(|recording: Recording| WebhookEvent::RecordingReady { room: room.clone(), recording })
                    .collect()
            }
            _ => {
                let Some(person) = object.participant else {
                    return Err(malformed("payload.object has no participant"));
                };
                let joined = kind == "meeting.participant_joined";
                let time = if joined { person.join_time } else { person.leave_time };
                let participant = self.participant(host, &room, person.registrant_id.as_deref())?;
                let attendance = Attendance { room, participant, at: time.unwrap_or(at) };
                vec![if joined {
                    WebhookEvent::ParticipantJoined(attendance)
                } else {
                    WebhookEvent::ParticipantLeft(attendance)
                }]
            }
        })
    }

    /// Who registered under this id; only registrants are known.
    fn participant(
        &self,
        host: &Host<'_>,
        room: &str,
        registrant: Option<&str>,
    ) -> Result<Option<String>, PluginError> {
        let Some(registrant) = registrant.filter(|id| (1..=128).contains(&id.len())) else { return Ok(None) };
        let entry = host.kv_get(&rooms::key_at(room, &format!("registrant/{registrant}")))?;
        Ok(entry.and_then(|entry| entry.value.as_str().map(str::to_owned)))
    }
}

fn event(body: &Bytes) -> Result<Event, PluginError> {
    serde_json::from_slice(&body.0).map_err(|_| malformed("the body is no event of Zoom"))
}

fn challenge(secret: &str, event: &Event) -> Result<WebhookReply, PluginError> {
    let token = event.payload.get("plainToken").and_then(Value::as_str);
    let token = token.ok_or_else(|| malformed("endpoint.url_validation has no plainToken"))?;
    let answer = json!({"plainToken": token, "encryptedToken": hmac_sha256_hex(secret, &[token.as_bytes()])});
    Ok(WebhookReply {
        status: 200,
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
        body: Bytes(answer.to_string().into_bytes()),
    })
}
