//! Rooms: spaces of Meet, made directly or with an event in a calendar.
//!
//! "REST Resource: spaces" (<https://developers.google.com/workspace/meet/api/reference/rest/v2/spaces>)
//! and "Events" of the Calendar API
//! (<https://developers.google.com/workspace/calendar/api/v3/reference/events>). Both are described by
//! discovery documents, here `meet:v2` and `calendar:v3`.

use crate::{
    Meet,
    config::{Access, Mode},
};
use consilium_plugin_sdk::{Host, PluginError, Sensitive, contract::video::CreateRoom};
use consilium_provider::{
    http::encode,
    once::{Turn, once},
    rooms,
    signed::{hex, sha256},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{thread, time::Duration};

/// How often, and how long in between, to look for a conference that Google is still making.
const LOOKS: u32 = 8;
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A room that was made.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    /// The id in `spaces/{id}`.
    pub(crate) space: String,
    /// The event in the calendar.
    event: Option<String>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    lobby: bool,
    record: bool,
}

/// What is used of a space.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Space {
    name: String,
    pub(crate) meeting_uri: Option<Sensitive>,
}

/// What is used of an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    conference_data: Option<ConferenceData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConferenceData {
    conference_id: Option<String>,
    create_request: Option<Value>,
}

impl Meet {
    /// The room of a consultation, made or moved as the request has it.
    pub(crate) fn room_for(&self, host: &Host<'_>, request: &CreateRoom) -> Result<Made, PluginError> {
        if self.config.mode == Mode::Calendar && request.record {
            let message = "Calendar cannot tell Meet to record: use mode = \"space\"";
            return Err(PluginError::permanent("recording_not_configured", message));
        }
        if request.ends_at <= request.starts_at {
            return Err(PluginError::permanent("room_invalid", "the consultation ends before it begins"));
        }
        let wanted = |space: String, event: Option<String>| Made {
            space,
            event,
            starts_at: request.starts_at,
            ends_at: request.ends_at,
            lobby: request.lobby,
            record: request.record,
        };
        // A space has no times; an event has.
        let timed = self.config.mode == Mode::Calendar;
        let same = |made: &Made| {
            let times = (made.starts_at, made.ends_at) == (request.starts_at, request.ends_at);
            (times || !timed) && made.lobby == request.lobby && made.record == request.record
        };
        let key = rooms::key(&request.consultation_id);
        once(host, &key, same, |turn: Turn<Made>| {
            let made = match (self.config.mode, turn.before) {
                (Mode::Space, Some(before)) => {
                    let mask = "config.accessType,config.artifactConfig.recordingConfig.autoRecordingGeneration";
                    self.configure(host, &before.space, mask, &self.space_config(request))?;
                    wanted(before.space, None)
                }
                (Mode::Space, None) => {
                    let body = json!({"config": self.space_config(request)});
                    let url = format!("{}/spaces", self.meet_url());
                    let space: Space = self.api.call(host, "POST", &url, Some(&body))?;
                    wanted(space.id()?, None)
                }
                (Mode::Calendar, Some(Made { space, event: Some(event), .. })) => {
                    self.move_event(host, &event, request)?;
                    wanted(space, Some(event))
                }
                (Mode::Calendar, _) => {
                    let event = event_id(&request.idempotency_key);
                    wanted(self.insert_event(host, &event, request)?, Some(event))
                }
            };
            rooms::remember(host, &made.space, &request.consultation_id, request.ends_at)?;
            Ok(made)
        })
    }

    fn space_config(&self, request: &CreateRoom) -> Value {
        // With a lobby, whoever is not of the house knocks.
        let open = self.config.access == Access::Open && request.lobby;
        let access = if open { Access::Trusted } else { self.config.access };
        json!({
            "accessType": access.name(),
            "entryPointAccess": "ALL",
            "artifactConfig": {
                "recordingConfig": {"autoRecordingGeneration": if request.record { "ON" } else { "OFF" }},
            },
        })
    }

    fn configure(&self, host: &Host<'_>, space: &str, mask: &str, config: &Value) -> Result<(), PluginError> {
        let url = format!("{}/spaces/{space}?updateMask={}", self.meet_url(), encode(mask));
        self.api.send(host, "PATCH", &url, Some(&json!({"config": config}))).map(drop)
    }

    /// A space by its id, or by a meeting code.
    pub(crate) fn space(&self, host: &Host<'_>, name: &str) -> Result<Space, PluginError> {
        self.api.call(host, "GET", &format!("{}/spaces/{}", self.meet_url(), encode(name)), None)
    }

