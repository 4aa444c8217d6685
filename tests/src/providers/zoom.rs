//! Zoom, as its published API describes it.
//!
//! | mark | page |
//! |---|---|
//! | [oauth] | "Server-to-Server OAuth", <https://developers.zoom.us/docs/rooms/s2s-oauth/> |
//! | [api] | "Using Zoom APIs", <https://developers.zoom.us/docs/api/using-zoom-apis/> |
//! | [meetings] | "Meetings" of the Zoom API, <https://developers.zoom.us/docs/api/meetings/>, whose types are also in Zoom's own library, `meetings/meetings.d.ts`, <https://github.com/zoom/rivet-javascript> |
//! | [limits] | "Rate limits", <https://developers.zoom.us/docs/commerce/rate-limits/> |
//! | [hooks] | "Using webhooks", <https://developers.zoom.us/docs/api/webhooks> |

use super::{Answer, Contract, Request, Violation};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

pub const ACCOUNT_ID: &str = "account-1";
pub const CLIENT_ID: &str = "client-1";
pub const CLIENT_SECRET: &str = "zoom-secret-that-must-not-leak-anywhere";
pub const SECRET_TOKEN: &str = "zoom-secret-token-of-the-webhooks";
pub const HOSTS: [&str; 2] = ["host-1@clinic.example.org", "host-2@clinic.example.org"];

#[derive(Default)]
struct State {
    /// Tokens that are good, and how many were ever granted.
    tokens: BTreeSet<String>,
    granted: u32,
    meetings: BTreeMap<u64, Value>,
    /// Meetings that were ever made; ids are never used again.
    made: u64,
    /// (meeting, e-mail) → answer.
    registrants: BTreeMap<(u64, String), Value>,
    recordings: BTreeMap<u64, Value>,
    running: BTreeSet<u64>,
}

/// A Zoom account.
#[derive(Default)]
pub struct Zoom(Mutex<State>);

impl Zoom {
    /// [oauth] "Tokens stop working when the app is deactivated".
    pub fn revoke_tokens(&self) {
        self.0.lock().unwrap().tokens.clear();
    }

    pub fn tokens_granted(&self) -> u32 {
        self.0.lock().unwrap().granted
    }

    pub fn meetings(&self) -> Vec<Value> {
        self.0.lock().unwrap().meetings.values().cloned().collect()
    }

    pub fn registrants(&self) -> Vec<String> {
        self.0.lock().unwrap().registrants.keys().map(|(_, email)| email.clone()).collect()
    }

    /// Somebody deletes a meeting in Zoom's own pages.
    pub fn delete(&self, meeting: &str) {
        self.0.lock().unwrap().meetings.remove(&meeting.parse().unwrap());
    }

    /// Somebody starts a meeting.
    pub fn run(&self, meeting: &str) {
        self.0.lock().unwrap().running.insert(meeting.parse().unwrap());
    }

    /// A cloud recording is there: a film, its sound, and a time line that is no recording.
    pub fn record(&self, meeting: &str) {
        let file = |id: &str, kind: &str| {
            json!({
                "id": id, "meeting_id": "uuid==", "recording_start": "2026-11-20T09:00:00Z",
                "recording_end": "2026-11-20T09:20:00Z", "file_type": kind, "file_size": 4096, "status": "completed",
                "download_url": format!("https://us02web.zoom.us/rec/download/{id}"), "recording_type": "shared_screen",
            })
        };
        let id: u64 = meeting.parse().unwrap();
        let files = json!([file("film", "MP4"), file("sound", "M4A"), file("line", "TIMELINE")]);
        let listed = json!({"id": id, "uuid": "uuid==", "recording_count": 3, "recording_files": files});
        self.0.lock().unwrap().recordings.insert(id, listed);
    }

    /// [hooks] x-zm-request-timestamp and x-zm-signature of a body.
    pub fn sign(body: &[u8], sent_at: i64) -> (String, String) {
        let time = sent_at.to_string();
        let signature = hmac_hex(&[b"v0:", time.as_bytes(), b":", body].concat());
        (time, format!("v0={signature}"))
    }
}

/// HMAC-SHA256 under the secret token, in hex.
pub fn hmac_hex(text: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET_TOKEN.as_bytes());
    ring::hmac::sign(&key, text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// [api] Errors are JSON with a number and a sentence.
pub fn error(status: u16, code: u32) -> Answer {
    Answer::json(status, &json!({"code": code, "message": "Played for somebody named Ada Rahman"}))
}

impl Contract for Zoom {
    fn answer(&self, request: &Request) -> Result<Answer, Violation> {
        let mut state = self.0.lock().unwrap();
        if request.path == "/oauth/token" {
            return token(request, &mut state);
        }
        let Some(path) = request.path.strip_prefix("/v2/") else {
            return Err(error(404, 404).because("[api] the base is https://api.zoom.us/v2"));
        };
        let Some(bearer) = request.bearer() else {
            return Err(error(401, 124).because("[api] Authorization: Bearer <access token>"));
        };
        if !state.tokens.contains(bearer) {
            return Ok(error(401, 124)); // expired or revoked
        }
        if !request.body.is_empty() && request.header("content-type") != "application/json" {
            return Err(error(415, 300).because("[api] bodies are application/json"));
        }
        let parts: Vec<&str> = path.split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["users", user]) => host(user).map(|user| Answer::json(200, &json!({"id": user, "email": user}))),
            ("POST", ["users", user, "meetings"]) => create(&mut state, &host(user)?, &request.json()),
            ("GET", ["users", user, "meetings"]) => list(&state, &host(user)?, request),
            (method, ["meetings", id, rest @ ..]) => meeting(&mut state, method, id, rest, request),
            _ => Err(error(404, 404).because("[meetings] there is no such method")),
        }
    }
}

