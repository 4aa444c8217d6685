//! Takes secrets and personal data out of what is recorded. It errs on the side of taking too much:
//! a value that a test needs can be written back by hand, one that leaked cannot be taken back.

use super::{Interaction, Pattern, Recorded};
use consilium_plugin_contract::host::{HttpFetch, HttpFetched};
use serde_json::Value;

/// What stands where something was taken out.
const TAKEN: &str = "redacted";
/// An address that belongs to nobody (RFC 2606).
const NOBODY: &str = "person@example.org";
/// Response headers that are kept; all others may hold cookies, accounts or trackers.
const KEPT_HEADERS: &[&str] = &["content-type", "location", "retry-after", "etag", "link"];
/// Names of members and parameters whose values are secrets.
const SECRET_NAMES: &[&str] = &[
    "token",
    "secret",
    "password",
    "passcode",
    "pwd",
    "passwd",
    "key",
    "signature",
    "credential",
    "jwt",
    "zak",
    "auth",
];
/// Names of members whose values are about people.
const PERSONAL_NAMES: &[&str] = &[
    "name", "given", "family", "email", "phone", "birth", "gender", "address", "contact", "picture", "avatar", "user",
    "owner", "pmi",
];

/// Knows what must not be recorded.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    /// With the values of the plugin's secrets, which are taken out wherever they stand.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        Self { secrets: secrets.into_iter().filter(|secret| !secret.is_empty()).collect() }
    }

    /// Bodies and headers of requests are not kept at all; values of URL parameters become `*`.
    pub(super) fn interaction(&self, request: &HttpFetch, response: &HttpFetched) -> Interaction {
        let request =
            Pattern { method: request.method.to_uppercase(), url: self.url_pattern(&request.url), body: None };
        let headers = response.headers.iter().filter(|(name, _)| KEPT_HEADERS.contains(&name.as_str()));
        let headers = headers.map(|(name, value)| (name.clone(), self.text(value))).collect();
        let mut recorded = Recorded { status: response.status, headers, ..Recorded::default() };
        match serde_json::from_slice::<Value>(&response.body.0) {
            Ok(mut json) => {
                self.json(&mut json);
                recorded.json = Some(json);
            }
            // What is not text cannot be looked through, so it is left out.
            Err(_) => recorded.text = std::str::from_utf8(&response.body.0).ok().map(|text| self.text(text)),
        }
        Interaction { request, response: recorded }
    }

    fn url_pattern(&self, url: &str) -> String {
        let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
        let path = self.text(path).replace(TAKEN, "*").replace(NOBODY, "*");
        let Some(query) = query else { return path };
        let names = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
        let pairs: Vec<_> = names.map(|name| format!("{name}=*")).collect();
        format!("{path}?{}", pairs.join("&"))
    }

    fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(text) if text.contains("://") => *text = self.text(text),
                        Value::String(text) if is_about(name, PERSONAL_NAMES) && text.contains('@') => {
                            NOBODY.clone_into(text);
                        }
                        Value::String(text) if is_about(name, PERSONAL_NAMES) || is_about(name, SECRET_NAMES) => {
                            if !is_marker(name) {
                                TAKEN.clone_into(text);
                            }
                        }
                        other => self.json(other),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Takes out secrets, e-mail addresses and telling URL parameters.
    fn text(&self, text: &str) -> String {
        let text = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, TAKEN));
        let mut out = String::with_capacity(text.len());
        let mut word = String::new();
        for letter in text.chars().chain([' ']) {
            if letter.is_whitespace() || "\"'<>(),;?&/".contains(letter) {
                out.push_str(&redacted_word(&word));
                out.push(letter);
                word.clear();
            } else {
                word.push(letter);
            }
        }
        out.pop();
        out
    }
}

fn redacted_word(word: &str) -> String {
    if let Some((name, value)) = word.split_once('=')
        && is_about(name, SECRET_NAMES)
        && !value.is_empty()
    {
        return format!("{name}={TAKEN}");
    }
    let is_address = word.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'));
    if is_address { NOBODY.to_owned() } else { word.to_owned() }
}

fn is_about(name: &str, words: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    words.iter().any(|word| name.contains(word))
}

/// `token_type` and the like say what a secret is, not the secret.
fn is_marker(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["_type", "type", "_in", "_at", "_id"].iter().any(|end| name.ends_with(end))
}
