//! The walls around a child process: each deed of the rogue is refused, what the child says of its walls
//! is true, and the host does not notice. A kernel without seccomp or Landlock fails these tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{Isolation, PluginHost, PluginState, Protection};
use std::{fs, net::TcpListener, os::unix::net::UnixListener};
use support::{deed, info, rogue, settings, start, until};
use tempfile::TempDir;

async fn child() -> (PluginHost, TempDir) {
    let cache = tempfile::tempdir().unwrap();
    (start(settings(&cache), rogue(Isolation::Process)).await, cache)
}

/// The deed fails with an error, its process lives on and serves the next call.
async fn refused(host: &PluginHost, name: &str) -> String {
    let before = info(host).await.pid;
    let answer = deed(host, name).await.unwrap();
    assert!(answer.starts_with("Err(") || answer.starts_with("Os {"), "{name}: {answer}");
    assert_eq!(deed(host, "after").await.unwrap(), "room-after", "{name}");
    assert_eq!(info(host).await.pid, before, "{name}");
    answer
}

#[tokio::test]
async fn the_child_reports_every_wall_and_the_kernel_agrees() {
    let (host, _cache) = child().await;
    let info = info(&host).await;
    let sandbox = info.sandbox.unwrap();
    for (wall, stands) in sandbox.walls() {
        assert_eq!(*stands, Protection::InForce, "{wall}");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", info.pid.unwrap())).unwrap();
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "Seccomp_filters:\t2"] {
        assert!(status.contains(line), "{line} in {status}");
    }
    // Not only on the thread that put them up.
    for thread in fs::read_dir(format!("/proc/{}/task", info.pid.unwrap())).unwrap() {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        assert!(status.contains("Seccomp_filters:\t2"), "{status}");
    }
}

#[tokio::test]
async fn a_plugin_inside_the_server_is_said_to_be_unconfined() {
    let cache = tempfile::tempdir().unwrap();
    let host = start(settings(&cache), rogue(Isolation::InProcess)).await;
    let sandbox = info(&host).await.sandbox.unwrap();
    assert!(sandbox.walls().iter().all(|(_, wall)| **wall == Protection::NotInProcess));
    assert!(deed(&host, "open:/etc/passwd").await.unwrap().starts_with("Ok"), "the walls, not the deed, refuse");
}

#[tokio::test]
async fn files_are_not_opened() {
    let (host, cache) = child().await;
    let own = cache.path().join("note");
    fs::write(&own, "of the server").unwrap();
    let parent = format!("/proc/{}/environ", std::process::id());
    for path in ["/etc/passwd", "/", "/proc/self/status", &parent, own.to_str().unwrap()] {
        let answer = refused(&host, &format!("open:{path}")).await;
        assert!(answer.contains("PermissionDenied"), "{path}: {answer}");
    }
    let target = cache.path().join("written");
    refused(&host, &format!("write-file:{}", target.display())).await;
    assert!(!target.exists());
    refused(&host, &format!("write-file:{}", own.display())).await;
    refused(&host, &format!("remove-file:{}", own.display())).await;
    assert_eq!(fs::read_to_string(&own).unwrap(), "of the server");
}

#[tokio::test]
async fn time_zone_rules_and_libraries_are_readable() {
    let (host, _cache) = child().await;
    for path in ["/usr/lib", "/etc/ld.so.cache"] {
        assert_eq!(deed(&host, &format!("open:{path}")).await.unwrap(), "Ok(())", "{path}");
    }
}

#[tokio::test]
async fn nothing_is_connected() {
    let (host, cache) = child().await;
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    tcp.set_nonblocking(true).unwrap();
    let path = cache.path().join("socket");
    let unix = UnixListener::bind(&path).unwrap();
    unix.set_nonblocking(true).unwrap();
    refused(&host, &format!("connect:{}", tcp.local_addr().unwrap())).await;
    refused(&host, &format!("unix:{}", path.display())).await;
    refused(&host, "listen").await;
    refused(&host, "datagram").await;
    assert!(tcp.accept().is_err() && unix.accept().is_err(), "nobody came");
}

#[tokio::test]
async fn no_program_and_no_process_is_started() {
    let (host, _cache) = child().await;
    for name in ["spawn:/bin/true", "exec:/bin/true", "fork", "io-uring", "raise-limits"] {
        refused(&host, name).await;
    }
    let pid = info(&host).await.pid.unwrap();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    assert_eq!(children, "");
    assert_eq!(deed(&host, "threads:20").await.unwrap(), "Ok(20)", "threads are no processes");
}

#[tokio::test]
async fn the_server_is_not_signalled() {
    let (host, _cache) = child().await;
    refused(&host, &format!("signal:{}", std::process::id())).await;
    refused(&host, "own-the-socket").await;
}

#[tokio::test]
async fn what_only_an_attack_calls_ends_the_process_and_counts_as_a_crash() {
    let (host, _cache) = child().await;
    let server = std::process::id();
    let deeds = [&format!("ptrace:{server}"), &format!("read-process:{server}"), "unshare", "bpf", "mount", "keyring"];
    for (restarts, name) in (1..).zip(deeds) {
        let error = deed(&host, name).await.unwrap_err();
        assert_eq!((error.code(), error.retryable()), ("plugin_crashed", true), "{name}");
        assert!(error.to_string().contains("signal: 31 (SIGSYS)"), "{name}: {error}");
        assert_eq!(deed(&host, "after").await.unwrap(), "room-after", "{name}");
        assert_eq!(until(&host, PluginState::Running).await.restarts, restarts, "{name}");
    }
}

#[tokio::test]
async fn a_plugin_that_attacks_again_and_again_is_quarantined() {
    let cache = tempfile::tempdir().unwrap();
    let host =
        start(consilium_plugin_host::Settings { max_crashes: 5, ..settings(&cache) }, rogue(Isolation::Process)).await;
    for _ in 0..5 {
        assert_eq!(deed(&host, "ptrace:1").await.unwrap_err().code(), "plugin_crashed");
    }
    until(&host, PluginState::Quarantined).await;
}

#[tokio::test]
async fn memory_ends_at_the_plugins_own_limit() {
    let cache = tempfile::tempdir().unwrap();
    let small = consilium_plugin_host::PluginConfig { memory_mib: Some(96), ..rogue(Isolation::Process) };
    let host = start(settings(&cache), small).await;
    assert_eq!(deed(&host, "allocate:32").await.unwrap(), "Ok(32)");
    let answer = refused(&host, "allocate:96").await;
    assert!(answer.contains("MiB: memory allocation failed"), "{answer}");
    refused(&host, "share-memory:1").await;
    drop(host);

    let large = consilium_plugin_host::PluginConfig { memory_mib: Some(256), ..rogue(Isolation::Process) };
    let host = start(settings(&cache), large).await;
    assert_eq!(deed(&host, "allocate:96").await.unwrap(), "Ok(96)");
}
