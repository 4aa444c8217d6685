//! LiveKit, as its published protocol and server describe it.
//!
//! | mark | page |
//! |---|---|
//! | [twirp] | "Twirp Wire Protocol (v7)", <https://twitchtv.github.io/twirp/docs/spec_v7.html> |
//! | [room] | `protobufs/livekit_room.proto`, <https://github.com/livekit/protocol> |
//! | [egress] | `protobufs/livekit_egress.proto`, <https://github.com/livekit/protocol> |
//! | [auth] | `auth/grants.go`, `auth/verifier.go`, <https://github.com/livekit/protocol> |
//! | [server] | `pkg/service/{auth,roomservice,egress}.go`, <https://github.com/livekit/livekit> |
//! | [hook] | `webhook/url_notifier.go`, <https://github.com/livekit/protocol>, and "Webhooks & events", <https://docs.livekit.io/intro/basics/rooms-participants-tracks/webhooks-events/> |
//! | [json] | "ProtoJSON Format", <https://protobuf.dev/programming-guides/json/> |

use super::{Answer, Contract, Request, Violation};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use consilium_kernel::{Clock as _, SystemClock};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

/// The key and secret of the project that is played.
pub const API_KEY: &str = "APIconsiliumtest";
pub const API_SECRET: &str = "livekit-secret-that-must-not-leak-anywhere";

#[derive(Default)]
struct State {
    /// Name → (created at, who is inside).
    rooms: BTreeMap<String, (i64, BTreeSet<String>)>,
    /// As `EgressInfo`.
    egresses: Vec<Value>,
    removed: Vec<String>,
}

/// A LiveKit project.
#[derive(Default)]
pub struct LiveKit(Mutex<State>);

/// Seconds since 1970.
pub fn now() -> i64 {
    SystemClock.now().as_second()
}

impl LiveKit {
    /// Somebody connects with a token, as LiveKit's client does: the room they are then in.
    pub fn connect(&self, token: &str) -> Result<String, String> {
        let claims = claims(token)?;
        let video = &claims["video"];
        if video["roomJoin"] != true {
            return Err("[auth] joining needs roomJoin".to_owned());
        }
        let (Some(room), Some(identity)) = (video["room"].as_str(), claims["sub"].as_str()) else {
            return Err("[auth] a token to join names a room and an identity".to_owned());
        };
        let mut state = self.0.lock().unwrap();
        let (_, inside) = state.rooms.get_mut(room).ok_or("the room does not exist")?;
        inside.insert(identity.to_owned());
        Ok(room.to_owned())
    }

    pub fn rooms(&self) -> Vec<String> {
        self.0.lock().unwrap().rooms.keys().cloned().collect()
    }

    /// Who was removed from a room.
    pub fn removed(&self) -> Vec<String> {
        self.0.lock().unwrap().removed.clone()
    }

    pub fn egresses(&self) -> Vec<Value> {
        self.0.lock().unwrap().egresses.clone()
    }

    /// Somebody has the egress service record a room, beside the plugin, and store the file under `prefix`.
    pub fn record(&self, room: &str, prefix: &str) {
        let file = json!({"file_type": "MP4", "filepath": format!("{prefix}{room}-{{time}}")});
        let composite = json!({"room_name": room, "file_outputs": [file]});
        self.0.lock().unwrap().egresses.push(started(&composite));
    }

    /// The egress service finishes all recordings.
    pub fn finish_egresses(&self) {
        for egress in &mut self.0.lock().unwrap().egresses {
            let path = egress["room_composite"]["file_outputs"][0]["filepath"].as_str().unwrap();
            let ended = (now() * 1_000_000_000).to_string();
            let file = json!({
                "filename": format!("{}.mp4", path.replace("{time}", "2026-11-20T090000")),
                "started_at": egress["started_at"], "ended_at": ended, "size": "1048576",
            });
            egress["status"] = json!("EGRESS_COMPLETE"); // [egress] EgressStatus
            egress["ended_at"] = json!(ended);
            egress["file_results"] = json!([file]);
        }
    }

    /// A webhook as LiveKit sends it: header `Authorization` and body.
    /// [hook] the bare token, valid for five minutes, with the base64 SHA-256 of the body.
    pub fn webhook(&self, event: &Value, sent_at: i64) -> (String, Vec<u8>) {
        let body = event.to_string().into_bytes();
        let digest = ring::digest::digest(&ring::digest::SHA256, &body);
        let claims = json!({
            "iss": API_KEY, "nbf": sent_at, "exp": sent_at + 300, "sha256": STANDARD.encode(digest.as_ref()),
        });
        let key = EncodingKey::from_secret(API_SECRET.as_bytes());
        (encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap(), body)
    }
}

