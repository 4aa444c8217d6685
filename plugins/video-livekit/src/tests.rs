//! What the plugin asks of LiveKit, and what its tokens say; the whole of it against a contract
//! server is in `tests/tests/providers`.

use super::*;
use consilium_plugin_sdk::{
    contract::{
        Bytes,
        host::{HttpFetch, HttpFetched},
        video::{Participant, Role},
    },
    testing::FakeHost,
};
use consilium_provider::jwt::verify_hs256;
use serde_json::Value;

const SECRET: &str = "shared with livekit";

fn host(answer: &'static str) -> FakeHost {
    FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap())
        .with_secret("api_secret", SECRET)
        .with_secret("s3_secret", "s3")
        .answering(move |_| {
            Ok(HttpFetched { status: 200, headers: [].into(), body: Bytes(answer.as_bytes().to_vec()) })
        })
}

fn plugin(host: &FakeHost, config: Value) -> LiveKit {
    LiveKit::create(serde_json::from_value(config).unwrap(), &host.host()).unwrap()
}

fn simple() -> Value {
    json!({"server_url": "https://livekit.example.org/", "api_key": "key"})
}

fn create(record: bool) -> CreateRoom {
    CreateRoom {
        idempotency_key: "7".to_owned(),
        consultation_id: "7".to_owned(),
        starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        facility_id: None,
        title: None,
        lobby: false,
        record,
    }
}

fn join(role: Role, expires_at: &str) -> Join {
    Join {
        room: "consultation-7".to_owned(),
        consultation_id: "7".to_owned(),
        participant: Participant {
            id: "anna".to_owned(),
            role,
            display_name: "Anna".to_owned(),
            email: None,
            avatar_url: None,
        },
        expires_at: expires_at.parse().unwrap(),
    }
}

fn claims(fetch: &HttpFetch) -> Value {
    let token = fetch.headers["authorization"].strip_prefix("Bearer ").unwrap();
    verify_hs256(token, SECRET).unwrap()
}

#[test]
fn access_that_is_over_is_refused() {
    let host = host("{}");
    let refused = plugin(&host, simple()).join(&host.host(), join(Role::Patient, "2026-11-20T09:00:00Z"));
    assert_eq!(refused.unwrap_err().code, "access_expired");
}

#[test]
fn only_the_doctor_administers_the_room() {
    let host = host("{}");
    let plugin = plugin(&host, simple());
    for (role, name) in [
        (Role::Doctor, "doctor"),
        (Role::Patient, "patient"),
        (Role::Clinician, "clinician"),
        (Role::Interpreter, "interpreter"),
    ] {
        let access = plugin.join(&host.host(), join(role, "2026-11-20T09:20:00Z")).unwrap();
        let claims = verify_hs256(access.sdk().unwrap().0.expose(), SECRET).unwrap();
        assert_eq!(claims["video"]["roomAdmin"] == true, role == Role::Doctor, "{role:?}");
        assert_eq!(claims["video"]["canPublishSources"].is_array(), role == Role::Interpreter, "{role:?}");
        assert_eq!(claims["metadata"], json!({"role": name}).to_string());
        for grant in ["roomCreate", "roomList", "roomRecord"] {
            assert_eq!(claims["video"][grant], Value::Null, "{role:?} has {grant}");
        }
    }
}

#[test]
fn a_token_says_who_where_and_until_when() {
    let host = host("{}");
    let access = plugin(&host, simple()).join(&host.host(), join(Role::Patient, "2026-11-20T09:20:00Z")).unwrap();
    assert_eq!((access.page(), access.sdk().unwrap().1), (None, Some("wss://livekit.example.org")));
    assert_eq!(
        verify_hs256(access.sdk().unwrap().0.expose(), SECRET).unwrap(),
        json!({
            "iss": "key", "sub": "anna", "name": "Anna", "nbf": 1_795_165_200, "exp": 1_795_166_400,
            "metadata": "{\"role\":\"patient\"}", "attributes": {"role": "patient"},
            "video": {
                "room": "consultation-7", "roomJoin": true, "canPublish": true, "canSubscribe": true,
                "canPublishData": true, "canUpdateOwnMetadata": false,
            },
        })
    );
}

#[test]
fn a_page_of_its_own_gets_server_and_token() {
    let host = host("{}");
    let mut config = simple();
    config["join_page"] = json!("https://meet.example.org/custom");
    let access = plugin(&host, config).join(&host.host(), join(Role::Patient, "2026-11-20T09:20:00Z")).unwrap();
    let url = access.page().unwrap();
    let page = "https://meet.example.org/custom?liveKitUrl=wss%3A%2F%2Flivekit.example.org&token=ey";
    assert!(url.expose().starts_with(page), "{}", url.expose());
}

#[test]
fn each_request_carries_only_the_grants_it_needs() {
    let host = host(r#"{"creationTime": "1795165200"}"#);
    let mut config = simple();
    config["recording"] = json!({});
    let plugin = plugin(&host, config);
    plugin.create_room(&host.host(), create(false)).unwrap();
    plugin.create_room(&host.host(), create(true)).unwrap();
    let requests = host.requests();
    assert_eq!(requests[0].url, "https://livekit.example.org/twirp/livekit.RoomService/CreateRoom");
    assert_eq!(claims(&requests[0])["video"], json!({"roomCreate": true, "roomRecord": false}));
    assert_eq!(claims(&requests[1])["video"], json!({"roomCreate": true, "roomRecord": true}));
    assert_eq!(claims(&requests[0])["exp"], 1_795_165_260);
}

#[test]
fn a_room_that_was_there_before_is_recorded_from_now_on() {
    let host = host(r#"{"creation_time": "1795160000", "items": [], "egress_id": "EG_1"}"#);
    let mut config = simple();
    config["recording"] = json!({"s3": {
        "endpoint": "https://s3.example.org", "region": "eu", "bucket": "bucket", "access_key": "AK",
    }});
    plugin(&host, config).create_room(&host.host(), create(true)).unwrap();
    let requests = host.requests();
    let methods: Vec<_> = requests.iter().map(|request| request.url.rsplit('/').next().unwrap()).collect();
    assert_eq!(methods, ["CreateRoom", "ListEgress", "StartRoomCompositeEgress"]);
    // The secret is put in by the host.
    let body: Value = serde_json::from_slice(&requests[2].body.as_ref().unwrap().0).unwrap();
    assert_eq!(body["file_outputs"][0]["s3"]["secret"], "{{secret:s3_secret}}");
}
