//! Requests to a provider, and its answers as errors that an operator can act upon.

pub use consilium_plugin_sdk::percent_encode as encode;
use consilium_plugin_sdk::{
    Host, PluginError,
    contract::{
        Bytes,
        host::{HttpFetch, HttpFetched},
    },
};
use jiff::{Timestamp, fmt::rfc2822};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::atomic::{AtomicI64, Ordering};

/// A limit may be for one call or one user only, and last until midnight: other calls are tried
/// again after this many seconds.
const LONGEST_QUIET_SECONDS: i64 = 30;
/// A provider that asks for quiet without saying how long gets this many seconds.
const DEFAULT_QUIET_SECONDS: i64 = 1;

/// One provider's HTTP API.
///
/// | answer | code | retryable |
/// |---|---|---|
/// | 401 | `…_unauthorized` | no |
/// | 403 | `…_forbidden` | no |
/// | 404, 410 | `…_not_found` | no |
/// | 409 | `…_conflict` | no |
/// | 429 | `…_rate_limited` | yes, and says when; so long, at most 30 s, nothing is asked |
/// | 408, 425, 5xx | `…_unavailable` | yes |
/// | other 4xx, 3xx | `…_refused` | no |
/// | 2xx that cannot be read | `…_answer_invalid` | yes |
///
/// Messages hold the status and the provider's own machine code, never its prose, which may quote
/// what it was sent.
pub struct Provider {
    name: &'static str,
    error_code: fn(&Value) -> Option<String>,
    quiet_until: AtomicI64,
}

/// What a provider answered with 2xx.
#[derive(Debug)]
pub struct Answer {
    name: &'static str,
    status: u16,
    body: Vec<u8>,
}

impl Provider {
    /// A provider with the prefix of its error codes, and where its machine code stands in an
    /// error's JSON.
    #[must_use]
    pub const fn new(name: &'static str, error_code: fn(&Value) -> Option<String>) -> Self {
        Self { name, error_code, quiet_until: AtomicI64::new(0) }
    }

    /// The prefix of its error codes.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// An error of this provider that will come again.
    #[must_use]
    pub fn permanent(&self, what: &str, message: impl Into<String>) -> PluginError {
        PluginError::permanent(format!("{}_{what}", self.name), message)
    }

    /// An error of this provider that may go away.
    #[must_use]
    pub fn retryable(&self, what: &str, message: impl Into<String>) -> PluginError {
        PluginError::retryable(format!("{}_{what}", self.name), message)
    }

    /// Whether an error is this one of ours.
    #[must_use]
    pub fn is(&self, error: &PluginError, what: &str) -> bool {
        error.code.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('_')) == Some(what)
    }

    /// Makes a request, unless the provider asked to be left alone.
    ///
    /// # Errors
    /// As in the table; and what [`Host::fetch`] says when there was no answer: `timeout`,
    /// `connection_failed` (both retryable), `egress_denied`, `address_denied`.
    pub fn send(&self, host: &Host<'_>, request: &HttpFetch) -> Result<Answer, PluginError> {
        let now = host.now()?.as_second();
        let quiet_until = self.quiet_until.load(Ordering::Relaxed);
        if now < quiet_until {
            return Err(self.limited(quiet_until - now));
        }
        let fetched = host.fetch(request)?;
        if (200..300).contains(&fetched.status) {
            return Ok(Answer { name: self.name, status: fetched.status, body: fetched.body.0 });
        }
        let quiet = retry_after(&fetched, now);
        if fetched.status == 429 || (fetched.status == 503 && quiet.is_some()) {
            let quiet = quiet.unwrap_or(DEFAULT_QUIET_SECONDS).max(1);
            self.quiet_until.fetch_max(now + quiet.min(LONGEST_QUIET_SECONDS), Ordering::Relaxed);
            return Err(self.limited(quiet));
        }
        Err(self.refusal(&fetched))
    }

    fn limited(&self, seconds: i64) -> PluginError {
        let message = format!("{} wants no request for {seconds} s", self.name);
        self.retryable("rate_limited", message).after(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    fn refusal(&self, fetched: &HttpFetched) -> PluginError {
        let status = fetched.status;
        let said = serde_json::from_slice(&fetched.body.0).ok().and_then(|body| (self.error_code)(&body));
        let said = said.filter(|code| is_code(code)).map(|code| format!(" ({code})")).unwrap_or_default();
        let message = format!("{} answered {status}{said}", self.name);
        match status {
            401 => self.permanent("unauthorized", message),
            403 => self.permanent("forbidden", message),
            404 | 410 => self.permanent("not_found", message),
            409 => self.permanent("conflict", message),
            408 | 425 | 500..=599 => self.retryable("unavailable", message),
            _ => self.permanent("refused", message),
        }
    }
}

impl Answer {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `…_answer_invalid` (retryable: a body may have been cut off), with the place, not the text.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, PluginError> {
        serde_json::from_slice(&self.body).map_err(|e| {
            let place = format!("line {}, column {}", e.line(), e.column());
            let message = format!("the answer of {} cannot be read ({place} of {} bytes)", self.name, self.body.len());
            PluginError::retryable(format!("{}_answer_invalid", self.name), message)
        })
    }
}

/// A request with a JSON body, or without a body.
#[must_use]
pub fn request(method: &str, url: String, authorization: String, body: Option<&Value>) -> HttpFetch {
    let mut headers = std::collections::BTreeMap::from([
        ("accept".to_owned(), "application/json".to_owned()),
        ("authorization".to_owned(), authorization),
    ]);
    if body.is_some() {
        headers.insert("content-type".to_owned(), "application/json".to_owned());
    }
    let body = body.map(|value| Bytes(value.to_string().into_bytes()));
    HttpFetch { method: method.to_owned(), url, headers, body, timeout_ms: None }
}

/// Seconds until a request is welcome: RFC 9110, 10.2.3 has seconds or a date; some providers send
/// an RFC 3339 time.
fn retry_after(fetched: &HttpFetched, now: i64) -> Option<i64> {
    let value = fetched.headers.get("retry-after")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(seconds);
    }
    let at = value.parse::<Timestamp>().ok();
    let at = at.or_else(|| rfc2822::parse(value).ok().map(|zoned| zoned.timestamp()))?;
    Some(at.as_second() - now)
}

