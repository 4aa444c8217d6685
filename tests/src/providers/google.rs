//! Google, as its published APIs describe it.
//!
//! | mark | page |
//! |---|---|
//! | [oauth] | "Using OAuth 2.0 for Server to Server Applications", <https://developers.google.com/identity/protocols/oauth2/service-account> |
//! | [meet] | discovery document `meet:v2`, `meet/v2/meet-api.json`, <https://github.com/googleapis/google-api-go-client>; "Google Meet meeting spaces overview", <https://developers.google.com/workspace/meet/api/guides/meeting-spaces-overview> |
//! | [recordings] | "REST Resource: conferenceRecords.recordings", <https://developers.google.com/workspace/meet/api/reference/rest/v2/conferenceRecords.recordings> |
//! | [calendar] | discovery document `calendar:v3`, `calendar/v3/calendar-api.json`, <https://github.com/googleapis/google-api-go-client> |

use super::{Answer, Contract, Request, Violation, livekit::now};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex};

pub const CLIENT_EMAIL: &str = "consilium@project.iam.gserviceaccount.com";
pub const SUBJECT: &str = "rooms@clinic.example.org";
pub const KEY_ID: &str = "key-1";
const PRIVATE_KEY: &str = include_str!("../../../plugins/video-jitsi/src/test_key.pem");
const PUBLIC_KEY: &[u8] = include_bytes!("../../../plugins/video-jitsi/src/test_key.pub.pem");
const AUTH: &str = "https://www.googleapis.com/auth/";

#[derive(Default)]
struct State {
    /// Token → scopes.
    tokens: BTreeMap<String, String>,
    granted: u32,
    /// Id → (config, whether Calendar made it).
    spaces: BTreeMap<String, (Value, bool)>,
    /// Space with a conference that is going on.
    active: Option<String>,
    events: BTreeMap<String, Value>,
    /// How often an event is read before its conference is there.
    pending: u32,
    recorded: Option<String>,
}

/// A Google Workspace, on a server with this address.
pub struct Google {
    url: String,
    state: Mutex<State>,
}

impl Google {
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), state: Mutex::default() }
    }

    /// The service account's JSON key.
    pub fn key_file(&self) -> String {
        json!({
            "type": "service_account", "client_email": CLIENT_EMAIL, "private_key_id": KEY_ID,
            "private_key": PRIVATE_KEY, "token_uri": format!("{}/token", self.url),
        })
        .to_string()
    }

    pub fn revoke_tokens(&self) {
        self.state.lock().unwrap().tokens.clear();
    }

    pub fn tokens_granted(&self) -> u32 {
        self.state.lock().unwrap().granted
    }

    /// Configurations of all spaces.
    pub fn spaces(&self) -> Vec<Value> {
        self.state.lock().unwrap().spaces.values().map(|(config, _)| config.clone()).collect()
    }

    pub fn events(&self) -> Vec<Value> {
        self.state.lock().unwrap().events.values().cloned().collect()
    }

    /// Conferences of new events are there after so many looks.
    pub fn make_conferences_slowly(&self, looks: u32) {
        self.state.lock().unwrap().pending = looks;
    }

    /// People meet in a space.
    pub fn meet(&self, space: &str) {
        self.state.lock().unwrap().active = Some(space.to_owned());
    }

    pub fn is_active(&self) -> bool {
        self.state.lock().unwrap().active.is_some()
    }

    /// A conference of this space was recorded twice; the second file is not there yet.
    pub fn record(&self, space: &str) {
        self.state.lock().unwrap().recorded = Some(space.to_owned());
    }
}

/// [meet] Errors of Google's APIs: a number, a status and a sentence.
pub fn error(code: u16, status: &str) -> Answer {
    Answer::json(code, &json!({"error": {"code": code, "status": status, "message": "Played for Ada Rahman"}}))
}