/// [oauth] POST with Basic authentication, grant type and account id as a form; an hour's token.
fn token(request: &Request, state: &mut State) -> Result<Answer, Violation> {
    let refuse = |error: &str, rule: &str| {
        Answer::json(400, &json!({"reason": "played", "error": error})).because(format!("[oauth] {rule}"))
    };
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    if request.method != "POST" || request.header("content-type") != "application/x-www-form-urlencoded" {
        return Err(refuse("invalid_request", "POST a form"));
    }
    if request.header("authorization") != basic {
        return Err(refuse("invalid_client", "Basic authentication with client id and secret"));
    }
    let form = request.form();
    if form.get("grant_type").map(String::as_str) != Some("account_credentials") {
        return Err(refuse("unsupported_grant_type", "grant_type=account_credentials"));
    }
    if form.get("account_id").map(String::as_str) != Some(ACCOUNT_ID) {
        return Err(refuse("invalid_request", "account_id is the account's"));
    }
    state.granted += 1;
    let token = format!("zoom-token-{}", state.granted);
    state.tokens.insert(token.clone());
    let scope = "meeting:write:meeting:admin meeting:read:meeting:admin";
    Ok(Answer::json(200, &json!({"access_token": token, "token_type": "bearer", "expires_in": 3600, "scope": scope})))
}

/// The user of a path, whose address is percent-encoded there.
fn host(user: &str) -> Result<String, Violation> {
    let user = user.replace("%40", "@");
    let unknown = || error(404, 1001).because("[meetings] userId is a user of the account");
    if HOSTS.contains(&user.as_str()) { Ok(user) } else { Err(unknown()) }
}

/// [meetings] The fields of "Create a meeting" and "Update a meeting" that are checked, with their types.
fn checked(body: &Value) -> Result<(), Violation> {
    let wrong = |rule: &str| error(400, 300).because(format!("[meetings] {rule}"));
    let known = ["topic", "type", "start_time", "timezone", "duration", "agenda", "password", "settings"];
    let fields = body.as_object().ok_or_else(|| wrong("the body is a JSON object"))?;
    if let Some(field) = fields.keys().find(|field| !known.contains(&field.as_str())) {
        return Err(wrong(&format!("there is no field {field}")));
    }
    if body["type"] != 2 {
        return Err(wrong("type 2 is a scheduled meeting"));
    }
    let time = body["start_time"].as_str().unwrap_or_default();
    // "yyyy-MM-ddTHH:mm:ssZ" is GMT.
    if time.len() != 20 || !time.ends_with('Z') || time.parse::<jiff::Timestamp>().is_err() {
        return Err(wrong("start_time is yyyy-MM-ddTHH:mm:ssZ"));
    }
    if body["duration"].as_u64().is_none_or(|minutes| minutes == 0 || minutes > 1440) {
        return Err(wrong("duration is minutes"));
    }
    let text = |field: &str, most: usize| body[field].as_str().is_some_and(|text| text.chars().count() <= most);
    if !text("topic", 200) || !text("agenda", 2000) {
        return Err(wrong("topic has 200, agenda 2,000 characters at most"));
    }
    let password = body["password"].as_str().unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "@-_*".contains(c);
    if !(1..=10).contains(&password.len()) || !password.chars().all(allowed) {
        return Err(wrong("password has at most 10 of [a-z A-Z 0-9 @ - _ *]"));
    }
    let settings = body["settings"].as_object().ok_or_else(|| wrong("settings is an object"))?;
    for (field, value) in settings {
        let right = match field.as_str() {
            "approval_type" => value.as_u64().is_some_and(|number| number <= 2),
            "auto_recording" => matches!(value.as_str(), Some("local" | "cloud" | "none")),
            "waiting_room"
            | "join_before_host"
            | "use_pmi"
            | "meeting_authentication"
            | "email_notification"
            | "registrants_email_notification"
            | "registrants_confirmation_email"
            | "private_meeting" => value.is_boolean(),
            _ => false,
        };
        if !right {
            return Err(wrong(&format!("settings.{field} is not as published")));
        }
    }
    Ok(())
}

fn create(state: &mut State, host: &str, body: &Value) -> Result<Answer, Violation> {
    checked(body)?;
    state.made += 1;
    let id = 84_000_000_000 + state.made;
    let mut meeting = body.clone();
    let fields = meeting.as_object_mut().unwrap();
    fields.insert("id".to_owned(), json!(id));
    fields.insert("host_id".to_owned(), json!(host));
    fields.insert("join_url".to_owned(), json!(format!("https://us02web.zoom.us/j/{id}?pwd=played")));
    fields.insert("start_url".to_owned(), json!(format!("https://us02web.zoom.us/s/{id}?zak=played")));
    state.meetings.insert(id, meeting.clone());
    Ok(Answer::json(201, &meeting))
}