/// [auth] HS256 only, signed with the secret of `iss`, `exp` required, a minute of leeway.
fn claims(token: &str) -> Result<Value, String> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 60;
    validation.validate_nbf = true;
    validation.set_issuer(&[API_KEY]);
    validation.set_required_spec_claims(&["exp", "iss"]);
    let decoded = decode::<Value>(token, &DecodingKey::from_secret(API_SECRET.as_bytes()), &validation);
    decoded.map(|decoded| decoded.claims).map_err(|e| format!("[auth] {e}"))
}

/// [twirp] Errors are JSON with `code` and `msg`.
fn error(status: u16, code: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "msg": format!("played {code}")}))
}

impl Contract for LiveKit {
    fn answer(&self, request: &Request) -> Result<Answer, Violation> {
        let bad_route = |rule: &str| error(404, "bad_route").because(rule);
        if request.method != "POST" {
            return Err(bad_route("[twirp] requests are POST"));
        }
        if request.header("content-type") != "application/json" {
            return Err(bad_route("[twirp] Content-Type is application/json"));
        }
        let Some(token) = request.bearer() else {
            return Err(error(401, "unauthenticated").because("[server] Authorization: Bearer <token>"));
        };
        let claims = claims(token).map_err(|rule| error(401, "unauthenticated").because(rule))?;
        let body = request.json();
        if !body.is_object() {
            return Err(error(400, "malformed").because("[twirp] the body is a JSON object"));
        }
        let call = Call { video: &claims["video"], body: &body, state: &mut self.0.lock().unwrap() };
        match request.path.strip_prefix("/twirp/livekit.") {
            Some("RoomService/ListRooms") => call.list_rooms(),
            Some("RoomService/CreateRoom") => call.create_room(),
            Some("RoomService/DeleteRoom") => call.delete_room(),
            Some("RoomService/ListParticipants") => call.list_participants(),
            Some("RoomService/RemoveParticipant") => call.remove_participant(),
            Some("Egress/StartRoomCompositeEgress") => call.start_egress(),
            Some("Egress/ListEgress") => call.list_egress(),
            _ => Err(bad_route("[twirp] POST /twirp/<package>.<Service>/<Method>")),
        }
    }
}

struct Call<'a> {
    video: &'a Value,
    body: &'a Value,
    state: &'a mut State,
}