impl Contract for Google {
    fn answer(&self, request: &Request) -> Result<Answer, Violation> {
        let mut state = self.state.lock().unwrap();
        if request.path == "/token" {
            return self.token(request, &mut state);
        }
        let Some(bearer) = request.bearer() else {
            return Err(error(401, "UNAUTHENTICATED").because("[meet] Authorization: Bearer <access token>"));
        };
        let Some(scopes) = state.tokens.get(bearer).cloned() else { return Ok(error(401, "UNAUTHENTICATED")) };
        if !request.body.is_empty() && request.header("content-type") != "application/json" {
            return Err(error(400, "INVALID_ARGUMENT").because("[meet] bodies are application/json"));
        }
        let call = Call { scopes: &scopes, request, state: &mut state };
        let path = request.path.trim_start_matches('/');
        match (request.method.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
            ("POST", ["v2", "spaces"]) => call.create_space(),
            ("POST", ["v2", "spaces", action]) => call.end_conference(action),
            ("GET", ["v2", "spaces", name]) => call.get_space(name),
            ("PATCH", ["v2", "spaces", name]) => call.patch_space(name),
            ("GET", ["v2", "conferenceRecords"]) => call.conferences(),
            ("GET", ["v2", "conferenceRecords", id, "recordings"]) => call.recordings(id),
            ("POST", ["calendar", "v3", "calendars", "primary", "events"]) => call.insert_event(),
            ("GET", ["calendar", "v3", "calendars", "primary", "events", id]) => call.get_event(id),
            ("PATCH", ["calendar", "v3", "calendars", "primary", "events", id]) => call.patch_event(id),
            ("DELETE", ["calendar", "v3", "calendars", "primary", "events", id]) => call.delete_event(id),
            _ => Err(error(404, "NOT_FOUND").because("the APIs have no such method")),
        }
    }
}

impl Google {
    /// [oauth] "Making the access token request": a form with grant type and assertion; the assertion's
    /// header names RS256 and perhaps the key, its claims the account, scopes, audience and times.
    fn token(&self, request: &Request, state: &mut State) -> Result<Answer, Violation> {
        let refuse = |code: u16, error: &str, rule: &str| {
            Answer::json(code, &json!({"error": error, "error_description": "Played"}))
                .because(format!("[oauth] {rule}"))
        };
        if request.method != "POST" || request.header("content-type") != "application/x-www-form-urlencoded" {
            return Err(refuse(400, "invalid_request", "POST a form"));
        }
        let form = request.form();
        if form.get("grant_type").map(String::as_str) != Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
            return Err(refuse(400, "unsupported_grant_type", "grant_type is jwt-bearer"));
        }
        let assertion = form.get("assertion").cloned().unwrap_or_default();
        let kid = decode_header(&assertion).ok().and_then(|header| header.kid);
        if kid.is_some_and(|kid| kid != KEY_ID) {
            return Err(refuse(400, "invalid_grant", "kid is the key's private_key_id"));
        }
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[format!("{}/token", self.url)]);
        validation.set_issuer(&[CLIENT_EMAIL]);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        let key = DecodingKey::from_rsa_pem(PUBLIC_KEY).unwrap();
        let claims = decode::<Value>(&assertion, &key, &validation).map(|decoded| decoded.claims);
        let claims = claims.map_err(|e| refuse(400, "invalid_grant", &format!("the assertion: {e}")))?;
        let (issued, expires) = (claims["iat"].as_i64().unwrap_or_default(), claims["exp"].as_i64().unwrap());
        if expires - issued > 3600 || (now() - issued).abs() > 300 {
            return Err(refuse(400, "invalid_grant", "iat is now, exp at most an hour later"));
        }
        if claims["sub"] != SUBJECT {
            return Err(refuse(401, "unauthorized_client", "sub is a user for whom the account may speak"));
        }
        let scope = claims["scope"].as_str().unwrap_or_default().to_owned();
        if scope.is_empty() || !scope.split(' ').all(|scope| scope.starts_with(AUTH)) {
            return Err(refuse(400, "invalid_scope", "scope is a list with spaces"));
        }
        state.granted += 1;
        let token = format!("ya29.google-token-{}", state.granted);
        state.tokens.insert(token.clone(), scope);
        Ok(Answer::json(200, &json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})))
    }
}

struct Call<'a> {
    scopes: &'a str,
    request: &'a Request,
    state: &'a mut State,
}

