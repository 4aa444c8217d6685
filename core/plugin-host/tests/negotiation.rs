//! What is no plugin of this border is refused with an explanation and never called, in both
//! isolation modes; a plugin in C that keeps to the header works in both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{
    Isolation, MemoryServices, PluginConfig, PluginHost, PluginState, Settings,
    contract::video::{CreateRoom, EndRoom, Recordings},
};
use std::{
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Compiles the C plugin with the header of the SDK.
fn c_plugin(directory: &TempDir, defines: &[&str]) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let library = directory.path().join("c.so");
    let compiled = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-D_GNU_SOURCE"])
        .arg(format!("-I{root}/plugins/sdk/include"))
        .args(defines)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/c/plugin.c"))
        .arg("-o")
        .arg(&library)
        .status()
        .expect("these tests need a C compiler, cc");
    assert!(compiled.success());
    library
}

async fn start(settings: Settings, library: PathBuf, isolation: Isolation) -> PluginHost {
    let plugin = PluginConfig { isolation, ..PluginConfig::new("c", library) };
    PluginHost::start(settings, vec![plugin], Arc::new(MemoryServices::default())).await.unwrap()
}

fn room() -> CreateRoom {
    CreateRoom {
        idempotency_key: "1".to_owned(),
        consultation_id: "1".to_owned(),
        starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        facility_id: None,
        title: None,
        lobby: false,
        record: false,
    }
}

#[tokio::test]
async fn what_is_no_plugin_of_this_border_is_refused_and_explained() {
    for (defines, explanation) in [
        ("-DMAJOR=2", "the library speaks ABI 2.0, this host speaks 1.1"),
        ("-DSIZE=40", "the library speaks ABI 1.0, this host speaks 1.1"),
        ("-DMAGIC=7", "does not begin with the magic number"),
        ("-DNO_ENTRY_POINT", "exports no consilium_plugin_v1"),
        (
            "-DKIND=\"video/3\"",
            "the plugin fulfils video/3, this host speaks video/2 and video/1: use a release of the server",
        ),
        (
            "-DKIND=\"video/0\"",
            "the plugin fulfils video/0, this host speaks video/2 and video/1: rebuild the plugin with",
        ),
        ("-DKIND=\"teleport/1\"", "the plugin fulfils teleport/1, this host speaks video/2, pharmacy/1, analytics/1"),
        ("-DFEATURES=(1ull<<40)", "the plugin cannot do without feature 40, which this host does not offer"),
        ("-DKIND=\"video\"", "is not a contract such as"),
    ] {
        for isolation in [Isolation::Process, Isolation::InProcess] {
            let directory = tempfile::tempdir().unwrap();
            let library = c_plugin(&directory, &[defines]);
            let host = start(support::settings(&directory), library, isolation).await;
            let problems = host.problems();
            let [problem] = problems.as_slice() else { panic!("{defines}: {problems:?}") };
            assert_eq!(problem.key, "library");
            assert!(problem.reason.contains(explanation), "{defines}: {problem}");
            let info = host.list().await.remove(0);
            assert_eq!((info.state, info.pid), (PluginState::Stopped, None));
            assert_eq!(host.call("c", room()).await.unwrap_err().code(), "plugin_stopped");
        }
    }
}

#[tokio::test]
async fn what_is_no_library_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text.so");
    std::fs::write(&text, "not a library").unwrap();
    for library in [text, directory.path().join("missing.so")] {
        let host = start(support::settings(&directory), library, Isolation::Process).await;
        assert_eq!(host.problems().len(), 1);
    }
}

#[tokio::test]
async fn a_manifest_that_changes_between_looking_and_starting_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let library = c_plugin(&directory, &["-DLIE"]);
    let host = start(support::settings(&directory), library, Isolation::Process).await;
    let info = host.list().await.remove(0);
    assert_eq!(info.state, PluginState::Stopped);
    assert_eq!(info.last_error.as_deref(), Some("its manifest changed since it was inspected"));
}

#[tokio::test]
async fn a_plugin_in_c_works_by_the_header_alone() {
    for isolation in [Isolation::Process, Isolation::InProcess] {
        let directory = tempfile::tempdir().unwrap();
        let host = start(support::settings(&directory), c_plugin(&directory, &[]), isolation).await;
        assert_eq!(host.problems(), []);
        assert_eq!(host.call("c", room()).await.unwrap().room, "c");
        let wrong = host.call("c", EndRoom { room: "c".to_owned() }).await.unwrap_err();
        assert_eq!(wrong.code(), "plugin_answer_invalid");
        let optional = Recordings { room: "c".to_owned(), consultation_id: "1".to_owned() };
        let older = host.call("c", optional).await.unwrap_err();
        assert_eq!((older.code(), older.retryable()), ("not_supported", false));
        assert_eq!(host.list().await.remove(0).failures, 1, "a call it never offered tells nothing against it");
        host.shutdown().await;
    }
}

#[tokio::test]
async fn a_plugin_of_a_later_minor_with_a_longer_table_works() {
    for isolation in [Isolation::Process, Isolation::InProcess] {
        let directory = tempfile::tempdir().unwrap();
        let newer = ["-DMINOR=9", "-DSIZE=(sizeof(consilium_plugin)+64)"];
        let host = start(support::settings(&directory), c_plugin(&directory, &newer), isolation).await;
        assert_eq!(host.problems(), []);
        assert_eq!(host.call("c", room()).await.unwrap().room, "c");
        host.shutdown().await;
    }
}

#[tokio::test]
async fn a_cancelled_call_is_told_so_and_the_plugin_lives_on() {
    for isolation in [Isolation::Process, Isolation::InProcess] {
        let directory = tempfile::tempdir().unwrap();
        // Without the cancel the process would be killed, or the thread abandoned and the plugin quarantined.
        let settings = Settings {
            call_timeout_ms: 300,
            cancel_grace_ms: 3_000,
            max_abandoned: 1,
            ..support::settings(&directory)
        };
        let host = start(settings, c_plugin(&directory, &["-DWAITS"]), isolation).await;
        let before = host.list().await.remove(0);
        assert_eq!(host.call("c", room()).await.unwrap_err().code(), "plugin_timeout");
        let start = Instant::now();
        let next = loop {
            let next = host.call("c", Recordings { room: "c".to_owned(), consultation_id: "1".to_owned() }).await;
            match next.unwrap_err() {
                // It waits until the cancelled call has returned.
                busy if busy.code() == "plugin_busy" && start.elapsed() < Duration::from_secs(20) => {}
                other => break other,
            }
        };
        assert_eq!(next.code(), "not_supported");
        let after = host.list().await.remove(0);
        assert_eq!((after.pid, after.restarts, after.state), (before.pid, 0, PluginState::Running));
        host.shutdown().await;
    }
}

#[tokio::test]
async fn calls_of_a_kind_the_plugin_does_not_do_never_reach_it() {
    use consilium_plugin_host::contract::pharmacy::Status;
    let directory = tempfile::tempdir().unwrap();
    let host = start(support::settings(&directory), c_plugin(&directory, &[]), Isolation::Process).await;
    let error = host.call("c", Status { reference: "1".to_owned() }).await.unwrap_err();
    assert_eq!(error.code(), "plugin_kind_unsupported");
    assert_eq!(host.call("nobody", room()).await.unwrap_err().code(), "plugin_unknown");
}