/// A machine code, not a sentence: what an operator can look up and a patient cannot be quoted in.
fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use consilium_plugin_sdk::testing::FakeHost;
    use serde_json::json;

    fn provider() -> Provider {
        Provider::new("acme", |body| body.get("code")?.as_str().map(str::to_owned))
    }

    fn answering(status: u16, header: Option<(&str, &str)>, body: &str) -> FakeHost {
        let headers = header.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let answer = HttpFetched { status, headers, body: Bytes(body.as_bytes().to_vec()) };
        FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap()).answering(move |_| Ok(answer.clone()))
    }

    fn get() -> HttpFetch {
        request("GET", "https://api.example.org/".to_owned(), "Bearer t".to_owned(), None)
    }

    #[test]
    fn each_status_has_its_code() {
        for (status, code, retryable) in [
            (302, "acme_refused", false),
            (400, "acme_refused", false),
            (401, "acme_unauthorized", false),
            (403, "acme_forbidden", false),
            (404, "acme_not_found", false),
            (409, "acme_conflict", false),
            (408, "acme_unavailable", true),
            (500, "acme_unavailable", true),
            (503, "acme_unavailable", true),
        ] {
            let host = answering(status, None, r#"{"code": "E17", "message": "Ada has a cold"}"#);
            let error = provider().send(&host.host(), &get()).unwrap_err();
            assert_eq!((error.code.as_str(), error.retryable), (code, retryable), "{status}");
            assert_eq!(error.message, format!("acme answered {status} (E17)"));
        }
    }

    #[test]
    fn what_is_no_code_is_not_repeated() {
        let host = answering(400, None, r#"{"code": "Ada Rahman has a cold"}"#);
        let error = provider().send(&host.host(), &get()).unwrap_err();
        assert_eq!(error.message, "acme answered 400");
    }

    #[test]
    fn a_provider_that_asks_for_quiet_is_left_alone_that_long() {
        for (value, seconds) in [
            (Some("7"), 7),
            (Some("Fri, 20 Nov 2026 09:00:12 GMT"), 12),
            (Some("2026-11-20T09:00:09Z"), 9),
            (Some("-5"), 1),
            (Some("soon"), 1),
            (None, 1),
        ] {
            let host = answering(429, value.map(|value| ("retry-after", value)), "");
            let provider = provider();
            let error = provider.send(&host.host(), &get()).unwrap_err();
            assert_eq!((error.code.as_str(), error.retryable), ("acme_rate_limited", true));
            assert_eq!(error.message, format!("acme wants no request for {seconds} s"), "{value:?}");
            assert_eq!(error.retry_after_seconds, u32::try_from(seconds).ok(), "{value:?}");
            assert_eq!(provider.send(&host.host(), &get()).unwrap_err().code, "acme_rate_limited");
            assert_eq!(host.requests().len(), 1, "asked although it wants quiet: {value:?}");
            let start: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
            host.set_now(Timestamp::from_second(start.as_second() + seconds).unwrap());
            let _ = provider.send(&host.host(), &get());
            assert_eq!(host.requests().len(), 2, "not asked although it wants quiet no more: {value:?}");
        }
    }

    #[test]
    fn a_limit_until_midnight_does_not_silence_everything_until_then() {
        let host = answering(429, Some(("retry-after", "2026-11-21T00:00:00Z")), "");
        let provider = provider();
        let error = provider.send(&host.host(), &get()).unwrap_err();
        assert_eq!(error.message, "acme wants no request for 54000 s");
        host.set_now("2026-11-20T09:00:31Z".parse().unwrap());
        let _ = provider.send(&host.host(), &get());
        assert_eq!(host.requests().len(), 2);
    }

    #[test]
    fn an_answer_that_was_cut_off_may_be_asked_for_again() {
        let host = answering(200, None, r#"{"name": "Ada"#);
        let answer = provider().send(&host.host(), &get()).unwrap();
        let error = answer.json::<Value>().unwrap_err();
        assert_eq!((error.code.as_str(), error.retryable), ("acme_answer_invalid", true));
        assert!(!error.message.contains("Ada"), "{}", error.message);
        let host = answering(200, None, r#"{"name": 1}"#);
        assert_eq!(provider().send(&host.host(), &get()).unwrap().json::<Value>().unwrap(), json!({"name": 1}));
    }
}
