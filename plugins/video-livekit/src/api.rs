//! LiveKit's server API over Twirp with JSON.
//!
//! Answers have the field names of the protocol files or their camel-case forms, and 64-bit numbers
//! as strings: both are allowed by "ProtoJSON Format" (<https://protobuf.dev/programming-guides/json/>).

use crate::token;
use consilium_plugin_sdk::{Host, PluginError};
use consilium_provider::{
    http::{Provider, request},
    jwt::Signer,
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};

/// A health check has two seconds.
const HEALTH_TIMEOUT_MS: u64 = 1_500;

pub(crate) struct Api {
    base: String,
    api_key: String,
    signer: Signer,
    provider: Provider,
}

/// What is used of `livekit.Room`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RoomInfo {
    /// Unix seconds.
    #[serde(default, alias = "creationTime", deserialize_with = "int64")]
    pub(crate) creation_time: i64,
}

/// What is used of `livekit.EgressInfo`. Times are Unix nanoseconds, 0 while they are not known.
#[derive(Debug, Deserialize)]
pub(crate) struct Egress {
    #[serde(alias = "egressId")]
    pub(crate) egress_id: String,
    #[serde(default, alias = "roomName")]
    pub(crate) room_name: String,
    /// Left out where it is the first of the enumeration.
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default, alias = "startedAt", deserialize_with = "int64")]
    pub(crate) started_at: i64,
    #[serde(default, alias = "endedAt", deserialize_with = "int64")]
    pub(crate) ended_at: i64,
    #[serde(default, alias = "fileResults")]
    pub(crate) file_results: Vec<File>,
}

/// What is used of `livekit.FileInfo`.
#[derive(Debug, Deserialize)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) filename: String,
    #[serde(default, alias = "startedAt", deserialize_with = "int64")]
    pub(crate) started_at: i64,
    #[serde(default, alias = "endedAt", deserialize_with = "int64")]
    pub(crate) ended_at: i64,
    #[serde(default, deserialize_with = "int64")]
    pub(crate) size: i64,
}

#[derive(Deserialize)]
struct Egresses {
    #[serde(default)]
    items: Vec<Egress>,
}

#[derive(Deserialize)]
struct Rooms {}

#[derive(Deserialize)]
struct Participants {
    #[serde(default)]
    participants: Vec<Identity>,
}

#[derive(Deserialize)]
struct Identity {
    #[serde(default)]
    identity: String,
}

#[derive(Deserialize)]
struct Nothing {}

impl Api {
    pub(crate) fn new(server_url: &str, api_key: &str, api_secret: &str) -> Self {
        Self {
            base: server_url.trim_end_matches('/').to_owned(),
            api_key: api_key.to_owned(),
            signer: Signer::hs256(api_secret),
            provider: Provider::new("livekit", |body| body.get("code")?.as_str().map(str::to_owned)),
        }
    }

    pub(crate) fn sign(&self, claims: &Value) -> Result<String, PluginError> {
        self.signer.sign(None, claims)
    }

    /// Lists one room that nobody has: the cheapest call that needs a working key.
    pub(crate) fn reachable(&self, host: &Host<'_>) -> Result<(), PluginError> {
        let body = json!({"names": ["consilium-health"]});
        let grants = json!({"roomList": true});
        self.call::<Rooms>(host, "RoomService/ListRooms", &grants, &body, Some(HEALTH_TIMEOUT_MS)).map(drop)
    }

    pub(crate) fn create_room(&self, host: &Host<'_>, body: &Value) -> Result<RoomInfo, PluginError> {
        let grants = json!({"roomCreate": true, "roomRecord": body.get("egress").is_some()});
        self.call(host, "RoomService/CreateRoom", &grants, body, None)
    }

    /// Puts everybody out, then deletes the room. RemoveParticipant also makes tokens worthless that
    /// were valid before; DeleteRoom alone leaves them.
    pub(crate) fn empty_and_delete(&self, host: &Host<'_>, room: &str) -> Result<(), PluginError> {
        let admin = json!({"room": room, "roomAdmin": true});
        let inside = self.call(host, "RoomService/ListParticipants", &admin, &json!({"room": room}), None);
        let Participants { participants } = inside?;
        for Identity { identity } in participants {
            let body = json!({"room": room, "identity": identity});
            match self.call::<Nothing>(host, "RoomService/RemoveParticipant", &admin, &body, None) {
                Err(error) if !self.provider.is(&error, "not_found") => return Err(error),
                _ => {}
            }
        }
        let grants = json!({"roomCreate": true});
        self.call::<Nothing>(host, "RoomService/DeleteRoom", &grants, &json!({"room": room}), None).map(drop)
    }

    pub(crate) fn start_room_egress(&self, host: &Host<'_>, body: &Value) -> Result<(), PluginError> {
        let grants = json!({"roomRecord": true});
        self.call::<Egress>(host, "Egress/StartRoomCompositeEgress", &grants, body, None).map(drop)
    }

    pub(crate) fn egresses(&self, host: &Host<'_>, room: &str, active: bool) -> Result<Vec<Egress>, PluginError> {
        let body = json!({"room_name": room, "active": active});
        let found: Egresses = self.call(host, "Egress/ListEgress", &json!({"roomRecord": true}), &body, None)?;
        Ok(found.items)
    }

    fn call<T: DeserializeOwned>(
        &self,
        host: &Host<'_>,
        method: &str,
        grants: &Value,
        body: &Value,
        timeout_ms: Option<u64>,
    ) -> Result<T, PluginError> {
        let now = host.now()?.as_second();
        let token = self.sign(&token::service(&self.api_key, grants, now))?;
        let url = format!("{}/twirp/livekit.{method}", self.base);
        let mut fetch = request("POST", url, format!("Bearer {token}"), Some(body));
        fetch.timeout_ms = timeout_ms;
        self.provider.send(host, &fetch)?.json()
    }
}

/// A number, or a string that holds one.
fn int64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(i64),
        Text(String),
    }
    match Written::deserialize(deserializer)? {
        Written::Number(number) => Ok(number),
        Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

#[derive(Deserialize)]
pub(crate) struct Int64(#[serde(deserialize_with = "int64")] pub(crate) i64);
