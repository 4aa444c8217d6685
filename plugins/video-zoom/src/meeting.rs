//! Meetings: made once per consultation, moved when it moves, deleted when it ends.
//!
//! "Meetings" of the Zoom API (<https://developers.zoom.us/docs/api/meetings/>): `POST
//! /users/{userId}/meetings`, `GET`, `PATCH` and `DELETE /meetings/{meetingId}`, `PUT
//! /meetings/{meetingId}/status`, `POST /meetings/{meetingId}/registrants`, `GET
//! /users/{userId}/meetings`.
//!
//! Besides what `consilium_provider::rooms` keeps, a meeting has `link/{participant}` ([`Registered`],
//! through [`once`]) and `registrant/{registrant}` (the participant).

use crate::{Zoom, hosts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use consilium_plugin_sdk::{
    Host, PluginError, Sensitive,
    contract::video::{CreateRoom, Participant},
};
use consilium_provider::{
    http::encode,
    once::{Turn, once},
    rooms,
    signed::{hex, sha256},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Pages of 300 meetings that are looked through for one whose creation ended unknown.
const PAGES: u32 = 5;

/// A meeting that was made.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) id: String,
    starts_at: Timestamp,
    ends_at: Timestamp,
    lobby: bool,
    record: bool,
}

/// What is used of Zoom's meeting.
#[derive(Deserialize)]
pub(crate) struct Meeting {
    pub(crate) id: i64,
    #[serde(default)]
    agenda: String,
    pub(crate) start_url: Option<Sensitive>,
    pub(crate) join_url: Option<Sensitive>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    meetings: Vec<Meeting>,
    #[serde(default)]
    next_page_token: String,
}

/// A participant's own link.
#[derive(Clone, Serialize, Deserialize)]
struct Registered {
    registrant_id: String,
    join_url: Sensitive,
}

impl Zoom {
    /// The meeting of a consultation, made or moved as the request has it.
    pub(crate) fn meeting_for(&self, host: &Host<'_>, request: &CreateRoom) -> Result<Made, PluginError> {
        let wanted = |id: String| Made {
            id,
            starts_at: request.starts_at,
            ends_at: request.ends_at,
            lobby: request.lobby,
            record: request.record,
        };
        let same = |made: &Made| json!(made) == json!(wanted(made.id.clone()));
        let key = rooms::key(&request.consultation_id);
        once(host, &key, same, |turn: Turn<Made>| {
            let body = self.body(request)?;
            let (starts_at, ends_at) = (request.starts_at, request.ends_at);
            let user = hosts::take(host, &self.config.host_users, &request.consultation_id, starts_at, ends_at)?;
            if let Some(before) = turn.before {
                match self.api.change(host, "PATCH", &format!("/meetings/{}", before.id), Some(&body)) {
                    Ok(()) => {
                        rooms::remember(host, &before.id, &request.consultation_id, request.ends_at)?;
                        return Ok(wanted(before.id));
                    }
                    // Somebody deleted it at Zoom: make another.
                    Err(gone) if gone.code == "zoom_not_found" => {}
                    Err(other) => return Err(other),
                }
            }
            let found = if turn.interrupted { self.find(host, &user, &reference(request))? } else { None };
            let made = match found {
                Some(meeting) => Ok(meeting),
                None => self.api.post::<Meeting>(host, &format!("/users/{}/meetings", encode(&user)), &body),
            };
            if made.as_ref().is_err_and(|error| !error.retryable) {
                hosts::release(host, &request.consultation_id)?;
            }
            let id = made?.id.to_string();
            rooms::remember(host, &id, &request.consultation_id, request.ends_at)?;
            Ok(wanted(id))
        })
    }

    /// Type 2 is a scheduled meeting, approval 0 automatic and 2 no registration.
    fn body(&self, request: &CreateRoom) -> Result<Value, PluginError> {
        let seconds = request.ends_at.as_second() - request.starts_at.as_second();
        if seconds <= 0 {
            return Err(PluginError::permanent("room_invalid", "the consultation ends before it begins"));
        }
        Ok(json!({
            "topic": request.title.as_deref().unwrap_or("Consultation"),
            "type": 2,
            "start_time": request.starts_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "timezone": "UTC",
            "duration": (seconds + 59) / 60,
            "agenda": reference(request),
            "password": self.password(&request.consultation_id),
            "settings": {
                "waiting_room": self.config.waiting_room || request.lobby,
                "join_before_host": false,
                "use_pmi": false,
                "approval_type": if self.config.registration.is_some() { 0 } else { 2 },
                "auto_recording": if request.record { "cloud" } else { "none" },
                "meeting_authentication": false,
                "email_notification": false,
                "registrants_email_notification": false,
                "registrants_confirmation_email": false,
                "private_meeting": true,
            },
        }))
    }

    /// At most 10 characters of `a-z A-Z 0-9 @ - _ *`, with letters, digits and a special one, as
    /// accounts may require; the same for the same consultation.
    fn password(&self, consultation: &str) -> String {
        let mac = ring::hmac::sign(&self.password_key, consultation.as_bytes());
        let text: String = URL_SAFE_NO_PAD.encode(mac.as_ref()).chars().take(7).collect();
        format!("{text}a7*")
    }

    /// A meeting of this user that an earlier attempt made.
    fn find(&self, host: &Host<'_>, user: &str, reference: &str) -> Result<Option<Meeting>, PluginError> {
        let mut token = String::new();
        for _ in 0..PAGES {
            let path = format!("/users/{}/meetings?type=scheduled&page_size=300", encode(user));
            let next = if token.is_empty() { path } else { format!("{path}&next_page_token={}", encode(&token)) };
            let page: Page = self.api.get(host, &next)?;
            if let Some(found) = page.meetings.into_iter().find(|meeting| meeting.agenda == reference) {
                return Ok(Some(found));
            }
            if page.next_page_token.is_empty() {
                break;
            }
            token = page.next_page_token;
        }
        Ok(None)
    }

    /// The participant's own link; Zoom is told a name and an address that nobody reads.
    pub(crate) fn registered(
        &self,
        host: &Host<'_>,
        meeting: &str,
        participant: &Participant,
        domain: &str,
    ) -> Result<Sensitive, PluginError> {
        let key = rooms::key_at(meeting, &format!("link/{}", participant.id));
        let made = once(
            host,
            &key,
            |_| true,
            |_: Turn<Registered>| {
                let address = short(&format!("{meeting}/{}", participant.id));
                let body = json!({
                    "first_name": participant.display_name.chars().take(64).collect::<String>(),
                    "email": format!("{address}@{domain}"),
                    "auto_approve": true,
                });
                let registered: Registered = self.api.post(host, &format!("/meetings/{meeting}/registrants"), &body)?;
                let key = rooms::key_at(meeting, &format!("registrant/{}", registered.registrant_id));
                host.kv_put(&key, json!(participant.id), None)?;
                Ok(registered)
            },
        )?;
        Ok(made.join_url)
    }

    /// Ends a meeting for everybody and deletes it, so that its links are worth nothing.
    pub(crate) fn finish(&self, host: &Host<'_>, meeting: &str) -> Result<(), PluginError> {
        let gone = |error: &PluginError| matches!(error.code.as_str(), "zoom_not_found" | "zoom_refused");
        match self.api.change(host, "PUT", &format!("/meetings/{meeting}/status"), Some(&json!({"action": "end"}))) {
            // Not running: there is nobody to put out.
            Err(error) if !gone(&error) => return Err(error),
            _ => {}
        }
        match self.api.change(host, "DELETE", &format!("/meetings/{meeting}"), None) {
            Err(error) if error.code != "zoom_not_found" => return Err(error),
            _ => {}
        }
        if let Some(consultation) = rooms::consultation(host, meeting)? {
            host.kv_delete(&rooms::key(&consultation), None)?;
            hosts::release(host, &consultation)?;
        }
        Ok(())
    }
}

/// What a meeting is recognised by, without saying which consultation it is.
fn reference(request: &CreateRoom) -> String {
    format!("Reference {}", short(&request.idempotency_key))
}

fn short(text: &str) -> String {
    hex(sha256(text.as_bytes()).get(..12).unwrap_or_default())
}
