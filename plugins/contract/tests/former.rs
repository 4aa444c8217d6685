//! What plugins of replaced contracts say, recorded in `former/`, and what a host of the present contract makes of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use consilium_plugin_contract::{
    Call, ContractId, Manifest,
    reference::former_schemas,
    versions,
    video::{self, EndRoom, IceServer, Join, Media, Signalling, Way},
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

fn recorded(contract: &str, file: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/former").join(contract);
    fs::read(folder.join(file)).unwrap()
}

fn adapter() -> Option<&'static versions::Former> {
    let manifest: Manifest = serde_json::from_value(json!({"id": "old", "kinds": ["video/1"]})).unwrap();
    let adapter = versions::adapter(&manifest, "video");
    assert!(adapter.is_some() && versions::adapter(&manifest, "webhook").is_none());
    adapter
}

/// Both directions of a call whose messages have not changed: what was recorded is what is sent and read.
fn unchanged<C: Call>() {
    let present = |what: &str| {
        let path = format!("{}/tests/golden/{}.{what}.json", env!("CARGO_MANIFEST_DIR"), C::METHOD);
        serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap()
    };
    let older = |what: &str| recorded("video-1", &format!("{}.{what}.json", C::METHOD));
    let request: C = serde_json::from_value(present("request")).unwrap();
    let sent: Value = serde_json::from_slice(&versions::request(adapter(), &request).unwrap()).unwrap();
    assert_eq!(sent, serde_json::from_slice::<Value>(&older("request")).unwrap(), "{}", C::METHOD);
    if C::METHOD != Join::METHOD {
        let read = versions::reply::<C>(adapter(), &older("reply")).unwrap();
        assert_eq!(json!(read), present("reply"), "{}", C::METHOD);
    }
}

#[test]
fn what_has_not_changed_is_sent_and_read_as_before() {
    unchanged::<video::CreateRoom>();
    unchanged::<Join>();
    unchanged::<EndRoom>();
    unchanged::<video::Reconcile>();
    unchanged::<video::Recordings>();
}

#[test]
fn the_fields_of_video_1_become_ways() {
    let read = |reply: &Value| versions::reply::<Join>(adapter(), reply.to_string().as_bytes()).unwrap();
    let mut access: Value = serde_json::from_slice(&recorded("video-1", "video.join.reply.json")).unwrap();
    let all = read(&access);
    let servers = [IceServer {
        urls: vec!["turn:turn.example.org".to_owned()],
        username: Some("1795165800:anna".to_owned()),
        credential: Some(consilium_plugin_contract::Sensitive::new("c2VjcmV0")),
    }];
    let rights =
        Signalling { exchange: true, publish: vec![Media::Audio, Media::Video, Media::Screen], moderate: true };
    assert_eq!((all.room.as_str(), all.page().unwrap().expose()), ("consultation-7", "https://meet.example.org/7"));
    assert_eq!((all.peers(), all.sdk()), (Some((&servers[..], &rights)), None), "the token was for the signalling");
    assert_eq!(json!(all.expires_at), access["expires_at"]);

    access["signalling"] = Value::Null;
    access["ice_servers"] = json!([]);
    let page = read(&access);
    assert_eq!((page.ways.len(), page.sdk().unwrap().0.expose(), page.sdk().unwrap().1), (2, "ey", None));
    access["join_url"] = json!("wss://livekit.example.org");
    let sdk = read(&access);
    assert_eq!(sdk.page(), None, "no browser opens that");
    assert!(matches!(&sdk.ways[..], [Way::Sdk { server_url: Some(url), .. }] if url == "wss://livekit.example.org"));
    let bare = json!({"provider": "p", "room": "r", "expires_at": "2026-11-20T09:00:00Z"});
    assert_eq!(read(&bare).ways, []);
    assert!(versions::reply::<Join>(adapter(), b"[]").is_err());
    assert!(versions::reply::<Join>(adapter(), br#"{"provider": "p"}"#).is_err(), "what is missing stays missing");
}

#[test]
fn what_is_recorded_is_what_the_schemas_of_its_time_say() {
    for (file, schema) in former_schemas() {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let contract = file.strip_suffix(".schema.json").unwrap();
        let id: ContractId = contract.replace('-', "/").parse().unwrap();
        assert!(versions::FORMER.iter().any(|former| former.contract == id.to_string()), "{id} is adapted no more");
        for (method, call) in schema["calls"].as_object().unwrap() {
            for what in ["request", "reply"] {
                let mut one = schema.clone();
                one["$ref"] = call[what]["$ref"].clone();
                let example: Value =
                    serde_json::from_slice(&recorded(contract, &format!("{method}.{what}.json"))).unwrap();
                let validator = jsonschema::validator_for(&one).unwrap();
                assert!(validator.is_valid(&example), "{contract} {method} {what}");
            }
        }
    }
}
