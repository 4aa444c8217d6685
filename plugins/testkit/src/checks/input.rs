//! What a plugin may be sent: nonsense, too much, too new, hostile.

use super::{Bench, Outcome, all_of, failed, harm, nothing, passed};
use crate::{kinds, session::Session};
use serde_json::{Value, json};

/// Larger would be refused by the host before the plugin sees it.
const ALMOST_TOO_MUCH: usize = 4 * 1024 * 1024 - 64 * 1024;

async fn started(bench: &Bench<'_>) -> Result<Session, Outcome> {
    bench.session(&bench.services()).await
}

pub(super) async fn malformed(bench: &Bench<'_>) -> Outcome {
    let session = match started(bench).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let deep = "[".repeat(100_000);
    let mut problems = Vec::new();
    for sample in bench.samples() {
        let bodies: [&[u8]; 8] = [b"", b"{", b"null", b"42", b"\"text\"", b"{}", b"\xff\xfe\x00", deep.as_bytes()];
        for body in bodies {
            let answer = session.send(sample.method, body.to_vec()).await;
            let shown = String::from_utf8_lossy(body.get(..body.len().min(8)).unwrap_or_default()).into_owned();
            match (&answer, harm(&answer)) {
                (Ok(_), _) => problems.push(format!("{} accepts {shown:?}", sample.method)),
                (_, Some(error)) => problems.push(format!("{} with {shown:?}: {error}", sample.method)),
                _ => {}
            }
        }
    }
    session.end().await;
    all_of(problems)
}

pub(super) async fn unknown_method(bench: &Bench<'_>) -> Outcome {
    let session = match started(bench).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let mut problems = Vec::new();
    for method in
        ["plugin.no_such_call", "video.no_such_call", "no_such_kind.call", "nonsense", "", "video.create_room\0"]
    {
        let answer = session.send(method, b"{}".to_vec()).await;
        match (&answer, harm(&answer)) {
            (Ok(_), _) => problems.push(format!("it answers {method:?}")),
            (_, Some(error)) => problems.push(format!("{method:?}: {error}")),
            _ => {}
        }
    }
    session.end().await;
    all_of(problems)
}

pub(super) async fn hostile(bench: &Bench<'_>) -> Outcome {
    let session = match started(bench).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let mut problems = Vec::new();
    for sample in bench.samples() {
        for pointer in leaves(&sample.request) {
            for value in hostile_values(sample.request.pointer(&pointer)) {
                let mut request = sample.request.clone();
                if let Some(place) = request.pointer_mut(&pointer) {
                    *place = value.clone();
                }
                // As bytes, so that also what no caller in the core could send arrives.
                let answer = session.send(sample.method, request.to_string().into_bytes()).await;
                if let Some(error) = harm(&answer) {
                    let shown: String = value.to_string().chars().take(40).collect();
                    problems.push(format!("{} with {pointer} = {shown}: {error}", sample.method));
                }
            }
        }
    }
    if let Err(trouble) = kinds::story(&session, 1).await
        && !problems.is_empty()
    {
        problems.push(format!("and then a sensible call fails: {trouble}"));
    }
    session.end().await;
    all_of(problems)
}

fn hostile_values(present: Option<&Value>) -> Vec<Value> {
    match present {
        Some(Value::String(text)) if text.parse::<jiff::Timestamp>().is_ok() => {
            ["-009999-01-02T01:59:59Z", "9999-12-30T22:00:00.999999999Z", "1970-01-01T00:00:00Z", "now"]
                .map(Value::from)
                .into()
        }
        Some(Value::String(_)) => vec![
            json!(""),
            json!("\u{0}\u{1b}[31m\u{202e}\r\nX-Injected: yes"),
            json!("../../../etc/passwd?x=1#y"),
            json!("%2e%2e%2f%00{{secret:api_key}}${jndi:x}' OR 1=1 --"),
            json!("é😀\u{301}".repeat(50)),
            json!("a".repeat(100_000)),
        ],
        Some(Value::Number(_)) => vec![json!(0), json!(-1), json!(i64::MAX), json!(u32::MAX), json!(1e308)],
        _ => vec![Value::Null, json!([]), json!({})],
    }
}

/// JSON pointers of everything in a value that has no members, and of empty lists and objects.
fn leaves(value: &Value) -> Vec<String> {
    fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                members.iter().for_each(|(name, member)| walk(member, &format!("{path}/{name}"), found));
            }
            Value::Array(items) if !items.is_empty() => {
                items.iter().zip(0..).for_each(|(item, at)| walk(item, &format!("{path}/{at}"), found));
            }
            _ => found.push(path.to_owned()),
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

pub(super) async fn oversized(bench: &Bench<'_>) -> Outcome {
    // It shall come back; how soon is a matter of the machine, and of whether the library is optimised.
    let services = bench.services();
    let patient = bench.session_with(&services, |settings, _| settings.call_timeout_ms = 30_000);
    let session = match patient.await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let mut problems = Vec::new();
    for sample in bench.samples() {
        let texts = leaves(&sample.request);
        let text = texts.into_iter().find(|pointer| sample.request.pointer(pointer).is_some_and(Value::is_string));
        let Some(pointer) = text else { continue };
        let mut request = sample.request.clone();
        if let Some(place) = request.pointer_mut(&pointer) {
            *place = json!("x".repeat(ALMOST_TOO_MUCH));
        }
        let answer = session.send(sample.method, request.to_string().into_bytes()).await;
        // An echo may make the answer too large; the border refuses it, and that is well.
        if let Some(error) =
            harm(&answer).filter(|error| !matches!(error, consilium_plugin_host::CallError::InvalidAnswer(_)))
        {
            problems.push(format!("{} with {} bytes: {error}", sample.method, ALMOST_TOO_MUCH));
        }
    }
    session.end().await;
    all_of(problems)
}

/// A request with members that today's contract does not have must not be refused for them.
pub(super) async fn newer(bench: &Bench<'_>) -> Outcome {
    if bench.samples().is_empty() {
        return nothing("none of its kinds has calls that the kit knows");
    }
    let session = match started(bench).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    for sample in bench.samples() {
        let Ok(bytes) = (sample.bytes)(&session, sample.request.clone()) else {
            return failed(format!("the kit's own request for {} is wrong", sample.method));
        };
        let Ok(mut request) = serde_json::from_slice::<Value>(&bytes) else { continue };
        add_members(&mut request);
        let answer = session.send(sample.method, request.to_string().into_bytes()).await;
        if let Err(consilium_plugin_host::CallError::InvalidRequest(why)) = &answer {
            session.end().await;
            return failed(format!("{}: {why}", sample.method));
        }
    }
    session.end().await;
    passed()
}

fn add_members(value: &mut Value) {
    match value {
        // FHIR's `value[x]` is one of several, and stays one.
        Value::Object(members) if !members.is_empty() && members.keys().all(|name| name.starts_with("value_")) => {}
        // Maps of headers have strings as values; a string is a member of anything.
        Value::Object(members) => {
            members.values_mut().for_each(add_members);
            members.insert("x_of_a_later_version".to_owned(), json!("anything"));
        }
        Value::Array(items) => items.iter_mut().for_each(add_members),
        _ => {}
    }
}
