//! What the web client is made from, and its package against this server.

use std::{fs, path::PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::world::{World, finish};

fn web() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../api/web")
}

/// The document that the client's types are made from. It is written anew with `UPDATE_OPENAPI=1`.
#[actix_rt::test]
async fn the_client_is_made_from_this_servers_openapi_document_sqlite() {
    let world = World::new().await;
    let url = format!("{}/api/openapi.json", world.server.client.address());
    let served: Value = reqwest::get(url).await.expect("an answer").json().await.expect("JSON");
    let file = web().join("client/openapi.json");
    let mut text = serde_json::to_string_pretty(&served).expect("JSON");
    text.push('\n');
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(&file, &text).expect("a file");
    }
    let kept = fs::read_to_string(&file).expect("the document");
    assert!(
        kept == text,
        "the API has changed: run this test with UPDATE_OPENAPI=1, then `scripts/web check`, and adapt the client"
    );
}

#[actix_rt::test]
async fn the_clients_package_resumes_and_repeats_sqlite() {
    let world = World::new().await;
    let mut command = Command::new("node");
    command.args(["node_modules/vitest/vitest.mjs", "run", "--root", "client"]).current_dir(web());
    finish(command.env("CONSILIUM_GIVEN", world.given.to_string())).await;
}
