//! The demo's HTTP client: every call is printed, and must answer what it should.

use std::{rc::Rc, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::screen::{Count, Screen, excerpt};

/// How long one answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How often and with which pauses something is looked at until it has happened.
const LOOKS: u32 = 150;
const PAUSE: Duration = Duration::from_millis(200);

/// Somebody who plays along.
#[derive(Clone, Default)]
pub(super) struct Person {
    /// As printed.
    pub name: &'static str,
    pub email: String,
    pub password: String,
    /// The access token, once logged in.
    pub token: Option<String>,
    /// `doctor_id` or `patient_id`.
    pub id: String,
}

/// Calls one server.
pub(super) struct Wire {
    base: String,
    http: reqwest::Client,
    screen: Rc<Screen>,
}

/// A call that is being put together.
pub(super) struct Call<'a> {
    wire: &'a Wire,
    who: &'a str,
    token: Option<&'a str>,
    method: &'static str,
    path: String,
    body: Option<String>,
    headers: Vec<(&'static str, String)>,
    show: &'static [&'static str],
}

/// What was answered.
pub(super) struct Reply {
    pub status: u16,
    headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// `null` when it is no JSON.
    pub json: Value,
}

impl Wire {
    /// Of the server at `base`, such as `http://127.0.0.1:8080`.
    pub(super) fn new(base: &str, screen: Rc<Screen>) -> Result<Self> {
        let redirects = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().timeout(ANSWER_LIMIT).redirect(redirects).no_proxy().build()?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), http, screen })
    }

    /// Where the server is, without a slash at the end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// A call in somebody's name, below `/api/v1`.
    pub(super) fn call<'a>(&'a self, who: &'a Person, method: &'static str, path: impl AsRef<str>) -> Call<'a> {
        Call {
            wire: self,
            who: who.name,
            token: who.token.as_deref(),
            method,
            path: format!("/api/v1{}", path.as_ref()),
            body: None,
            headers: Vec::new(),
            show: &[],
        }
    }
}

impl Call<'_> {
    /// Sends this body.
    pub(super) fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    /// Sends these bytes, which are JSON.
    pub(super) fn text(mut self, body: String) -> Self {
        self.body = Some(body);
        self
    }

    /// With a header.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Prints only these fields of the answer.
    pub(super) fn show(mut self, fields: &'static [&'static str]) -> Self {
        self.show = fields;
        self
    }

    /// Sends it; anything but `status` is an error.
    pub(super) async fn expect(self, status: u16) -> Result<Reply> {
        let reply = self.any().await?;
        self.check(&reply, status)?;
        Ok(reply)
    }

    /// Sends it and prints what came back, whatever it is.
    pub(super) async fn any(&self) -> Result<Reply> {
        let reply = self.send().await?;
        self.print(&reply);
        Ok(reply)
    }

    /// Sends it until the answer is 200 and as `wanted`, and prints only that answer.
    pub(super) async fn until(self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Reply> {
        let mut last = Value::Null;
        for _ in 0..LOOKS {
            let reply = self.send().await?;
            if reply.status != 200 {
                self.print(&reply);
            }
            self.check(&reply, 200)?;
            if wanted(&reply.json) {
                self.print(&reply);
                return Ok(reply);
            }
            last = reply.json;
            tokio::time::sleep(PAUSE).await;
        }
        bail!("{} {}: {what} did not happen; last seen: {}", self.method, self.path, excerpt(&last))
    }

    async fn send(&self) -> Result<Reply> {
        let method = self.method.parse().context("a method of HTTP")?;
        let mut request = self.wire.http.request(method, format!("{}{}", self.wire.base, self.path));
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = &self.body {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        self.wire.screen.count(Count::Request);
        let answer = request.send().await.with_context(|| format!("{} {}", self.method, self.path))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await?.to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Reply { status, headers, bytes, json })
    }

    fn check(&self, reply: &Reply, status: u16) -> Result<()> {
        if reply.status == status {
            return Ok(());
        }
        let said = excerpt(&reply.json);
        bail!("{} {} answered {} instead of {status}: {said}", self.method, self.path, reply.status)
    }

    fn print(&self, reply: &Reply) {
        let screen = &self.wire.screen;
        let colour = if reply.status < 400 { "32" } else { "33" };
        screen.line(self.who, colour, &format!("{} {} → {}", self.method, self.path, reply.status));
        for (name, value) in &self.headers {
            screen.detail("→", &format!("{name}: {value}"));
        }
        if let Some(body) = &self.body {
            screen.excerpt("→", &serde_json::from_str(body).unwrap_or_default());
        }
        match &reply.json {
            Value::Null => {}
            // A problem is worth reading; of everything else, what the step is about.
            whole if self.show.is_empty() || reply.status >= 400 => screen.excerpt("←", whole),
            Value::Object(fields) => {
                let of_interest = fields.iter().filter(|(name, _)| self.show.contains(&name.as_str()));
                screen.excerpt("←", &of_interest.map(|(name, value)| (name.clone(), value.clone())).collect());
            }
            other => screen.excerpt("←", other),
        }
    }
}

impl Reply {
    /// The text at a JSON pointer.
    pub(super) fn text(&self, pointer: &str) -> Result<String> {
        let found = self.json.pointer(pointer).and_then(Value::as_str);
        found
            .map(str::to_owned)
            .with_context(|| format!("the answer has no text at {pointer}: {}", excerpt(&self.json)))
    }

    /// Refuses an answer that has not this value at a JSON pointer.
    pub(super) fn must_have(&self, pointer: &str, value: impl Into<Value>) -> Result<()> {
        let (found, value) = (self.json.pointer(pointer).unwrap_or(&Value::Null), value.into());
        anyhow::ensure!(*found == value, "{pointer} is {found} instead of {value}");
        Ok(())
    }

    /// A header.
    pub(super) fn header(&self, name: &str) -> Result<String> {
        let found = self.headers.get(name).and_then(|value| value.to_str().ok());
        found.map(str::to_owned).with_context(|| format!("the answer has no header {name}"))
    }
}