/// [meetings] "List meetings": pages of up to 300, without start_url.
fn list(state: &State, host: &str, request: &Request) -> Result<Answer, Violation> {
    let wrong = |rule: &str| error(400, 300).because(format!("[meetings] {rule}"));
    let kinds = ["scheduled", "live", "upcoming", "upcoming_meetings", "previous_meetings"];
    if !request.query.get("type").is_none_or(|kind| kinds.contains(&kind.as_str())) {
        return Err(wrong("type is one of those published"));
    }
    let size: usize = request.query.get("page_size").map_or(30, |size| size.parse().unwrap());
    if size > 300 {
        return Err(wrong("page_size is at most 300"));
    }
    let of_host = state.meetings.values().filter(|meeting| meeting["host_id"] == host);
    let short =
        of_host.map(|meeting| json!({"id": meeting["id"], "agenda": meeting["agenda"], "topic": meeting["topic"]}));
    let meetings: Vec<Value> = short.take(size).collect();
    Ok(Answer::json(200, &json!({"page_size": size, "next_page_token": "", "meetings": meetings})))
}

fn meeting(state: &mut State, method: &str, id: &str, rest: &[&str], request: &Request) -> Result<Answer, Violation> {
    let id: u64 = id.parse().map_err(|_| error(400, 300).because("[meetings] meetingId is a number"))?;
    if (method, rest) == ("GET", &["recordings"]) {
        return recordings(state, id, request);
    }
    if !state.meetings.contains_key(&id) {
        return Ok(error(404, 3001)); // "Meeting does not exist"
    }
    match (method, rest) {
        ("GET", []) => Ok(Answer::json(200, &state.meetings[&id])),
        ("PATCH", []) => {
            checked(&request.json())?;
            let meeting = state.meetings.get_mut(&id).unwrap().as_object_mut().unwrap();
            meeting.extend(request.json().as_object().unwrap().clone());
            Ok(Answer::empty(204))
        }
        ("DELETE", []) => {
            state.meetings.remove(&id);
            Ok(Answer::empty(204))
        }
        ("PUT", ["status"]) => {
            if request.json() != json!({"action": "end"}) {
                return Err(error(400, 300).because("[meetings] action is end or recover"));
            }
            // A meeting that nobody is in cannot be ended.
            Ok(if state.running.remove(&id) { Answer::empty(204) } else { error(400, 3161) })
        }
        ("POST", ["registrants"]) => register(state, id, &request.json()),
        _ => Err(error(404, 404).because("[meetings] there is no such method")),
    }
}

/// [meetings] "Add a meeting registrant": first_name and email are required.
fn register(state: &mut State, id: u64, body: &Value) -> Result<Answer, Violation> {
    let wrong = |rule: &str| error(400, 300).because(format!("[meetings] {rule}"));
    if state.meetings[&id]["settings"]["approval_type"] == 2 {
        return Err(wrong("the meeting has no registration"));
    }
    let known = ["first_name", "last_name", "email", "auto_approve"];
    if body.as_object().is_none_or(|fields| fields.keys().any(|field| !known.contains(&field.as_str()))) {
        return Err(wrong("a registrant has no such field"));
    }
    let (name, email) = (body["first_name"].as_str().unwrap_or_default(), body["email"].as_str().unwrap_or_default());
    if !(1..=64).contains(&name.chars().count()) || !email.contains('@') || email.len() > 128 {
        return Err(wrong("first_name has 1 to 64, email up to 128 characters"));
    }
    let registrant = format!("registrant-{}", state.registrants.len() + 1);
    let answer = json!({
        "id": id, "registrant_id": registrant, "topic": state.meetings[&id]["topic"],
        "join_url": format!("https://us02web.zoom.us/w/{id}?tk={registrant}"),
    });
    let answer = state.registrants.entry((id, email.to_owned())).or_insert(answer);
    Ok(Answer::json(201, answer))
}

/// [meetings] "Get meeting recordings"; the download token only when it is asked for.
fn recordings(state: &State, id: u64, request: &Request) -> Result<Answer, Violation> {
    let Some(listed) = state.recordings.get(&id) else { return Ok(error(404, 3301)) };
    let mut listed = listed.clone();
    match request.query.get("include_fields").map(String::as_str) {
        Some("download_access_token") => listed["download_access_token"] = json!("download-token"),
        None => {}
        Some(_) => return Err(error(400, 300).because("[meetings] include_fields=download_access_token")),
    }
    let ttl = request.query.get("ttl").map(|ttl| ttl.parse::<u64>());
    if ttl.is_some_and(|ttl| ttl.is_err() || ttl.is_ok_and(|seconds| seconds > 604_800)) {
        return Err(error(400, 300).because("[meetings] ttl is at most 604800 seconds"));
    }
    Ok(Answer::json(200, &listed))
}
