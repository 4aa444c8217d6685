//! A running server, as an administrator's command talks to it.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use reqwest::{Client, Method};
use serde_json::Value;

/// Longer than a reload may take: the old instance drains first.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Server {
    client: Client,
    base: String,
    token: String,
}

impl Server {
    /// None when no address is given.
    pub(super) fn new(url: Option<String>, token_file: Option<&Path>) -> anyhow::Result<Option<Self>> {
        let Some(url) = url else { return Ok(None) };
        let path = token_file.context("--server needs --token-file: a file with an administrator's access token")?;
        let token = fs::read_to_string(path).with_context(|| path.display().to_string())?.trim().to_owned();
        let client = Client::builder().timeout(LIMIT).no_proxy().build()?;
        Ok(Some(Self { client, base: url.trim_end_matches('/').to_owned(), token }))
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::GET, path).await
    }

    pub(super) async fn post(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::POST, path).await
    }

    async fn ask(&self, method: Method, path: &str) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1/{path}", self.base);
        let response = self.client.request(method, &url).bearer_auth(&self.token).send().await;
        let response = response.with_context(|| format!("{} does not answer", self.base))?;
        let status = response.status();
        let answer: Value = response.json().await.unwrap_or_default();
        if !status.is_success() {
            let problem = |key| answer.get(key).and_then(Value::as_str).unwrap_or_default();
            bail!("{url} answers {status}: {} {}", problem("code"), problem("detail"));
        }
        Ok(answer)
    }
}