impl Call<'_> {
    fn scope(&self, any: &[&str]) -> Result<(), Violation> {
        let granted = any.iter().any(|scope| self.scopes.split(' ').any(|has| has == format!("{AUTH}{scope}")));
        let missing = || error(403, "PERMISSION_DENIED").because(format!("needs a scope of {any:?}"));
        if granted { Ok(()) } else { Err(missing()) }
    }

    fn wrong(rule: &str) -> Violation {
        error(400, "INVALID_ARGUMENT").because(rule)
    }

    /// [meet] SpaceConfig.
    fn checked_config(config: &Value) -> Result<(), Violation> {
        let known = ["accessType", "entryPointAccess", "artifactConfig"];
        let fields = config.as_object().ok_or_else(|| Self::wrong("[meet] config is an object"))?;
        if let Some(field) = fields.keys().find(|field| !known.contains(&field.as_str())) {
            return Err(Self::wrong(&format!("[meet] SpaceConfig has no {field}")));
        }
        let one_of = |value: &Value, names: &[&str]| value.is_null() || names.iter().any(|name| value == name);
        let recording = &config["artifactConfig"]["recordingConfig"]["autoRecordingGeneration"];
        if !one_of(&config["accessType"], &["OPEN", "TRUSTED", "RESTRICTED"])
            || !one_of(&config["entryPointAccess"], &["ALL", "CREATOR_APP_ONLY"])
            || !one_of(recording, &["ON", "OFF"])
        {
            return Err(Self::wrong("[meet] a value of SpaceConfig is none of those published"));
        }
        Ok(())
    }

    fn space(id: &str, config: &Value) -> Value {
        let code = format!("code-{id}");
        let uri = format!("https://meet.google.com/{code}");
        json!({"name": format!("spaces/{id}"), "meetingUri": uri, "meetingCode": code, "config": config})
    }

    fn create_space(self) -> Result<Answer, Violation> {
        self.scope(&["meetings.space.created"])?;
        let config = self.request.json()["config"].clone();
        Self::checked_config(&config)?;
        let id = format!("jQCF-fuB_{}", self.state.spaces.len());
        self.state.spaces.insert(id.clone(), (config.clone(), false));
        Ok(Answer::json(200, &Self::space(&id, &config)))
    }

    /// [meet] `{space}` or the alias `{meetingCode}`.
    fn get_space(self, name: &str) -> Result<Answer, Violation> {
        self.scope(&["meetings.space.created", "meetings.space.readonly", "meetings.space.settings"])?;
        let id = name.strip_prefix("code-").unwrap_or(name);
        let Some((config, _)) = self.state.spaces.get(id) else { return Ok(error(404, "NOT_FOUND")) };
        Ok(Answer::json(200, &Self::space(id, config)))
    }

    /// [meet] Only by `{space}`, with a mask of the fields that change.
    fn patch_space(self, id: &str) -> Result<Answer, Violation> {
        self.scope(&["meetings.space.created", "meetings.space.settings"])?;
        let body = self.request.json();
        Self::checked_config(&body["config"])?;
        let Some((config, _)) = self.state.spaces.get_mut(id) else { return Ok(error(404, "NOT_FOUND")) };
        for field in self.request.query.get("updateMask").map_or("", String::as_str).split(',') {
            let pointer = field.strip_prefix("config.").map(|path| format!("/{}", path.replace('.', "/")));
            let pointer = pointer.ok_or_else(|| Self::wrong("[meet] updateMask names fields of config"))?;
            let new = body["config"].pointer(&pointer).cloned();
            let new = new.ok_or_else(|| Self::wrong("[meet] updateMask names a field that is not there"))?;
            *config.pointer_mut(&pointer).ok_or_else(|| Self::wrong("[meet] updateMask names no field"))? = new;
        }
        Ok(Answer::json(200, &Self::space(id, config)))
    }

    /// [meet] `spaces/{space}:endActiveConference`, by whoever created the space.
    fn end_conference(self, action: &str) -> Result<Answer, Violation> {
        self.scope(&["meetings.space.created"])?;
        let Some((id, "endActiveConference")) = action.split_once(':') else {
            return Err(error(404, "NOT_FOUND").because("[meet] POST spaces/{space}:endActiveConference"));
        };
        if self.request.json() != json!({}) {
            return Err(Self::wrong("[meet] EndActiveConferenceRequest has no fields"));
        }
        match self.state.spaces.get(id) {
            None => Ok(error(404, "NOT_FOUND")),
            Some((_, true)) => Ok(error(403, "PERMISSION_DENIED")),
            Some((_, false)) if self.state.active.as_deref() == Some(id) => {
                self.state.active = None;
                Ok(Answer::json(200, &json!({})))
            }
            Some(_) => Ok(error(400, "FAILED_PRECONDITION")),
        }
    }

    /// [meet] The filter's grammar is EBNF; of it, `space.name = "spaces/…"` is played.
    fn conferences(self) -> Result<Answer, Violation> {
        self.scope(&["meetings.space.created", "meetings.space.readonly"])?;
        let Some(filter) = self.request.query.get("filter") else { return Ok(Answer::json(200, &json!({}))) };
        let space = filter.strip_prefix("space.name = \"spaces/").and_then(|rest| rest.strip_suffix('"'));
        let space = space.ok_or_else(|| Self::wrong("[meet] filter is space.name = \"spaces/NAME\""))?;
        if self.state.recorded.as_deref() != Some(space) {
            return Ok(Answer::json(200, &json!({}))); // empty lists are left out
        }
        let record = json!({"name": "conferenceRecords/r1", "space": format!("spaces/{space}")});
        Ok(Answer::json(200, &json!({"conferenceRecords": [record]})))
    }

    /// [recordings] State and destination.
    fn recordings(self, id: &str) -> Result<Answer, Violation> {
        self.scope(&["meetings.space.created", "meetings.space.readonly"])?;
        if id != "r1" {
            return Ok(error(404, "NOT_FOUND"));
        }
        let done = json!({
            "name": "conferenceRecords/r1/recordings/a", "state": "FILE_GENERATED",
            "startTime": "2026-11-20T09:00:00.123456Z", "endTime": "2026-11-20T09:20:00Z",
            "driveDestination": {"file": "1kuceFZohVoCh6F", "exportUri": "https://drive.google.com/file/d/1kuceFZohVoCh6F/view"},
        });
        let running = json!({
            "name": "conferenceRecords/r1/recordings/b", "state": "STARTED", "startTime": "2026-11-20T09:21:00Z",
        });
        Ok(Answer::json(200, &json!({"recordings": [done, running]})))
    }

    /// [calendar] events.insert: `id` is base32hex, `conferenceDataVersion=1` lets conference data
    /// count, `requestId` makes the request unique; the conference may be pending at first.
    fn insert_event(self) -> Result<Answer, Violation> {
        self.scope(&["calendar.events"])?;
        if self.request.query.get("conferenceDataVersion").map(String::as_str) != Some("1") {
            return Err(Self::wrong("[calendar] conferenceDataVersion=1"));
        }
        if self
            .request
            .query
            .get("sendUpdates")
            .is_some_and(|value| !["all", "externalOnly", "none"].contains(&&**value))
        {
            return Err(Self::wrong("[calendar] sendUpdates is all, externalOnly or none"));
        }
        let mut event = self.request.json();
        let id = event["id"].as_str().unwrap_or_default().to_owned();
        if !(5..=1024).contains(&id.len()) || !id.chars().all(|c| matches!(c, 'a'..='v' | '0'..='9')) {
            return Err(Self::wrong("[calendar] id has 5 to 1024 characters of a-v and 0-9"));
        }
        for end in ["start", "end"] {
            if event[end]["dateTime"].as_str().is_none_or(|time| time.parse::<jiff::Timestamp>().is_err()) {
                return Err(Self::wrong("[calendar] start and end are required, dateTime is RFC 3339"));
            }
        }
        let asked = event["conferenceData"]["createRequest"].clone();
        if asked["conferenceSolutionKey"]["type"] != "hangoutsMeet" || asked["requestId"].as_str().is_none() {
            return Err(Self::wrong("[calendar] createRequest has requestId and conferenceSolutionKey"));
        }
        if self.state.events.contains_key(&id) {
            return Ok(error(409, "ALREADY_EXISTS"));
        }
        let space = format!("cal-{}", self.state.events.len());
        self.state.spaces.insert(space.clone(), (json!({"accessType": "TRUSTED"}), true));
        event["played_space"] = json!(space);
        event["played_looks"] = json!(self.state.pending);
        self.state.events.insert(id.clone(), event);
        self.get_event(&id)
    }

    fn get_event(self, id: &str) -> Result<Answer, Violation> {
        self.scope(&["calendar.events"])?;
        let Some(event) = self.state.events.get_mut(id) else { return Ok(error(404, "NOT_FOUND")) };
        let looks = event["played_looks"].as_u64().unwrap();
        event["played_looks"] = json!(looks.saturating_sub(1));
        let request = &event["conferenceData"]["createRequest"];
        let status = if looks > 0 { "pending" } else { "success" };
        let mut conference = json!({"createRequest": {
            "requestId": request["requestId"], "conferenceSolutionKey": request["conferenceSolutionKey"],
            "status": {"statusCode": status},
        }});
        if looks == 0 {
            conference["conferenceId"] = json!(format!("code-{}", event["played_space"].as_str().unwrap()));
        }
        let mut seen = event.clone();
        seen["conferenceData"] = conference;
        Ok(Answer::json(200, &seen))
    }

    fn patch_event(self, id: &str) -> Result<Answer, Violation> {
        self.scope(&["calendar.events"])?;
        let Some(event) = self.state.events.get_mut(id) else { return Ok(error(404, "NOT_FOUND")) };
        event.as_object_mut().unwrap().extend(self.request.json().as_object().unwrap().clone());
        Ok(Answer::json(200, event))
    }

    fn delete_event(self, id: &str) -> Result<Answer, Violation> {
        self.scope(&["calendar.events"])?;
        match self.state.events.remove(id) {
            Some(_) => Ok(Answer::empty(204)),
            None => Ok(error(410, "GONE")),
        }
    }
}
