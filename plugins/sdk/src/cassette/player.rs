//! Plays a cassette: finds what answers a request, or what goes wrong with it.

use super::{Cassette, FaultRule, Interaction, Recorded};
use consilium_plugin_contract::{
    Bytes, PluginError,
    host::{HttpFetch, HttpFetched},
};
use serde_json::Value;
use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

/// A cassette with its position. May be asked from several threads.
#[derive(Debug)]
pub struct Player {
    cassette: Cassette,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// How often each interaction was played.
    played: Vec<u64>,
    /// How many requests each fault rule has seen.
    seen: Vec<u64>,
}

/// What comes back, and how long it takes.
#[derive(Debug)]
pub struct Played {
    /// To be waited before the plugin gets the answer.
    pub delay: Duration,
    /// `cassette_miss` when nothing answers the request.
    pub answer: Result<HttpFetched, PluginError>,
}

impl Player {
    /// From the beginning.
    #[must_use]
    pub fn new(cassette: Cassette) -> Self {
        let counts = Counts { played: vec![0; cassette.interactions.len()], seen: vec![0; cassette.faults.len()] };
        Self { cassette, counts: Mutex::new(counts) }
    }

    /// What answers the request.
    pub fn play(&self, request: &HttpFetch) -> Played {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = self.fault(request, &mut counts);
        if let Some(answer) = fault.and_then(|rule| rule.fault.outcome()) {
            return Played { delay: Duration::ZERO, answer };
        }
        let delay = fault.map_or(Duration::ZERO, |rule| rule.fault.delay());
        Played { delay, answer: self.interaction(request, &mut counts) }
    }

    /// As [`Player::play`], waiting where it takes time.
    ///
    /// # Errors
    /// `cassette_miss`, and the faults `timeout` and `connection_failed`.
    pub fn answer(&self, request: &HttpFetch) -> Result<HttpFetched, PluginError> {
        let Played { delay, answer } = self.play(request);
        thread::sleep(delay);
        answer
    }

    fn fault(&self, request: &HttpFetch, counts: &mut Counts) -> Option<&FaultRule> {
        for (rule, seen) in self.cassette.faults.iter().zip(&mut counts.seen) {
            if !wanted(&rule.method, &request.method) || !matches(&rule.url, &request.url) {
                continue;
            }
            *seen += 1;
            let begun = *seen > u64::from(rule.after);
            if begun && rule.times.is_none_or(|times| *seen <= u64::from(rule.after) + u64::from(times)) {
                return Some(rule);
            }
        }
        None
    }

    fn interaction(&self, request: &HttpFetch, counts: &mut Counts) -> Result<HttpFetched, PluginError> {
        let sent = request.body.as_ref().and_then(|body| serde_json::from_slice(&body.0).ok());
        let matching = || {
            let numbered = self.cassette.interactions.iter().zip(0_usize..);
            numbered.filter(|(interaction, _)| answers(interaction, request, sent.as_ref()))
        };
        let fresh = matching().find(|(_, number)| counts.played.get(*number) == Some(&0));
        let Some((interaction, number)) = fresh.or_else(|| matching().last()) else {
            let message = format!("the cassette has no answer to {} {}", request.method, request.url);
            return Err(PluginError::permanent("cassette_miss", message));
        };
        let count = counts.played.get_mut(number).map_or(0, |count| {
            *count += 1;
            *count
        });
        Ok(interaction.response.render(&Asked { count, url: &request.url, sent: sent.as_ref() }))
    }
}

fn answers(interaction: &Interaction, request: &HttpFetch, sent: Option<&Value>) -> bool {
    let pattern = &interaction.request;
    let body = pattern.body.as_ref().is_none_or(|wanted| sent.is_some_and(|sent| includes(sent, wanted)));
    body && wanted(&pattern.method, &request.method) && matches(&pattern.url, &request.url)
}

fn wanted(pattern: &str, method: &str) -> bool {
    pattern == "*" || pattern.eq_ignore_ascii_case(method)
}

/// `*` is any characters. Everything before the first and after the last must stand at the ends.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part).and_then(|at| text.get(at + part.len()..)) {
            Some(after) => text = after,
            None => return false,
        }
    }
    text.ends_with(end)
}

/// Whether `sent` has all that `wanted` has.
fn includes(sent: &Value, wanted: &Value) -> bool {
    match (sent, wanted) {
        (_, Value::String(any)) if any == "*" => true,
        (Value::Object(sent), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| sent.get(key).is_some_and(|sent| includes(sent, value)))
        }
        _ => sent == wanted,
    }
}

/// What a response may speak of.
struct Asked<'a> {
    count: u64,
    url: &'a str,
    sent: Option<&'a Value>,
}

impl Asked<'_> {
    /// The value of a placeholder; none when it is not one.
    fn value(&self, name: &str) -> Option<String> {
        if name == "n" {
            return Some(self.count.to_string());
        }
        if let Some(pointer) = name.strip_prefix("request:") {
            return Some(match self.sent.and_then(|sent| sent.pointer(pointer)) {
                Some(Value::String(value)) => value.clone(),
                Some(value) => value.to_string(),
                None => String::new(),
            });
        }
        let (path, query) = self.url.split_once('?').unwrap_or((self.url, ""));
        if let Some(wanted) = name.strip_prefix("query:") {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            return Some(
                pairs.find(|(name, _)| *name == wanted).map_or_else(String::new, |(_, value)| value.to_owned()),
            );
        }
        let from_end: usize = name.strip_prefix("path:-")?.parse().ok()?;
        path.rsplit('/').nth(from_end.checked_sub(1)?).map(str::to_owned)
    }
}

impl Recorded {
    fn render(&self, asked: &Asked<'_>) -> HttpFetched {
        let mut headers = self.headers.clone();
        let (kind, body) = match (&self.json, &self.text) {
            (Some(json), _) => {
                let mut json = json.clone();
                fill_in(&mut json, asked);
                ("application/json", json.to_string())
            }
            (None, Some(text)) => ("text/plain", filled(text, asked)),
            (None, None) => ("", String::new()),
        };
        if !kind.is_empty() {
            headers.entry("content-type".to_owned()).or_insert_with(|| kind.to_owned());
        }
        for value in headers.values_mut() {
            *value = filled(value, asked);
        }
        HttpFetched { status: self.status, headers, body: Bytes(body.into_bytes()) }
    }
}

fn fill_in(json: &mut Value, asked: &Asked<'_>) {
    match json {
        Value::String(text) if text == "{{n}}" => *json = Value::from(asked.count),
        Value::String(text) => match number(text, asked) {
            Some(number) => *json = Value::from(number),
            None => *text = filled(text, asked),
        },
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, asked)),
        Value::Object(members) => members.values_mut().for_each(|member| fill_in(member, asked)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value of `{{number:…}}`, where that is a whole number.
fn number(text: &str, asked: &Asked<'_>) -> Option<u64> {
    let name = text.strip_prefix("{{number:")?.strip_suffix("}}")?;
    asked.value(name)?.parse().ok()
}

/// Fills in placeholders; what is none stays.
fn filled(text: &str, asked: &Asked<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        match after.split_once("}}").and_then(|(name, after)| Some((asked.value(name)?, after))) {
            Some((value, after)) => {
                out.push_str(&value);
                rest = after;
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out + rest
}
