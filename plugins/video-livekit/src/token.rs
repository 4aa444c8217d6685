//! Access tokens: who somebody is, and what they may do in which room.
//!
//! Claims are those of LiveKit's own library ("auth/grants.go" and "auth/accesstoken.go" of
//! <https://github.com/livekit/protocol>): `iss` the API key, `sub` the identity, `nbf`, `exp`, `name`,
//! `metadata`, `attributes`, `video`.

use consilium_plugin_sdk::contract::video::{Participant, Role};
use serde_json::{Value, json};

/// A token of the plugin itself serves one request.
const SERVICE_SECONDS: i64 = 60;

/// What a participant may do. The doctor may also mute and remove others.
pub(crate) fn participant(api_key: &str, room: &str, participant: &Participant, now: i64, expiry: i64) -> Value {
    let role = match participant.role {
        Role::Doctor => "doctor",
        Role::Patient => "patient",
        Role::Clinician => "clinician",
        Role::Interpreter => "interpreter",
    };
    let mut video = json!({
        "room": room,
        "roomJoin": true,
        "canPublish": true,
        "canSubscribe": true,
        "canPublishData": true,
        "canUpdateOwnMetadata": false,
    });
    if let Some(video) = video.as_object_mut() {
        if participant.role == Role::Doctor {
            video.insert("roomAdmin".to_owned(), json!(true));
        }
        if participant.role == Role::Interpreter {
            video.insert("canPublishSources".to_owned(), json!(["camera", "microphone"]));
        }
    }
    json!({
        "iss": api_key,
        "sub": participant.id,
        "nbf": now,
        "exp": expiry,
        "name": participant.display_name,
        "metadata": json!({"role": role}).to_string(),
        "attributes": {"role": role},
        "video": video,
    })
}

/// What the plugin needs for one request: `grants` such as `{"roomCreate": true}`.
pub(crate) fn service(api_key: &str, grants: &Value, now: i64) -> Value {
    json!({"iss": api_key, "sub": "consilium", "nbf": now, "exp": now + SERVICE_SECONDS, "video": grants})
}
