//! What plugins ask of the host.

use crate::{Golden, text};
use consilium_plugin_contract::{
    Bytes, Sensitive,
    blob::{
        BlobAppend, BlobAppended, BlobChunk, BlobCreate, BlobCreated, BlobDelete, BlobDeleted, BlobFinish, BlobRead,
        BlobRef, BlobStat, BlobState, FetchToBlob, FetchedToBlob, PartialBlob,
    },
    host::{
        Clock, ClockTime, Done, Emit, HttpFetch, HttpFetched, KvDelete, KvDeleted, KvEntry, KvFound, KvGet, KvList,
        KvListed, KvPut, KvStored, Log, LogLevel, Secret, SecretValue,
    },
};
use serde_json::json;

pub fn host(golden: &mut Golden) {
    let entry = KvEntry { key: text("k"), value: json!({"n": 1}), version: 2 };
    golden.call(&Log { level: LogLevel::Warn, message: text("slow") }, &Done {});
    golden.call(
        &HttpFetch {
            method: text("POST"),
            url: text("https://api.example.org/"),
            headers: [(text("authorization"), text("Bearer {{secret:token}}"))].into(),
            body: Some(Bytes(b"{}".to_vec())),
            timeout_ms: Some(1000),
        },
        &HttpFetched {
            status: 201,
            headers: [(text("content-type"), text("application/json"))].into(),
            body: Bytes(b"{}".to_vec()),
        },
    );
    golden.call(&KvGet { key: text("k") }, &KvFound { entry: Some(entry.clone()) });
    golden.call(&KvPut { key: text("k"), value: json!({"n": 1}), expected: Some(1) }, &KvStored { version: 2 });
    golden.call(
        &KvList { prefix: text("day/"), from: Some(text("day/2026")), limit: 100 },
        &KvListed { entries: vec![entry] },
    );
    golden.call(&KvDelete { key: text("k"), expected: Some(2) }, &KvDeleted { existed: true });
    golden.call(&Clock {}, &ClockTime { now: "2026-11-20T09:00:00Z".parse().unwrap() });
    golden.call(&Secret { name: text("seed") }, &SecretValue { value: Some(Sensitive::new("value")) });
    golden.call(&Emit { event_type: text("room_recorded"), data: json!({"room": "7"}), subject: None }, &Done {});
    blobs(golden);
    let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug];
    assert_eq!(json!(levels), json!(["error", "warn", "info", "debug"]));
}

fn blobs(golden: &mut Golden) {
    let id = || text("0193a5b0-0000-7000-8000-000000000001");
    let blob = BlobRef { id: id(), size_bytes: 2, sha256: text("44136fa3") };
    golden.call(&BlobCreate {}, &BlobCreated { id: id() });
    golden.call(&BlobAppend { id: id(), offset: 0, bytes: Bytes(b"{}".to_vec()) }, &BlobAppended { size_bytes: 2 });
    golden.call(&BlobFinish { id: id() }, &blob);
    golden.call(&BlobStat { id: id() }, &BlobState { size_bytes: 2, sha256: Some(text("44136fa3")) });
    golden.call(&BlobRead { id: id(), offset: 1, length: 10 }, &BlobChunk { bytes: Bytes(b"}".to_vec()) });
    golden.call(&BlobDelete { id: id() }, &BlobDeleted { existed: true });
    let request = HttpFetch {
        method: text("GET"),
        url: text("https://api.example.org/recordings/1"),
        headers: [].into(),
        body: None,
        timeout_ms: None,
    };
    golden.call(
        &FetchToBlob { request, resume: Some(id()) },
        &FetchedToBlob {
            status: 206,
            headers: [].into(),
            blob: Some(blob),
            partial: Some(PartialBlob { id: id(), size_bytes: 1 }),
        },
    );
}
