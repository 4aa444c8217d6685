//! What plugins ask of the host.

use crate::{Golden, text};
use consilium_plugin_contract::{
    Bytes, Sensitive,
    host::{
        Clock, ClockTime, Done, HttpFetch, HttpFetched, KvDelete, KvDeleted, KvEntry, KvFound, KvGet, KvList, KvListed,
        KvPut, KvStored, Log, LogLevel, Secret, SecretValue,
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
    let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug];
    assert_eq!(json!(levels), json!(["error", "warn", "info", "debug"]));
}
