//! The example plugin in C, built by its Makefile, does what a plugin in Rust does in both isolation
//! modes: serves, refuses bad input, and answers what runs before it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{
    Adapted, Isolation, MemoryServices, PluginConfig, PluginHost, PluginInfo, SecretSource, Settings,
    contract::video::{CreateRoom, EndRoom, Join, Participant, Role},
};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};
use support::{http, response};
use tempfile::TempDir;

/// Runs `make`, as an author would.
fn built(directory: &TempDir) -> PathBuf {
    built_with(directory, "")
}

/// Runs `make` with flags for the compiler.
fn built_with(directory: &TempDir, flags: &str) -> PathBuf {
    let made = Command::new("make")
        .args(["-s", "-C", concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/example-c")])
        .arg(format!("OUT={}", directory.path().display()))
        .arg(format!("CFLAGS={flags}"))
        .status()
        .expect("these tests need make and a C compiler");
    assert!(made.success());
    directory.path().join("libexample_c.so")
}

async fn start(settings: Settings, library: &Path, base_url: &str, isolation: Isolation) -> PluginHost {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = library.with_file_name("api_key");
    std::fs::write(&key, "k-123").unwrap();
    let plugin = PluginConfig {
        isolation,
        allow_private: true,
        config: support::config(json!({ "base_url": base_url })),
        secrets: [("api_key".to_owned(), SecretSource::File(key))].into(),
        ..PluginConfig::new("example-c", library)
    };
    PluginHost::start(settings, vec![plugin], Arc::new(MemoryServices::default())).await.unwrap()
}

fn room(id: &str) -> CreateRoom {
    CreateRoom {
        idempotency_key: "1".to_owned(),
        consultation_id: id.to_owned(),
        starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        facility_id: None,
        title: Some("Ünï \"quoted\" \\ \u{1F600}".to_owned()),
        lobby: false,
        record: false,
    }
}

const BOTH: [Isolation; 2] = [Isolation::Process, Isolation::InProcess];

#[tokio::test]
async fn a_consultation_runs_on_the_plugin_in_c() {
    let info = a_consultation_runs("").await;
    assert_eq!((info.kinds[0].to_string(), info.adapted), ("video/2".to_owned(), vec![]));
}

/// The same source as it was under the contract before passes the same calls, and operators see by what.
#[tokio::test]
async fn a_consultation_runs_on_a_plugin_of_the_contract_before() {
    let info = a_consultation_runs("-DVIDEO_1").await;
    let adapted = Adapted { contract: "video/1".parse().unwrap(), present: "video/2".parse().unwrap() };
    assert_eq!((info.kinds, info.adapted), (vec![adapted.contract.clone()], vec![adapted]));
}

/// In both modes; what the host says of the plugin in the last.
async fn a_consultation_runs(flags: &str) -> PluginInfo {
    let directory = tempfile::tempdir().unwrap();
    let library = built_with(&directory, flags);
    let mut seen_as = None;
    for isolation in BOTH {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let acme = http(move |request, _| {
            let line = format!("{} {} {:?}", request.method(), request.path(), request.header("authorization"));
            log.lock().unwrap().push(line);
            Some(response(if request.path().ends_with("full") { "503 Full" } else { "201 Created" }, "", "{}"))
        })
        .await;
        let host = start(support::settings(&directory), &library, &format!("http://{acme}"), isolation).await;
        assert_eq!(host.problems(), []);
        assert_eq!(host.call("example-c", room("c-7")).await.unwrap().room, "c-7");
        let join = Join {
            room: "c-7".to_owned(),
            consultation_id: "c-7".to_owned(),
            participant: Participant {
                id: "anna".to_owned(),
                role: Role::Doctor,
                display_name: "Anna".to_owned(),
                email: None,
                avatar_url: None,
            },
            expires_at: "2026-11-20T10:00:00Z".parse().unwrap(),
        };
        let access = host.call("example-c", join.clone()).await.unwrap();
        assert_eq!(access.page().unwrap().expose(), format!("http://{acme}/rooms/c-7"));
        assert_eq!(access.expires_at, join.expires_at);
        assert!(host.call("example-c", EndRoom { room: "c-7".to_owned() }).await.unwrap().emptied);
        let key = "Some(\"Bearer k-123\")";
        let expected = [format!("PUT /api/rooms/c-7 {key}"), format!("DELETE /api/rooms/c-7 {key}")];
        assert_eq!(*seen.lock().unwrap(), expected);

        let full = host.call("example-c", room("full")).await.unwrap_err();
        assert_eq!((full.code(), full.retryable()), ("provider_unreachable", true));
        let bad = host.call("example-c", room("../admin?x=1")).await.unwrap_err();
        assert_eq!(bad.code(), "plugin_request_invalid");
        let bad = host.call("example-c", EndRoom { room: String::new() }).await.unwrap_err();
        assert_eq!(bad.code(), "plugin_request_invalid");
        assert_eq!(seen.lock().unwrap().len(), 3, "a bad id asks nobody");
        seen_as = Some(support::info(&host).await);
        host.shutdown().await;
    }
    seen_as.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_call_is_answered_before_the_plugin_ends() {
    let directory = tempfile::tempdir().unwrap();
    let library = built(&directory);
    for isolation in BOTH {
        let slow = http(|_, _| {
            std::thread::sleep(Duration::from_millis(700));
            Some(response("201 Created", "", "{}"))
        })
        .await;
        let host = start(support::settings(&directory), &library, &format!("http://{slow}"), isolation).await;
        let running = tokio::spawn({
            let host = host.clone();
            async move { host.call("example-c", room("late")).await }
        });
        while support::info(&host).await.calls == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        host.shutdown().await;
        assert_eq!(running.await.unwrap().unwrap().room, "late");
        assert_eq!(host.call("example-c", room("after")).await.unwrap_err().code(), "plugin_stopped");
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_by_its_schema() {
    let directory = tempfile::tempdir().unwrap();
    let library = built(&directory);
    let host = start(support::settings(&directory), &library, "ftp://meet.example.org", Isolation::Process).await;
    let problems = host.problems();
    assert_eq!(problems[0].key, "config.base_url", "{problems:?}");
}

#[test]
fn the_header_is_clean_in_c_and_in_cpp() {
    let directory = tempfile::tempdir().unwrap();
    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/sdk/include");
    for (compiler, standard, name) in [("cc", "-std=c11", "header.c"), ("c++", "-std=c++17", "header.cpp")] {
        let file = directory.path().join(name);
        std::fs::write(&file, "#include \"consilium_plugin.h\"\n#include \"consilium_plugin.h\"\n").unwrap();
        let compiled = Command::new(compiler)
            .args([standard, "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-I", include])
            .arg(&file)
            .status()
            .expect("these tests need a C and a C++ compiler");
        assert!(compiled.success(), "{compiler}");
    }
}
