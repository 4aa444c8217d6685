//! The frames, as both sides write them.

use consilium_kernel::{Refusal, RefusalKind, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::presence::Present;
use crate::http::problem::{ProblemDocument, status};

/// The subprotocol that a client must offer.
pub const SUBPROTOCOL: &str = "consilium.v1";
/// Bytes of a client's message at most.
pub const LARGEST_FRAME: usize = 64 * 1024;
/// Characters of a frame's `id` at most.
const LONGEST_ID: usize = 64;

/// What a client sends. Every frame but `ping` carries an `id`, which comes back with its answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// Logs in, as the first frame, where the token was not offered with the subprotocol.
    Authenticate {
        /// Comes back with the answer.
        #[serde(default)]
        id: Option<String>,
        /// An access token.
        token: String,
    },
    /// Goes on with a newer access token of the same account.
    Reauthenticate {
        /// Comes back with the answer.
        #[serde(default)]
        id: Option<String>,
        /// An access token.
        token: String,
    },
    /// Watches a topic; with `after_seq`, what happened after it is sent first.
    Subscribe {
        /// Comes back with the answer.
        id: String,
        /// `user:me`, `consultation:<id>`, `thread:<id>`, `waiting_room:<doctor_id>`.
        topic: String,
        /// The newest number the client has; without it only what happens from now on is sent.
        #[serde(default)]
        after_seq: Option<i64>,
        /// The epoch that `after_seq` belongs to, as an earlier answer gave it.
        #[serde(default)]
        epoch: Option<Uuid>,
    },
    /// Watches it no longer.
    Unsubscribe {
        /// Comes back with the answer.
        id: String,
        /// As subscribed.
        topic: String,
    },
    /// Does something, as a POST would.
    Command {
        /// Comes back with the answer.
        id: String,
        /// What it is done to.
        topic: String,
        /// `send_message`, …
        command: String,
        /// The body.
        #[serde(default)]
        data: Value,
    },
    /// Asks for a `pong`.
    Ping {
        /// Comes back with the answer.
        #[serde(default)]
        id: Option<String>,
    },
}

/// What the server sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// It is done.
    Ok {
        /// Of the client's frame.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The answer.
        data: Value,
    },
    /// It is not done.
    Error {
        /// Of the client's frame, if it could be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// RFC 9457.
        problem: Value,
    },
    /// A numbered, stored event.
    Event {
        /// As subscribed.
        topic: String,
        /// Without gaps within the topic.
        seq: i64,
        /// `message_sent`, …
        event: String,
        /// When it was committed.
        #[schema(value_type = String, format = "date-time")]
        at: Timestamp,
        /// The event.
        data: Value,
    },
    /// Something that is not stored.
    Signal {
        /// As subscribed.
        topic: String,
        /// `typing`, …
        signal: String,
        /// Whose it is; absent when the platform's own.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<Uuid>,
        /// The signal.
        data: Value,
    },
    /// The answer to `ping`.
    Pong {
        /// Of the client's frame.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// What the client has of this topic does not lead up to what comes next: it must load the resource again.
    Gap {
        /// As subscribed.
        topic: String,
        /// Events go on after this number.
        seq: i64,
        /// Numbers of another epoch mean nothing.
        epoch: Uuid,
    },
}

/// What `subscribe` is answered with.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Subscribed {
    /// Of the topic's newest event.
    pub seq: i64,
    /// Under which numbers mean something.
    pub epoch: Uuid,
    /// Of a conversation: who is there now, or may come back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub presence: Option<Vec<Present>>,
}

impl Subscribed {
    /// Without presence.
    pub fn new(seq: i64, epoch: Uuid) -> Self {
        Self { seq, epoch, presence: None }
    }
}

const NOT_JSON: Refusal = Refusal::new(RefusalKind::Malformed, "malformed", "The frame is not a JSON object.");
const UNKNOWN_FRAME: Refusal = Refusal::new(RefusalKind::Malformed, "unknown_frame", "There is no frame of this type.");

impl ClientFrame {
    /// The frame in `text`, or the id it should be answered under and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, (Option<String>, Refusal)> {
        const TYPES: [&str; 6] = ["authenticate", "reauthenticate", "subscribe", "unsubscribe", "command", "ping"];
        let value: Value = serde_json::from_str(text).map_err(|_| (None, NOT_JSON))?;
        let object = value.as_object().ok_or((None, NOT_JSON))?;
        let id = object.get("id").and_then(Value::as_str).map(str::to_owned);
        if id.as_ref().is_some_and(|id| id.chars().count() > LONGEST_ID) {
            let detail = format!("has more than {LONGEST_ID} characters");
            return Err((None, Refusal::field("/id", "too_long", detail)));
        }
        match object.get("type").and_then(Value::as_str) {
            Some(known) if TYPES.contains(&known) => {}
            _ => return Err((id, UNKNOWN_FRAME)),
        }
        // serde's message names the field that is missing or of the wrong type.
        serde_json::from_value(value).map_err(|error| (id, wrong_shape("", &error)))
    }
}

/// A frame or command body that does not have its shape.
pub fn wrong_shape(pointer: &str, error: &serde_json::Error) -> Refusal {
    Refusal::field(pointer, "invalid", error.to_string())
}

impl ServerFrame {
    /// The answer that a refusal becomes; `request_id` finds it in the log.
    pub fn refused(id: Option<String>, refusal: &Refusal, request_id: &str) -> Self {
        let mut document = ProblemDocument::new(refusal, status(refusal.kind));
        request_id.clone_into(&mut document.request_id);
        let mut problem = serde_json::to_value(document).unwrap_or_default();
        if let (Some(seconds), Some(problem)) = (refusal.retry_after, problem.as_object_mut()) {
            problem.insert("retry_after".to_owned(), seconds.into());
        }
        Self::Error { id, problem }
    }

    /// As it goes over the wire.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
