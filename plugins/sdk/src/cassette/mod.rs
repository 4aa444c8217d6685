//! HTTP cassettes: what a provider answered, recorded once and played ever after, with faults
//! injected by rule. For the tests of plugins and for `consilium plugin test --cassette`.
//!
//! A cassette is a JSON file:
//!
//! ```json
//! {
//!   "version": 1,
//!   "interactions": [
//!     {
//!       "request": { "method": "POST", "url": "https://api.acme.example/rooms" },
//!       "response": { "status": 201, "json": { "id": "room-{{n}}" } }
//!     }
//!   ],
//!   "faults": [
//!     { "url": "*/rooms", "after": 1, "times": 1,
//!       "fault": { "status": { "code": 429, "retry_after_seconds": 7 } } }
//!   ]
//! }
//! ```
//!
//! Requests are compared before the host puts secrets in, so a cassette never holds one. In `url`,
//! `*` stands for anything; `body` is a part of the JSON that must be sent. In a response,
//! `{{n}}` counts how often its interaction was played, `{{request:/a/0}}` is a value of the
//! request's JSON, `{{query:name}}` a parameter of its URL, and `{{path:-1}}` its path's last segment;
//! `{{number:path:-1}}`, alone in a string, is the same as a number.

mod player;
mod redact;
#[cfg(test)]
mod tests;

pub use player::{Played, Player};
pub use redact::Redactor;

use consilium_plugin_contract::{
    Bytes, PluginError,
    host::{HttpFetch, HttpFetched},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fs, io, path::Path, time::Duration};

/// The format that this SDK reads and writes.
pub const VERSION: u32 = 1;

/// What a provider answers, and what shall go wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cassette {
    /// [`VERSION`].
    pub version: u32,
    /// Where it comes from; for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// In the order in which they were recorded. The first that matches and was not yet played is
    /// played; when all that match were played, the last of them again.
    #[serde(default)]
    pub interactions: Vec<Interaction>,
    /// Looked at before the interactions; the first rule that applies wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultRule>,
}

/// A request and what came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interaction {
    /// Which requests it answers.
    pub request: Pattern,
    /// The answer.
    pub response: Recorded,
}

/// Which requests are meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// `GET`, or `*` for any.
    pub method: String,
    /// The whole URL; `*` stands for any characters, none included.
    pub url: String,
    /// Members that the request's JSON body must have, with these values; `"*"` is any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// A provider's answer. At most one of `json` and `text`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// HTTP status code.
    pub status: u16,
    /// Names in lower case. `content-type` follows from the body when it is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// Any other body that is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// When something goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// As in [`Pattern`].
    #[serde(default = "any")]
    pub method: String,
    /// As in [`Pattern`].
    #[serde(default = "any")]
    pub url: String,
    /// Requests that pass before it begins.
    #[serde(default)]
    pub after: u32,
    /// How often it happens; for ever when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What happens.
    pub fault: Fault,
}

/// What can go wrong on the way to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The provider answers this status instead.
    Status {
        /// 429, 503, 401, …
        code: u16,
        /// Header `retry-after`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u32>,
    },
    /// No answer in time: the error `timeout` at once, so that tests do not wait.
    Timeout,
    /// The connection breaks: the error `connection_failed`.
    Reset,
    /// The right answer, late.
    Slow {
        /// How late.
        delay_ms: u64,
    },
    /// Status 200 with a page that is not what anybody asked for, as captive portals answer.
    Garbage,
}

fn any() -> String {
    "*".to_owned()
}

impl Default for Cassette {
    fn default() -> Self {
        Self { version: VERSION, note: String::new(), interactions: Vec::new(), faults: Vec::new() }
    }
}

impl Cassette {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, with its name.
    pub fn load(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let invalid =
            |reason: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {reason}", path.display()));
        let text =
            fs::read_to_string(path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
        let cassette: Self = serde_json::from_str(&text).map_err(|e| invalid(e.to_string()))?;
        if cassette.version != VERSION {
            return Err(invalid(format!("version {} is unknown, this SDK reads {VERSION}", cassette.version)));
        }
        Ok(cassette)
    }

    /// Writes a file, one value per line, so that a review can read what changed.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n")
    }

    /// Answers everything with status 200 and `{}`: enough for providers of which only the status counts.
    #[must_use]
    pub fn stub() -> Self {
        let request = Pattern { method: any(), url: any(), body: None };
        let response =
            Recorded { status: 200, json: Some(Value::Object(serde_json::Map::new())), ..Recorded::default() };
        Self { interactions: vec![Interaction { request, response }], ..Self::default() }
    }

    /// Lets this happen to every request.
    #[must_use]
    pub fn failing(mut self, fault: Fault) -> Self {
        self.faults.insert(0, FaultRule { method: any(), url: any(), after: 0, times: None, fault });
        self
    }

    /// Adds what was asked and answered, without secrets and personal data.
    pub fn record(&mut self, redactor: &Redactor, request: &HttpFetch, response: &HttpFetched) {
        self.interactions.push(redactor.interaction(request, response));
    }
}

impl Fault {
    /// What the plugin gets; none when the right answer only comes late.
    fn outcome(&self) -> Option<Result<HttpFetched, PluginError>> {
        let answer = |status, headers, body: &str| Ok(HttpFetched { status, headers, body: Bytes(body.into()) });
        Some(match self {
            Self::Status { code, retry_after_seconds } => {
                let retry = retry_after_seconds.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
                answer(*code, retry.into_iter().collect(), "")
            }
            Self::Timeout => Err(PluginError::retryable("timeout", "the server did not answer in time")),
            Self::Reset => Err(PluginError::retryable("connection_failed", "the exchange broke off")),
            Self::Garbage => {
                let html = ("content-type".to_owned(), "text/html".to_owned());
                answer(200, [html].into(), "<!doctype html><title>Please log in</title>")
            }
            Self::Slow { .. } => return None,
        })
    }

    fn delay(&self) -> Duration {
        match self {
            Self::Slow { delay_ms } => Duration::from_millis(*delay_ms),
            _ => Duration::ZERO,
        }
    }
}
