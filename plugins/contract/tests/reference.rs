//! The contract reference below `docs/contracts` says what the types say, and tells of every message.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use consilium_plugin_contract::reference::{files, kinds};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_str().unwrap().into(), fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn the_published_reference_is_that_of_the_types() {
    let made = files(&folder("tests/golden")).unwrap();
    let published = read(&folder("../../docs/contracts"));
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    let how = "cargo run -p consilium-plugin-contract --features schema --example contract-reference";
    assert_eq!(names(&made), names(&published), "write it anew: {how}");
    for (name, text) in &made {
        assert!(published[name] == *text, "docs/contracts/{name} is not up to date; write it anew: {how}");
    }
}

#[test]
fn the_reference_tells_of_every_call() {
    let golden = read(&folder("tests/golden"));
    let pinned: BTreeSet<_> = golden.keys().filter_map(|name| name.strip_suffix(".request.json")).collect();
    let kinds = kinds();
    let told: BTreeSet<_> = kinds.iter().flat_map(|kind| kind.calls.iter().map(|call| call.method)).collect();
    assert_eq!(pinned, told);
}

#[test]
fn the_examples_are_what_the_schemas_say() {
    let golden = folder("tests/golden");
    for kind in kinds() {
        let schema = kind.schema();
        for call in &kind.calls {
            for what in ["request", "reply"] {
                let mut one = schema.clone();
                one["$ref"] = schema["calls"][call.method][what]["$ref"].clone();
                let validator = jsonschema::validator_for(&one).unwrap();
                let file = fs::read_to_string(golden.join(format!("{}.{what}.json", call.method))).unwrap();
                let example: Value = serde_json::from_str(&file).unwrap();
                let errors: Vec<_> = validator.iter_errors(&example).map(|e| e.to_string()).collect();
                assert!(errors.is_empty(), "{} {what}: {errors:?}", call.method);
                assert!(!validator.is_valid(&Value::from(7)), "{} {what} allows anything", call.method);
            }
        }
    }
}

#[test]
fn a_call_with_a_key_can_be_asked_about() {
    for kind in kinds() {
        let schema = kind.schema();
        let keyed = |call: &str| {
            let path = schema["calls"][call]["request"]["$ref"].as_str().unwrap();
            schema.pointer(path.trim_start_matches('#')).unwrap()["properties"].get("idempotency_key").is_some()
        };
        let methods: Vec<_> = kind.calls.iter().map(|call| call.method).collect();
        let reconcile = format!("{}.reconcile", kind.name());
        let keyed: Vec<_> = methods.iter().filter(|method| **method != reconcile && keyed(method)).collect();
        assert_eq!(!keyed.is_empty(), methods.contains(&reconcile.as_str()), "{}: {keyed:?}", kind.contract);
    }
}