    /// Inserts an event whose id is ours: the same consultation never has two.
    fn insert_event(&self, host: &Host<'_>, event: &str, request: &CreateRoom) -> Result<String, PluginError> {
        let body = json!({
            "id": event,
            "summary": request.title.as_deref().unwrap_or("Consultation"),
            "start": {"dateTime": request.starts_at.to_string()},
            "end": {"dateTime": request.ends_at.to_string()},
            "visibility": "private",
            "guestsCanInviteOthers": false,
            "conferenceData": {"createRequest": {
                "requestId": event,
                "conferenceSolutionKey": {"type": "hangoutsMeet"},
            }},
        });
        let url = format!("{}?conferenceDataVersion=1&sendUpdates=none", self.events());
        let mut found: Event = match self.api.call(host, "POST", &url, Some(&body)) {
            // An earlier attempt made it.
            Err(there) if there.code == "meet_conflict" => self.event(host, event)?,
            other => other?,
        };
        for look in 0..LOOKS {
            if look > 0 {
                thread::sleep(LOOK_EVERY);
                found = self.event(host, event)?;
            }
            let Some(conference) = found.conference_data.take() else { break };
            let status = conference.create_request.as_ref().and_then(|r| r.pointer("/status/statusCode")?.as_str());
            if status == Some("failure") {
                return Err(PluginError::permanent("meet_conference_failed", "Google could not make the conference"));
            }
            if let Some(code) = conference.conference_id.filter(|_| status != Some("pending")) {
                return self.space(host, &code)?.id();
            }
            if host.is_cancelled() {
                break;
            }
        }
        Err(PluginError::retryable("meet_conference_pending", "Google is still making the conference"))
    }

    fn event(&self, host: &Host<'_>, event: &str) -> Result<Event, PluginError> {
        self.api.call(host, "GET", &format!("{}/{event}", self.events()), None)
    }

    fn move_event(&self, host: &Host<'_>, event: &str, request: &CreateRoom) -> Result<(), PluginError> {
        let body = json!({
            "start": {"dateTime": request.starts_at.to_string()},
            "end": {"dateTime": request.ends_at.to_string()},
        });
        let url = format!("{}/{event}?sendUpdates=none", self.events());
        self.api.send(host, "PATCH", &url, Some(&body)).map(drop)
    }

    /// Puts everybody out, and lets nobody in any more without being let in.
    pub(crate) fn finish(&self, host: &Host<'_>, space: &str) -> Result<bool, PluginError> {
        let key = rooms::consultation(host, space)?.map(|consultation| rooms::key(&consultation));
        let kept = key.as_deref().map(|key| host.kv_get(key)).transpose()?.flatten();
        let made = kept.and_then(|entry| serde_json::from_value::<Made>(entry.value.get("made")?.clone()).ok());
        let made = made.filter(|made| made.space == space);
        // It was ours, and what was to be done is done.
        let ended = key.is_some() && made.is_none();
        let event = made.and_then(|made| made.event);
        let url = format!("{}/spaces/{space}:endActiveConference", self.meet_url());
        let emptied = match self.api.send(host, "POST", &url, Some(&json!({}))) {
            // Nobody is in it, or it is gone.
            Err(error) if error.message.contains("FAILED_PRECONDITION") || error.code == "meet_not_found" => true,
            // Only who made a space may end its conference, and a calendar's were made by Calendar.
            Err(error) if error.code == "meet_forbidden" && (event.is_some() || ended) => false,
            other => other.map(|_| true)?,
        };
        if ended {
            return Ok(emptied);
        }
        match event {
            None => match self.configure(host, space, "config.accessType", &json!({"accessType": "RESTRICTED"})) {
                Err(error) if error.code != "meet_not_found" => return Err(error),
                _ => {}
            },
            Some(event) => {
                let url = format!("{}/{event}?sendUpdates=none", self.events());
                match self.api.send(host, "DELETE", &url, None) {
                    Err(error) if error.code != "meet_not_found" => return Err(error),
                    _ => {}
                }
            }
        }
        if let Some(key) = key {
            host.kv_delete(&key, None)?;
        }
        Ok(emptied)
    }

    pub(crate) fn meet_url(&self) -> &str {
        self.config.meet_url.trim_end_matches('/')
    }

    fn events(&self) -> String {
        let base = self.config.calendar_url.trim_end_matches('/');
        format!("{base}/calendars/{}/events", encode(&self.config.calendar_id))
    }
}

impl Space {
    /// The id, which becomes part of URLs.
    fn id(&self) -> Result<String, PluginError> {
        let id = self.name.strip_prefix("spaces/").filter(|id| crate::is_id(id));
        let wrong = || PluginError::retryable("meet_answer_invalid", "a space's name is not spaces/{id}");
        id.map(str::to_owned).ok_or_else(wrong)
    }
}

/// An event's id has 5 to 1024 characters of base32hex, `a-v` and `0-9`: hex digits are such.
fn event_id(key: &str) -> String {
    format!("c{}", hex(&sha256(key.as_bytes())).chars().take(40).collect::<String>())
}
