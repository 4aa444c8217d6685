//! `video/1`: access was a handful of optional fields, `join_url`, `token`, `ice_servers` and `signalling`, from which
//! the host had to guess the ways in: an address that only an SDK can connect to was offered as a page, and access
//! without any way in could be written down. `video/2` names the ways. Requests have not changed.

use super::Former;
use serde_json::{Map, Value, json};

pub(super) const FORMER: Former = Former { contract: "video/1", down: |_, _| {}, up };

fn up(method: &str, reply: &mut Value) {
    if method != "video.join" {
        return;
    }
    let Some(access) = reply.as_object_mut() else { return };
    access.remove("provider");
    let ways = ways(access);
    access.insert("ways".to_owned(), Value::Array(ways));
}

/// The ways that the fields stand for, as hosts understood them. Takes the fields away.
fn ways(access: &mut Map<String, Value>) -> Vec<Value> {
    let mut take = |field: &str| access.remove(field).filter(|value| !value.is_null());
    let (address, token, signalling) = (take("join_url"), take("token"), take("signalling"));
    let ice_servers = take("ice_servers").filter(|servers| servers != &json!([]));
    let is_page = |address: &Value| address.as_str().is_some_and(|text| !text.starts_with("ws"));
    let mut ways = Vec::new();
    if let Some(url) = address.as_ref().filter(|address| is_page(address)) {
        ways.push(json!({"way": "page", "url": url}));
    }
    // With signalling the token was for the platform's own channel.
    if let Some(token) = token.filter(|_| signalling.is_none()) {
        let server_url = address.filter(|address| !is_page(address));
        ways.push(json!({"way": "sdk", "token": token, "server_url": server_url}));
    }
    if signalling.is_some() || ice_servers.is_some() {
        let signalling = signalling.unwrap_or_else(|| json!({"exchange": true, "publish": [], "moderate": false}));
        ways.push(
            json!({"way": "peers", "ice_servers": ice_servers.unwrap_or_else(|| json!([])), "signalling": signalling}),
        );
    }
    ways
}
