//! The stores of plugins, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use consilium_db::{
    Error,
    plugin_values::{self, PluginWrite, PluginWritten},
    testing::TestDb,
};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY};
use serde_json::{Value, json};

const QUOTA: u64 = 1_000;

async fn write(
    test: &TestDb,
    plugin: &'static str,
    key: &str,
    value: Option<Value>,
    expected: Option<i64>,
) -> Result<PluginWritten, String> {
    let change = PluginWrite { key: key.to_owned(), value, expected };
    let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
    let written = test.db.write(&meta, move |tx| plugin_values::write(tx, plugin, &change, QUOTA)).await;
    written.map_err(|error| match error {
        Error::Refused(refusal) => refusal.code.into_owned(),
        other => panic!("{other}"),
    })
}

async fn list(test: &TestDb, prefix: &'static str, from: Option<&'static str>, limit: i64) -> Vec<String> {
    let found = test.db.read(move |read| plugin_values::list(read, "a", prefix, from, limit)).await.unwrap();
    found.into_iter().map(|entry| entry.key).collect()
}

#[tokio::test]
async fn a_write_expects_the_version_that_was_read() {
    for test in TestDb::both() {
        let put = |value: i64, expected| write(&test, "a", "k", Some(json!(value)), expected);
        assert_eq!(put(1, Some(1)).await.unwrap_err(), "kv_conflict");
        assert_eq!(put(1, Some(0)).await.unwrap(), PluginWritten { existed: false, version: 1 });
        assert_eq!(put(2, Some(0)).await.unwrap_err(), "kv_conflict");
        assert_eq!(put(2, Some(1)).await.unwrap(), PluginWritten { existed: true, version: 2 });
        assert_eq!(put(3, None).await.unwrap().version, 3);
        let entry = test.db.read(|read| plugin_values::get(read, "a", "k")).await.unwrap().unwrap();
        assert_eq!((entry.value, entry.version), (json!(3), 3));
        assert_eq!(test.db.read(|read| plugin_values::get(read, "b", "k")).await.unwrap(), None, "one's own only");
        assert_eq!(write(&test, "a", "k", None, Some(2)).await.unwrap_err(), "kv_conflict");
        assert_eq!(write(&test, "a", "k", None, Some(3)).await.unwrap(), PluginWritten { existed: true, version: 0 });
        assert_eq!(write(&test, "a", "k", None, None).await.unwrap(), PluginWritten { existed: false, version: 0 });
        assert_eq!(put(1, Some(0)).await.unwrap().version, 1);
    }
}

#[tokio::test]
async fn keys_are_listed_in_byte_order() {
    for test in TestDb::both() {
        for key in ["day/b/2", "day/B/1", "day/b/10", "day/b/1", "dayz", "day/é", "zoo", "day/_", "day/\u{10ffff}x"] {
            write(&test, "a", key, Some(json!(1)), None).await.unwrap();
        }
        write(&test, "b", "day/b/3", Some(json!(1)), None).await.unwrap();
        assert_eq!(list(&test, "day/b/", None, 10).await, ["day/b/1", "day/b/10", "day/b/2"]);
        assert_eq!(list(&test, "day/b/", Some("day/b/10"), 10).await, ["day/b/10", "day/b/2"]);
        assert_eq!(list(&test, "day/b/", Some("day/b/10\0"), 10).await, ["day/b/2"], "right behind a key");
        assert_eq!(list(&test, "day/b/", Some("a"), 1).await, ["day/b/1"]);
        assert_eq!(list(&test, "day/b/", Some("x"), 10).await, Vec::<String>::new());
        let whole = ["day/B/1", "day/_", "day/b/1", "day/b/10", "day/b/2", "day/é", "day/\u{10ffff}x"];
        assert_eq!(list(&test, "day/", None, 100).await, whole);
        assert_eq!(list(&test, "day/\u{10ffff}", None, 100).await, ["day/\u{10ffff}x"]);
        assert_eq!(list(&test, "", None, 100).await.len(), 9);
        assert_eq!(list(&test, "day\0", None, 100).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_store_has_room_for_its_quota() {
    for test in TestDb::both() {
        let text = |length: usize| Some(Value::from("x".repeat(length)));
        write(&test, "a", "first", text(500), None).await.unwrap();
        assert_eq!(write(&test, "a", "second", text(500), None).await.unwrap_err(), "kv_quota");
        assert_eq!(write(&test, "a", "first", text(1_001), None).await.unwrap_err(), "kv_quota");
        write(&test, "b", "second", text(500), None).await.unwrap();
        write(&test, "a", "first", text(900), None).await.unwrap();
        write(&test, "a", "first", text(10), None).await.unwrap();
        write(&test, "a", "second", text(500), None).await.unwrap();
        write(&test, "a", "second", None, None).await.unwrap();
        write(&test, "a", "third", text(900), None).await.unwrap();
    }
}

#[tokio::test]
async fn keys_and_values_have_bounds() {
    for test in TestDb::both() {
        for key in ["", "a\0b", &"x".repeat(257)] {
            assert_eq!(write(&test, "a", key, Some(json!(1)), None).await.unwrap_err(), "kv_key");
        }
        let large = Some(Value::from("x".repeat(256 * 1024)));
        assert_eq!(write(&test, "a", "k", large, None).await.unwrap_err(), "kv_too_large");
        assert_eq!(test.db.read(|read| plugin_values::get(read, "a", "a\0b")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn of_many_writers_that_read_the_same_one_wins() {
    for test in TestDb::both() {
        write(&test, "a", "k", Some(json!(0)), None).await.unwrap();
        let tries = (0..8).map(|n| {
            let (db, change) =
                (test.db.clone(), PluginWrite { key: "k".to_owned(), value: Some(json!(n)), expected: Some(1) });
            tokio::spawn(async move {
                let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
                db.write(&meta, move |tx| plugin_values::write(tx, "a", &change, QUOTA)).await.is_ok()
            })
        });
        let mut won = 0;
        for one in tries.collect::<Vec<_>>() {
            won += usize::from(one.await.unwrap());
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn values_are_sealed() {
    let test = TestDb::sqlite();
    write(&test, "a", "readable-key", Some(json!("Quincunxitis")), None).await.unwrap();
    let file = std::fs::read(test.folder.join("consilium.db-wal")).unwrap();
    let holds = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("readable-key") && !holds("Quincunxitis"));
}
