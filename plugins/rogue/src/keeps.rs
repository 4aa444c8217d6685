//! Deeds with what the host keeps for a plugin: events and blobs.

use consilium_plugin_sdk::{
    Host, PluginError,
    contract::{blob::MAX_CHUNK, host::HttpFetch},
};
use serde_json::json;

pub(crate) fn attempt(deed: &str, argument: &str, peer: &str, host: &Host<'_>) -> Result<String, PluginError> {
    match deed {
        "emit" => host.emit(argument, json!({"word": "hello"}), None).map(|()| "emitted".to_owned()),
        "emit-large" => host.emit("rogue_spoke", json!("x".repeat(70_000)), None).map(|()| "emitted".to_owned()),
        "blob" => blob(host),
        _ => download(&format!("{peer}{argument}"), host),
    }
}

/// Goes through a blob's life and answers the codes of what must fail.
fn blob(host: &Host<'_>) -> Result<String, PluginError> {
    let code = |result: Result<u64, PluginError>| result.map_or_else(|e| e.code, |size| size.to_string());
    let id = host.blob_create()?;
    let first = code(host.blob_append(&id, 0, b"hello "));
    let again = code(host.blob_append(&id, 0, b"hello "));
    let next = code(host.blob_append(&id, 6, b"world"));
    let large = code(host.blob_append(&id, 11, &vec![0; MAX_CHUNK + 1]));
    let blob = host.blob_finish(&id)?;
    let late = code(host.blob_append(&id, 11, b"!"));
    let read = String::from_utf8_lossy(&host.blob_read(&id, 4, 3)?).into_owned();
    let behind = host.blob_read(&id, 11, 3)?.len();
    let foreign = code(host.blob_append("0193a5b0-0000-7000-8000-000000000001", 0, b"x"));
    let deleted = [host.blob_delete(&id)?, host.blob_delete(&id)?];
    let hoard = host.blob_create()?;
    let mut size = 0;
    let full = loop {
        match host.blob_append(&hoard, size, &vec![1; MAX_CHUNK]) {
            Ok(longer) => size = longer,
            Err(error) => break error.code,
        }
    };
    host.blob_delete(&hoard)?;
    Ok(json!([first, again, next, large, blob.sha256, late, read, behind, foreign, deleted, full]).to_string())
}

/// Fetches until all of it is there, and answers status, rounds, size and hash.
fn download(url: &str, host: &Host<'_>) -> Result<String, PluginError> {
    let request = HttpFetch {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: [("authorization".to_owned(), "Bearer {{secret:hidden}}".to_owned())].into(),
        body: None,
        timeout_ms: Some(600),
    };
    let mut resume: Option<String> = None;
    for round in 1.. {
        let fetched = host.fetch_to_blob(&request, resume.as_deref())?;
        if let Some(blob) = fetched.blob {
            host.blob_delete(&blob.id)?;
            return Ok(json!([fetched.status, round, blob.size_bytes, blob.sha256]).to_string());
        }
        let Some(partial) = fetched.partial else { return Ok(json!([fetched.status, round]).to_string()) };
        resume = Some(partial.id);
    }
    Ok(String::new())
}
