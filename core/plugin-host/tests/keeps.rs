//! Events and blobs: what a plugin may leave with the host, and what it may not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{Isolation, MemoryServices, PluginHost, SecretSource};
use serde_json::{Value, json};
use std::{fs, sync::Arc, time::Duration};
use support::{deed, rogue, settings};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const SECRET: &str = "value-of-hidden";

async fn connected(peer: &str) -> (PluginHost, Arc<MemoryServices>, TempDir) {
    let cache = tempfile::tempdir().unwrap();
    let services = Arc::new(MemoryServices::default());
    let mut plugin = rogue(Isolation::Process);
    plugin.config = support::config(json!({"peer": peer}));
    plugin.allow_private = true;
    let secret = cache.path().join("hidden");
    fs::write(&secret, SECRET).unwrap();
    plugin.secrets.insert("hidden".to_owned(), SecretSource::File(secret));
    let host = support::start_with(settings(&cache), plugin, services.clone()).await;
    (host, services, cache)
}

#[tokio::test]
async fn only_declared_events_of_some_size_are_taken() {
    let (host, services, _cache) = connected("http://127.0.0.1:1").await;
    assert_eq!(deed(&host, "emit:appointment_booked").await.unwrap_err().code(), "emit_denied");
    assert_eq!(deed(&host, "emit-large").await.unwrap_err().code(), "emit_too_large");
    assert_eq!(services.emitted(), []);
    assert_eq!(deed(&host, "emit:rogue_spoke").await.unwrap(), "emitted");
    let (plugin, event) = services.emitted().remove(0);
    assert_eq!(
        (plugin.as_str(), event.event_type.as_str(), event.data),
        ("rogue", "rogue_spoke", json!({"word": "hello"}))
    );
}

#[tokio::test]
async fn events_without_end_are_refused() {
    let (host, services, _cache) = connected("http://127.0.0.1:1").await;
    let mut busy = 0;
    for _ in 0..300 {
        if let Err(error) = deed(&host, "emit:rogue_spoke").await {
            assert_eq!((error.code(), error.retryable()), ("emit_busy", true));
            busy += 1;
        }
    }
    assert_eq!(services.emitted().len() + busy, 300);
}

#[tokio::test]
async fn a_blob_is_appended_in_order_finished_once_and_bounded() {
    let (host, _, _cache) = connected("http://127.0.0.1:1").await;
    let answer: Value = serde_json::from_str(&deed(&host, "blob").await.unwrap()).unwrap();
    let hash = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
    assert_eq!(
        answer,
        json!([
            "6",
            "blob_offset",
            "11",
            "blob_too_large",
            hash,
            "blob_finished",
            "o w",
            0,
            "blob_unknown",
            [true, false],
            "blob_quota"
        ])
    );
}

/// Serves 3,000,000 bytes; `/slow` breaks off every time it has sent a third of them, `/stubborn` does so
/// too and ignores ranges, `/echo` sends back what it got.
async fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = vec![0; 8192];
                let read = stream.read(&mut bytes).await.unwrap();
                let request = String::from_utf8_lossy(&bytes[..read]).to_lowercase();
                let path = request.split(' ').nth(1).unwrap().to_owned();
                let range = request.lines().find_map(|line| line.strip_prefix("range: bytes="));
                let from: usize = range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
                let from = if path == "/stubborn" { 0 } else { from };
                let body = match path.as_str() {
                    "/echo" => request.clone().into_bytes(),
                    _ => content()[from..].to_vec(),
                };
                let status = match (path.as_str(), from) {
                    ("/missing", _) => "404 Not Found".to_owned(),
                    (_, 0) => "200 OK".to_owned(),
                    _ => format!("206 Partial Content\r\nContent-Range: bytes {from}-2999999/3000000"),
                };
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).await.unwrap();
                if path == "/slow" || path == "/stubborn" {
                    let _ = stream.write_all(&body[..body.len().min(1_100_000)]).await;
                    if body.len() > 1_100_000 {
                        tokio::time::sleep(Duration::from_secs(5)).await;
                    }
                } else {
                    let _ = stream.write_all(&body).await;
                }
            });
        }
    });
    format!("http://{address}")
}

fn content() -> Vec<u8> {
    (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn hash() -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, &content()))
}

#[tokio::test]
async fn a_response_of_any_size_becomes_a_blob() {
    let (host, _, _cache) = connected(&server().await).await;
    assert_eq!(deed(&host, "download:/at-once").await.unwrap(), json!([200, 1, 3_000_000, hash()]).to_string());
    assert_eq!(deed(&host, "download:/missing").await.unwrap(), "[404,1]");
}

#[tokio::test]
async fn what_does_not_come_in_time_is_gone_on_with() {
    let (host, _, _cache) = connected(&server().await).await;
    let told: Value = serde_json::from_str(&deed(&host, "download:/slow").await.unwrap()).unwrap();
    assert_eq!((&told[0], &told[2], &told[3]), (&json!(206), &json!(3_000_000), &json!(hash())));
    assert!(told[1].as_u64().unwrap() > 1, "{told}");
    assert_eq!(deed(&host, "download:/stubborn").await.unwrap_err().code(), "resume_refused");
}

#[tokio::test]
async fn a_secret_does_not_come_back_as_a_blob() {
    let (host, _, _cache) = connected(&server().await).await;
    assert_eq!(deed(&host, "download:/echo").await.unwrap_err().code(), "secret_in_answer");
}
