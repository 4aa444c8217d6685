//! The same library on threads of the host: a panic costs a call, an endless loop a thread, and the
//! second one the plugin.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{Isolation, PluginState};
use support::{deed, info, rogue, settings, start, until};

#[tokio::test]
async fn a_panic_costs_one_call() {
    let cache = tempfile::tempdir().unwrap();
    let host = start(settings(&cache), rogue(Isolation::InProcess)).await;
    assert_eq!(deed(&host, "panic").await.unwrap_err().code(), "plugin_panicked");
    assert_eq!(deed(&host, "large-answer").await.unwrap_err().code(), "plugin_answer_invalid");
    assert_eq!(deed(&host, "after").await.unwrap(), "room-after");
    let info = info(&host).await;
    assert_eq!((info.state, info.pid, info.failures), (PluginState::Running, None, 2));
    host.shutdown().await;
}

#[tokio::test]
async fn the_second_endless_loop_quarantines() {
    let cache = tempfile::tempdir().unwrap();
    let mut settings = settings(&cache);
    settings.call_timeout_ms = 200;
    let host = start(settings, rogue(Isolation::InProcess)).await;
    assert_eq!(deed(&host, "loop").await.unwrap_err().code(), "plugin_timeout");
    assert_eq!(deed(&host, "after").await.unwrap(), "room-after");
    assert_eq!(deed(&host, "loop").await.unwrap_err().code(), "plugin_timeout");
    until(&host, PluginState::Quarantined).await;
    assert_eq!(deed(&host, "after").await.unwrap_err().code(), "plugin_quarantined");
}

#[tokio::test]
async fn a_waiting_call_is_cancelled_and_the_plugin_lives() {
    let cache = tempfile::tempdir().unwrap();
    let mut settings = settings(&cache);
    settings.call_timeout_ms = 200;
    settings.cancel_grace_ms = 2_000;
    let host = start(settings, rogue(Isolation::InProcess)).await;
    for _ in 0..4 {
        assert_eq!(deed(&host, "wait-for-cancel").await.unwrap_err().code(), "plugin_timeout");
    }
    assert_eq!(deed(&host, "after").await.unwrap(), "room-after");
}

#[tokio::test]
async fn calls_run_beside_each_other() {
    let cache = tempfile::tempdir().unwrap();
    let host = start(settings(&cache), rogue(Isolation::InProcess)).await;
    let begin = std::time::Instant::now();
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { deed(&host, "sleep:300").await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), "awake");
    }
    assert!(begin.elapsed().as_millis() < 900, "{:?}", begin.elapsed());
}
