//! A small client of the HTTP API, and the people in whose name tests use it.

use std::{ops::Deref, pin::Pin, time::Duration};

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// Calls one server, with or without somebody's access token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: String,
    token: Option<String>,
}

impl Client {
    /// Nobody in particular, at `http://host:port`.
    pub fn new(address: &str) -> Self {
        // Whoever built a TLS client before has installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            // The server closes what was idle for five seconds, which on a busy machine a test may be.
            .pool_idle_timeout(Duration::from_secs(2))
            .build()
            .expect("a client without TLS roots can be built");
        Self { http, address: address.to_owned(), token: None }
    }

    /// The bearer of `token`.
    pub fn bearing(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Where it calls: `http://host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The access token.
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("this client is nobody in particular")
    }

    /// A call of `path`, which is below `/api/v1` unless it begins with two slashes.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let url = match path.strip_prefix("//") {
            Some(rest) => format!("{}/{rest}", self.address),
            None => format!("{}/api/v1{path}", self.address),
        };
        let request = self.http.request(method, url);
        Call(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// GET.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// POST of a JSON body; `Value::Null` for none.
    pub fn post(&self, path: &str, body: Value) -> Call {
        let call = self.call(Method::POST, path);
        if body.is_null() { call } else { call.json(&body) }
    }

    /// PUT of a JSON body.
    pub fn put(&self, path: &str, body: Value) -> Call {
        self.call(Method::PUT, path).json(&body)
    }

    /// PATCH with a JSON body.
    pub fn patch(&self, path: &str, body: Value) -> Call {
        self.call(Method::PATCH, path).json(&body)
    }

    /// Registers `<name>@example.org` and logs in.
    pub async fn register(&self, role: &str, name: &str) -> Person {
        let account = json!({
            "email": email(name), "password": PASSWORD, "role": role, "given_name": name, "family_name": "Example",
        });
        self.post("/auth/register", account).await.expect(201);
        self.login(name).await
    }

    /// Logs `<name>@example.org` in.
    pub async fn login(&self, name: &str) -> Person {
        let login = json!({"email": email(name), "password": PASSWORD, "token_delivery": "body"});
        let nobody = Self { token: None, ..self.clone() };
        let session = nobody.post("/auth/login", login).await.expect(200);
        Person::of(self, name, &session)
    }
}

/// The address of the person that tests call `name`.
pub fn email(name: &str) -> String {
    format!("{name}@example.org")
}

/// A call on its way; await it for its [`Answer`].
#[must_use]
pub struct Call(RequestBuilder);

impl Call {
    /// With a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With an Idempotency-Key.
    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// With any body.
    pub fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("Content-Type", content_type).body(body))
    }

    /// The answer, or why there is none: a server that is killed answers nothing.
    pub async fn attempt(self) -> reqwest::Result<Answer> {
        let response = self.0.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, headers, body })
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.attempt().await.expect("the server answers") })
    }
}

/// What the server said.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; text that is no JSON as a string.
    pub body: Value,
}

impl Answer {
    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:#?}");
        self.body
    }

    /// Must be this problem, told as RFC 9457 has it; gives the pointers of its wrong fields.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Vec<&str> {
        assert_eq!((self.status, text(&self.body, "code")), (status, code), "{self:#?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:#?}");
        assert_eq!(self.body["status"], status, "{self:#?}");
        assert_eq!(text(&self.body, "request_id"), self.header("x-request-id"), "{self:#?}");
        for told in ["type", "title", "detail"] {
            assert!(!text(&self.body, told).is_empty(), "{self:#?}");
        }
        let errors = self.body["errors"].as_array();
        errors.into_iter().flatten().map(|error| text(error, "pointer")).collect()
    }

    /// A header; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("headers are ASCII"))
    }
}

/// A field that must be text.
#[track_caller]
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {value:#}"))
}

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Person {
    /// Local part of the address.
    pub name: String,
    /// The account.
    pub id: String,
    /// Of doctors; empty for others.
    pub doctor_id: String,
    /// Of patients; empty for others.
    pub patient_id: String,
    /// Exchanged once for the next pair of tokens.
    pub refresh_token: String,
    client: Client,
}

impl Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Person {
    fn of(client: &Client, name: &str, session: &Value) -> Self {
        let user = &session["user"];
        let own = |field: &str| user[field].as_str().unwrap_or_default().to_owned();
        Self {
            name: name.to_owned(),
            id: own("id"),
            doctor_id: own("doctor_id"),
            patient_id: own("patient_id"),
            refresh_token: text(session, "refresh_token").to_owned(),
            client: client.bearing(text(session, "access_token")),
        }
    }

    /// A new access token, for when the clock was moved past the end of the old one.
    pub async fn again(&self) -> Self {
        self.client.login(&self.name).await
    }

    /// The same person at another node.
    pub fn at(&self, node: &Client) -> Self {
        Self { client: node.bearing(self.token()), ..self.clone() }
    }

    /// Sets this doctor's hours.
    pub async fn set_hours(&self, hours: Value) {
        let path = format!("/doctors/{}/availability", self.doctor_id);
        let seen = self.get(&path).await;
        self.put(&path, hours).header("If-Match", seen.header("etag")).await.expect(200);
    }

    /// The starts of a doctor's free slots of the coming week.
    pub async fn slots(&self, doctor: &Person) -> Vec<String> {
        let slots = self.get(&format!("/doctors/{}/slots", doctor.doctor_id)).await.expect(200);
        let slots = slots["items"].as_array().expect("a list").iter();
        slots.map(|slot| text(slot, "starts_at").to_owned()).collect()
    }

    /// Asks for a slot.
    pub fn book(&self, doctor: &Person, starts_at: &str) -> Call {
        self.post("/appointments", wish(doctor, starts_at))
    }

    /// Books and has the doctor accept: the appointment.
    pub async fn agree(&self, doctor: &Person, starts_at: &str) -> Value {
        let booked = self.book(doctor, starts_at).await.expect(201);
        doctor.accept(text(&booked, "id")).await.expect(200)
    }

    /// Accepts what was asked of this doctor.
    pub fn accept(&self, appointment: &str) -> Call {
        self.post(&format!("/appointments/{appointment}/accept"), Value::Null)
    }
}

/// The body that asks `doctor` for a chat.
pub fn wish(doctor: &Person, starts_at: &str) -> Value {
    json!({"doctor_id": doctor.doctor_id, "starts_at": starts_at, "reason": "A cough", "visit_type": "chat"})
}
