//! A running server, as an administrator's command talks to it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// Longer than a reload may take: the old instance drains first.
const LIMIT: Duration = Duration::from_secs(60);

/// Which server, and who asks.
#[derive(Debug, Args)]
pub(super) struct At {
    /// A running server, such as http://127.0.0.1:8080
    #[arg(long, value_name = "URL", requires = "who")]
    server: Option<String>,
    /// File with an administrator's access token; read anew for each request, for such tokens are short-lived
    #[arg(long, value_name = "FILE", group = "who")]
    token_file: Option<PathBuf>,
    /// An administrator's e-mail address, to log in with as often as it takes
    #[arg(long, value_name = "ADDRESS", group = "who", requires = "password_file")]
    email: Option<String>,
    /// File with that administrator's password
    #[arg(long, value_name = "FILE", requires = "email")]
    password_file: Option<PathBuf>,
}

enum Who {
    Bearer(PathBuf),
    Admin { email: String, password_file: PathBuf, token: Mutex<String> },
}

pub(super) struct Server {
    client: Client,
    base: String,
    who: Who,
}

impl At {
    /// Whether a server is named at all.
    pub(super) fn is_named(&self) -> bool {
        self.server.is_some()
    }

    /// None when no server is named.
    pub(super) fn server(self) -> anyhow::Result<Option<Server>> {
        let Some(url) = self.server else { return Ok(None) };
        let who = match (self.token_file, self.email, self.password_file) {
            (Some(file), ..) => Who::Bearer(file),
            (None, Some(email), Some(password_file)) => Who::Admin { email, password_file, token: Mutex::default() },
            _ => bail!("--server needs --token-file, or --email and --password-file"),
        };
        let client = Client::builder().timeout(LIMIT).no_proxy().build()?;
        Ok(Some(Server { client, base: url.trim_end_matches('/').to_owned(), who }))
    }
}

impl Server {
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::GET, path).await
    }

    pub(super) async fn post(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::POST, path).await
    }

    async fn ask(&self, method: Method, path: &str) -> anyhow::Result<Value> {
        let request = |token: &str| self.client.request(method.clone(), self.url(path)).bearer_auth(token);
        let answer = match &self.who {
            Who::Bearer(file) => self.send(request(&read(file)?)).await?,
            Who::Admin { token, .. } => {
                let kept = token.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let answer = if kept.is_empty() { None } else { Some(self.send(request(&kept)).await?) };
                match answer {
                    Some(answer) if answer.0 != StatusCode::UNAUTHORIZED => answer,
                    _ => self.send(request(&self.log_in().await?)).await?,
                }
            }
        };
        self.expect(path, answer)
    }

    /// A new access token, which is also kept for the next request.
    async fn log_in(&self) -> anyhow::Result<String> {
        let Who::Admin { email, password_file, token } = &self.who else { bail!("there is nobody to log in") };
        let login = json!({"email": email, "password": read(password_file)?, "token_delivery": "body"});
        let path = "auth/login";
        let answer = self.send(self.client.post(self.url(path)).json(&login)).await?;
        let granted = self.expect(path, answer)?;
        let granted = granted.get("access_token").and_then(Value::as_str).context("the login brings no token")?;
        granted.clone_into(&mut token.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(granted.to_owned())
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<(StatusCode, Value)> {
        let response = request.send().await.with_context(|| format!("{} does not answer", self.base))?;
        Ok((response.status(), response.json().await.unwrap_or_default()))
    }

    fn expect(&self, path: &str, (status, answer): (StatusCode, Value)) -> anyhow::Result<Value> {
        if !status.is_success() {
            let problem = |key| answer.get(key).and_then(Value::as_str).unwrap_or_default();
            bail!("{} answers {status}: {} {}", self.url(path), problem("code"), problem("detail"));
        }
        Ok(answer)
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    Ok(fs::read_to_string(file).with_context(|| file.display().to_string())?.trim_end().to_owned())
}
