//! Zoom's API: every request carries an access token of the account, which is fetched when there is
//! none and once more when Zoom refuses it.
//!
//! "Server-to-Server OAuth" (<https://developers.zoom.us/docs/rooms/s2s-oauth/>): `POST
//! https://zoom.us/oauth/token` with `grant_type=account_credentials` and `account_id`, Basic
//! authentication with client id and secret; tokens live an hour, there is no refresh token.

use crate::Config;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use consilium_plugin_sdk::{
    Host, PluginError, Sensitive,
    contract::{Bytes, host::HttpFetch},
};
use consilium_provider::{
    http::{Answer, Provider, encode, request},
    oauth::{Granted, Tokens},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A health check has two seconds.
const HEALTH_TIMEOUT_MS: u64 = 1_500;

pub(crate) struct Api {
    base: String,
    oauth_url: String,
    account_id: String,
    basic: Sensitive,
    tokens: Tokens,
    provider: Provider,
    oauth: Provider,
}

impl Api {
    pub(crate) fn new(config: &Config, client_secret: &Sensitive) -> Self {
        let basic = STANDARD.encode(format!("{}:{}", config.client_id, client_secret.expose()));
        Self {
            base: config.api_url.trim_end_matches('/').to_owned(),
            oauth_url: config.oauth_url.clone(),
            account_id: config.account_id.clone(),
            basic: Sensitive::new(format!("Basic {basic}")),
            tokens: Tokens::of(&[&config.account_id, &config.client_id, &config.oauth_url]),
            provider: Provider::new("zoom", |body| Some(body.get("code")?.as_i64()?.to_string())),
            oauth: Provider::new("zoom_oauth", |body| body.get("error")?.as_str().map(str::to_owned)),
        }
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, host: &Host<'_>, path: &str) -> Result<T, PluginError> {
        self.send(host, "GET", path, None, None)?.json()
    }

    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        host: &Host<'_>,
        path: &str,
        body: &Value,
    ) -> Result<T, PluginError> {
        self.send(host, "POST", path, Some(body), None)?.json()
    }

    /// For requests that Zoom answers with 204.
    pub(crate) fn change(
        &self,
        host: &Host<'_>,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(), PluginError> {
        self.send(host, method, path, body, None).map(drop)
    }

    /// Whether credentials and network work, and this user is there.
    pub(crate) fn user_exists(&self, host: &Host<'_>, user: &str) -> Result<(), PluginError> {
        self.send(host, "GET", &format!("/users/{}", encode(user)), None, Some(HEALTH_TIMEOUT_MS)).map(drop)
    }

    fn send(
        &self,
        host: &Host<'_>,
        method: &str,
        path: &str,
        body: Option<&Value>,
        timeout_ms: Option<u64>,
    ) -> Result<Answer, PluginError> {
        self.tokens.with(
            host,
            &self.provider,
            || self.grant(host, timeout_ms),
            |token| {
                let bearer = format!("Bearer {}", token.expose());
                let mut fetch = request(method, format!("{}{path}", self.base), bearer, body);
                fetch.timeout_ms = timeout_ms;
                self.provider.send(host, &fetch)
            },
        )
    }

    fn grant(&self, host: &Host<'_>, timeout_ms: Option<u64>) -> Result<Granted, PluginError> {
        let form = format!("grant_type=account_credentials&account_id={}", encode(&self.account_id));
        let headers = [
            ("accept", "application/json"),
            ("authorization", self.basic.expose()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let fetch = HttpFetch {
            method: "POST".to_owned(),
            url: self.oauth_url.clone(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: Some(Bytes(form.into_bytes())),
            timeout_ms,
        };
        self.oauth.send(host, &fetch)?.json()
    }
}