impl Call<'_> {
    /// [server] A grant that is missing is answered with `unauthenticated`.
    fn granted(&self, grant: &str) -> Result<(), Violation> {
        let rule = || error(401, "unauthenticated").because(format!("[server] needs the grant {grant}"));
        if self.video[grant] == true { Ok(()) } else { Err(rule()) }
    }

    /// [server] EnsureAdminPermission: the grant is for the room of the request.
    fn administers(&self) -> Result<String, Violation> {
        self.granted("roomAdmin")?;
        if self.video["room"] != self.body["room"] {
            return Err(error(401, "unauthenticated").because("[server] roomAdmin is for one room"));
        }
        self.name("room")
    }

    fn name(&self, field: &str) -> Result<String, Violation> {
        let name = self.body[field].as_str().unwrap_or_default();
        let wrong = || error(400, "invalid_argument").because(format!("[room] {field} has 1 to 256 characters"));
        if (1..=256).contains(&name.len()) { Ok(name.to_owned()) } else { Err(wrong()) }
    }

    /// [json] A field that the message does not have would be ignored: it is meant for nothing.
    fn fields(&self, known: &[&str]) -> Result<(), Violation> {
        let unknown = self.body.as_object().unwrap().keys().find(|key| !known.contains(&key.as_str()));
        let rule = |field| error(400, "malformed").because(format!("[json] the message has no field {field}"));
        unknown.map_or(Ok(()), |field| Err(rule(field)))
    }

    fn list_rooms(self) -> Result<Answer, Violation> {
        self.granted("roomList")?;
        self.fields(&["names"])?;
        let wanted: Vec<&str> = self.body["names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let named = self.state.rooms.keys().filter(|name| wanted.is_empty() || wanted.contains(&name.as_str()));
        let rooms: Vec<Value> = named.map(|name| json!({"name": name})).collect();
        Ok(Answer::json(200, &json!({"rooms": rooms})))
    }

    fn create_room(self) -> Result<Answer, Violation> {
        self.granted("roomCreate")?;
        self.fields(&["name", "empty_timeout", "departure_timeout", "max_participants", "metadata", "egress"])?;
        for field in ["empty_timeout", "departure_timeout", "max_participants"] {
            if !self.body[field].is_null() && self.body[field].as_u64().is_none_or(|number| number > u32::MAX.into()) {
                return Err(error(400, "malformed").because(format!("[room] {field} is a uint32")));
            }
        }
        let name = self.name("name")?;
        let new = !self.state.rooms.contains_key(&name);
        let (created, inside) = self.state.rooms.entry(name.clone()).or_insert_with(|| (now(), BTreeSet::new()));
        let room = json!({
            "sid": format!("RM_{name}"), "name": name, "creation_time": created.to_string(),
            "num_participants": inside.len(),
        });
        // [server] roommanager.go: the egress of the request starts when the room is new.
        if let Some(composite) = self.body["egress"].get("room").filter(|_| new) {
            let composite = checked_composite(composite)?;
            self.state.egresses.push(started(&composite));
        }
        Ok(Answer::json(200, &room))
    }

    fn delete_room(self) -> Result<Answer, Violation> {
        self.granted("roomCreate")?; // [room] "Requires `roomCreate` permission"
        self.fields(&["room"])?;
        let name = self.name("room")?;
        match self.state.rooms.remove(&name) {
            Some(_) => Ok(Answer::json(200, &json!({}))),
            None => Ok(error(404, "not_found")),
        }
    }

    fn list_participants(self) -> Result<Answer, Violation> {
        let room = self.administers()?;
        self.fields(&["room"])?;
        let Some((_, inside)) = self.state.rooms.get(&room) else { return Ok(error(404, "not_found")) };
        let participants: Vec<Value> = inside.iter().map(|identity| json!({"identity": identity})).collect();
        Ok(Answer::json(200, &json!({"participants": participants})))
    }

    fn remove_participant(self) -> Result<Answer, Violation> {
        let room = self.administers()?;
        self.fields(&["room", "identity", "revoke_token_ts"])?;
        let identity = self.name("identity")?;
        let inside = self.state.rooms.get_mut(&room).map(|(_, inside)| inside);
        if !inside.is_some_and(|inside| inside.remove(&identity)) {
            return Ok(error(404, "not_found"));
        }
        self.state.removed.push(identity);
        Ok(Answer::json(200, &json!({})))
    }

    fn start_egress(self) -> Result<Answer, Violation> {
        self.granted("roomRecord")?;
        let composite = checked_composite(self.body)?;
        let egress = started(&composite);
        self.state.egresses.push(egress.clone());
        Ok(Answer::json(200, &egress))
    }

    fn list_egress(self) -> Result<Answer, Violation> {
        self.granted("roomRecord")?;
        self.fields(&["room_name", "egress_id", "active"])?;
        let active = self.body["active"] == true;
        let of_room = self.state.egresses.iter().filter(|egress| egress["room_name"] == self.body["room_name"]);
        let items: Vec<&Value> = of_room.filter(|egress| !active || egress["status"] == "EGRESS_ACTIVE").collect();
        Ok(Answer::json(200, &json!({"items": items})))
    }
}

/// [egress] RoomCompositeEgressRequest with one EncodedFileOutput, perhaps to S3.
fn checked_composite(request: &Value) -> Result<Value, Violation> {
    let wrong = |rule: &str| error(400, "invalid_argument").because(format!("[egress] {rule}"));
    if request["room_name"].as_str().is_none_or(str::is_empty) {
        return Err(wrong("room_name is required"));
    }
    let Some([file]) = request["file_outputs"].as_array().map(Vec::as_slice) else {
        return Err(wrong("file_outputs has one output"));
    };
    if !matches!(file["file_type"].as_str(), Some("MP4" | "OGG")) || file["filepath"].as_str().is_none() {
        return Err(wrong("an EncodedFileOutput has file_type and filepath"));
    }
    if let Some(s3) = file.get("s3") {
        let known = ["access_key", "secret", "region", "endpoint", "bucket", "force_path_style"];
        let fields = s3.as_object().unwrap();
        if let Some(field) = fields.keys().find(|field| !known.contains(&field.as_str())) {
            return Err(wrong(&format!("S3Upload has no {field}")));
        }
        if fields["secret"].as_str().unwrap_or_default().contains("{{") {
            return Err(wrong("the secret is a placeholder"));
        }
    }
    Ok(request.clone())
}

/// [egress] EgressInfo; times in nanoseconds, [json] 64-bit numbers as strings.
fn started(composite: &Value) -> Value {
    json!({
        "egress_id": format!("EG_{}", composite["room_name"].as_str().unwrap()),
        "room_name": composite["room_name"], "status": "EGRESS_ACTIVE",
        "started_at": (now() * 1_000_000_000).to_string(), "ended_at": "0", "room_composite": composite,
    })
}
