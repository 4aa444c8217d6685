//! Google's APIs, asked with access tokens of a service account that speaks for a user.
//!
//! "Using OAuth 2.0 for Server to Server Applications"
//! (<https://developers.google.com/identity/protocols/oauth2/service-account>): a JWT signed with RS256,
//! claims `iss`, `scope`, `aud`, `iat`, `exp` (an hour at most) and `sub`, is posted as `assertion`
//! with the grant type `urn:ietf:params:oauth:grant-type:jwt-bearer`.

use crate::config::{Config, KeyFile, Mode};
use consilium_plugin_sdk::{
    Host, PluginError, Sensitive,
    contract::{Bytes, host::HttpFetch},
};
use consilium_provider::{
    http::{Answer, Provider, encode, request},
    jwt::Signer,
    oauth::{Granted, Tokens},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// An assertion is used at once.
const ASSERTION_SECONDS: i64 = 300;
/// A health check has two seconds.
const HEALTH_TIMEOUT_MS: u64 = 1_500;

/// Rooms, and what happened in them. Drive gives only recordings of Meet.
const SPACE_SCOPES: [&str; 3] = [
    "https://www.googleapis.com/auth/meetings.space.created",
    "https://www.googleapis.com/auth/meetings.space.readonly",
    "https://www.googleapis.com/auth/drive.meet.readonly",
];
const CALENDAR_SCOPE: &str = "https://www.googleapis.com/auth/calendar.events";

pub(crate) struct Api {
    token_url: String,
    subject: String,
    issuer: String,
    key_id: Option<String>,
    scope: String,
    signer: Signer,
    tokens: Tokens,
    provider: Provider,
    oauth: Provider,
}

impl Api {
    pub(crate) fn new(config: &Config, key: &KeyFile) -> Result<Self, PluginError> {
        let calendar = (config.mode == Mode::Calendar).then_some(CALENDAR_SCOPE);
        let scope = SPACE_SCOPES.into_iter().chain(calendar).collect::<Vec<_>>().join(" ");
        Ok(Self {
            token_url: config.token_url.clone(),
            subject: config.subject.clone(),
            issuer: key.client_email.clone(),
            key_id: key.private_key_id.clone(),
            signer: Signer::rs256(key.private_key.expose())?,
            tokens: Tokens::of(&[&key.client_email, &config.subject, &scope, &config.token_url]),
            scope,
            provider: Provider::new("meet", |body| body.get("error")?.get("status")?.as_str().map(str::to_owned)),
            oauth: Provider::new("meet_oauth", |body| body.get("error")?.as_str().map(str::to_owned)),
        })
    }

    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        host: &Host<'_>,
        method: &str,
        url: &str,
        body: Option<&Value>,
    ) -> Result<T, PluginError> {
        self.send(host, method, url, body)?.json()
    }

    pub(crate) fn send(
        &self,
        host: &Host<'_>,
        method: &str,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Answer, PluginError> {
        let grant = || self.grant(host, None);
        self.tokens.with(host, &self.provider, grant, |token| {
            self.provider.send(host, &request(method, url.to_owned(), bearer(token), body))
        })
    }

    /// A token for what is downloaded by others.
    pub(crate) fn token(&self, host: &Host<'_>) -> Result<Sensitive, PluginError> {
        self.tokens.with(host, &self.provider, || self.grant(host, None), |token| Ok(token.clone()))
    }

    /// Fetches a token, kept or new: whether key, delegation and network work.
    pub(crate) fn reachable(&self, host: &Host<'_>, meet_url: &str) -> Result<(), PluginError> {
        let grant = || self.grant(host, Some(HEALTH_TIMEOUT_MS));
        self.tokens.with(host, &self.provider, grant, |token| {
            let url = format!("{meet_url}/conferenceRecords?pageSize=1");
            let mut fetch = request("GET", url, bearer(token), None);
            fetch.timeout_ms = Some(HEALTH_TIMEOUT_MS);
            self.provider.send(host, &fetch).map(drop)
        })
    }

    fn grant(&self, host: &Host<'_>, timeout_ms: Option<u64>) -> Result<Granted, PluginError> {
        let now = host.now()?.as_second();
        let claims = json!({
            "iss": self.issuer,
            "scope": self.scope,
            "aud": self.token_url,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            "sub": self.subject,
        });
        let assertion = self.signer.sign(self.key_id.as_deref(), &claims)?;
        let grant_type = encode("urn:ietf:params:oauth:grant-type:jwt-bearer");
        let form = format!("grant_type={grant_type}&assertion={assertion}");
        let headers = [("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded")];
        let fetch = HttpFetch {
            method: "POST".to_owned(),
            url: self.token_url.clone(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: Some(Bytes(form.into_bytes())),
            timeout_ms,
        };
        self.oauth.send(host, &fetch)?.json()
    }
}

pub(crate) fn bearer(token: &Sensitive) -> String {
    format!("Bearer {}", token.expose())
}
