//! Whatever a plugin does in a child process costs one call an error and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{Isolation, PluginHost, PluginState, Settings, contract::video::EndRoom};
use std::time::{Duration, Instant};
use support::{deed, info, rogue, settings, start, until};
use tempfile::TempDir;

async fn child(adjust: impl FnOnce(&mut Settings)) -> (PluginHost, TempDir) {
    let cache = tempfile::tempdir().unwrap();
    let mut settings = settings(&cache);
    adjust(&mut settings);
    (start(settings, rogue(Isolation::Process)).await, cache)
}

/// The deed costs its own call an error with this code; the next call succeeds.
async fn costs_one_call(name: &str, code: &str, retryable: bool, restarts: u64) {
    let (host, _cache) = child(|settings| settings.memory_limit_mib = 128).await;
    assert_eq!(deed(&host, "before").await.unwrap(), "room-before");
    let error = deed(&host, name).await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), (code, retryable), "{error}");
    assert_eq!(deed(&host, "after").await.unwrap(), "room-after");
    let info = until(&host, PluginState::Running).await;
    assert_eq!((info.calls, info.failures, info.restarts), (3, 1, restarts), "{info:?}");
    assert!(info.last_error.is_some());
    host.shutdown().await;
}

#[tokio::test]
async fn a_panic() {
    costs_one_call("panic", "plugin_panicked", false, 0).await;
    let (host, _cache) = child(|_| {}).await;
    let said = deed(&host, "panic").await.unwrap_err().to_string();
    assert!(said.starts_with("the plugin panicked: at plugins/rogue/src/lib.rs:"), "{said}");
}

#[tokio::test]
async fn an_endless_loop() {
    let start = Instant::now();
    costs_one_call("loop", "plugin_timeout", true, 1).await;
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn an_endless_loop_costs_the_calls_beside_it_nothing() {
    let (host, _cache) = child(|settings| settings.call_timeout_ms = 2_000).await;
    let spawn = |name: &'static str| {
        let host = host.clone();
        tokio::spawn(async move { deed(&host, name).await })
    };
    let endless = spawn("loop");
    tokio::time::sleep(Duration::from_millis(1_700)).await;
    // Still running when the loop's time (2000 ms) and grace (100 ms) are over.
    let beside = spawn("sleep:800");
    tokio::time::sleep(Duration::from_millis(350)).await;
    let behind = spawn("after");
    assert_eq!(endless.await.unwrap().unwrap_err().code(), "plugin_timeout");
    assert_eq!(beside.await.unwrap().unwrap(), "awake");
    assert_eq!(behind.await.unwrap().unwrap(), "room-after");
    assert_eq!(until(&host, PluginState::Running).await.restarts, 1);
}

#[tokio::test]
async fn a_segfault() {
    costs_one_call("segfault", "plugin_crashed", true, 1).await;
}

#[tokio::test]
async fn an_abort() {
    costs_one_call("abort", "plugin_crashed", true, 1).await;
}

#[tokio::test]
async fn an_exit() {
    costs_one_call("exit", "plugin_crashed", true, 1).await;
}

#[tokio::test]
async fn a_leak_that_reaches_the_memory_limit() {
    costs_one_call("leak", "plugin_crashed", true, 1).await;
}

#[tokio::test]
async fn an_answer_of_five_mebibytes() {
    costs_one_call("large-answer", "plugin_answer_invalid", false, 0).await;
}

#[tokio::test]
async fn an_error_of_the_plugin_itself_is_no_fault() {
    let (host, _cache) = child(|_| {}).await;
    let error = deed(&host, "refuse").await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), ("refused", false));
    assert_eq!(info(&host).await.failures, 0);
}

#[tokio::test]
async fn a_call_that_notices_its_cancellation_keeps_its_process() {
    let (host, _cache) = child(|settings| {
        settings.call_timeout_ms = 200;
        settings.cancel_grace_ms = 2_000;
    })
    .await;
    let pid = info(&host).await.pid;
    assert_eq!(deed(&host, "wait-for-cancel").await.unwrap_err().code(), "plugin_timeout");
    assert_eq!(deed(&host, "after").await.unwrap(), "room-after");
    assert_eq!(info(&host).await.pid, pid);
}

#[tokio::test]
async fn a_killed_child_costs_the_calls_in_flight() {
    let (host, _cache) = child(|settings| settings.call_timeout_ms = 5_000).await;
    let pid = info(&host).await.pid.unwrap();
    let in_flight: Vec<_> = (0..4)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { deed(&host, "sleep:3000").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let pid_of_child = nix::unistd::Pid::from_raw(pid.try_into().unwrap());
    nix::sys::signal::kill(pid_of_child, nix::sys::signal::Signal::SIGKILL).unwrap();
    for call in in_flight {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!((error.code(), error.retryable()), ("plugin_crashed", true));
        assert!(error.to_string().contains("signal: 9"), "{error}");
    }
    assert_eq!(deed(&host, "after").await.unwrap(), "room-after");
    assert_ne!(info(&host).await.pid.unwrap(), pid);
}

#[tokio::test]
async fn the_fifth_crash_quarantines_until_an_operator_resumes() {
    let (host, _cache) = child(|settings| settings.max_crashes = 5).await;
    for crash in 1..=5 {
        assert_eq!(deed(&host, "abort").await.unwrap_err().code(), "plugin_crashed", "crash {crash}");
    }
    until(&host, PluginState::Quarantined).await;
    let error = deed(&host, "after").await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), ("plugin_quarantined", false));
    assert_eq!(info(&host).await.pid, None);
    host.resume("rogue").await.unwrap();
    assert_eq!(deed(&host, "after").await.unwrap(), "room-after");
}

#[tokio::test]
async fn more_calls_than_can_run_and_wait_are_refused_as_busy() {
    let (host, _cache) = child(|settings| {
        settings.max_running = 2;
        settings.max_waiting = 3;
    })
    .await;
    let calls: Vec<_> = (0..9)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { deed(&host, "sleep:200").await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await.unwrap().map_err(|e| e.code().to_owned()));
    }
    let busy = outcomes.iter().filter(|outcome| **outcome == Err("plugin_busy".to_owned())).count();
    let awake = outcomes.iter().filter(|outcome| **outcome == Ok("awake".to_owned())).count();
    assert_eq!((awake, busy), (5, 4), "{outcomes:?}");
}

#[tokio::test]
async fn the_breaker_opens_at_half_and_closes_after_a_good_trial() {
    let (host, _cache) = child(|settings| {
        settings.breaker_window = 4;
        settings.breaker_open_ms = 1_000;
    })
    .await;
    for _ in 0..2 {
        assert_eq!(deed(&host, "fail").await.unwrap_err().code(), "provider_down");
    }
    let refused = deed(&host, "after").await.unwrap_err();
    assert_eq!((refused.code(), refused.retryable()), ("plugin_breaker_open", true));
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(deed(&host, "fail").await.unwrap_err().code(), "provider_down", "one call tries");
    assert_eq!(deed(&host, "after").await.unwrap_err().code(), "plugin_breaker_open", "and opened it again");
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    for _ in 0..3 {
        assert_eq!(deed(&host, "after").await.unwrap(), "room-after");
    }
}

/// A plugin that does not wait by itself: the host does, for this method and no other.
#[tokio::test]
async fn a_provider_that_asks_to_be_left_alone_is_left_alone() {
    let (host, _cache) = child(|_| {}).await;
    let limited = deed(&host, "limit:1").await.unwrap_err();
    assert_eq!((limited.code(), limited.retry_after()), ("rate_limited", Some(Duration::from_secs(1))));
    let again = deed(&host, "after").await.unwrap_err();
    assert_eq!((again.code(), again.retry_after()), ("rate_limited", Some(Duration::from_secs(1))));
    assert!(host.call("rogue", EndRoom { room: "r".to_owned() }).await.is_ok(), "another method needs no provider");
    let seen = info(&host).await;
    assert_eq!(seen.resting.iter().map(|resting| resting.method).collect::<Vec<_>>(), ["video.create_room"]);
    assert_eq!((seen.calls, seen.failures), (2, 1), "the plugin was asked again");
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(deed(&host, "after").await.unwrap(), "room-after");
    assert_eq!(info(&host).await.resting, []);
}

#[tokio::test]
async fn a_plugin_that_crashes_while_it_is_created_ends_in_quarantine() {
    for misdeed in ["abort", "segfault"] {
        let cache = tempfile::tempdir().unwrap();
        let mut plugin = rogue(Isolation::Process);
        plugin.config = support::config(serde_json::json!({"at_create": misdeed}));
        let host = start(Settings { max_crashes: 3, ..settings(&cache) }, plugin).await;
        let info = until(&host, PluginState::Quarantined).await;
        assert_eq!(info.restarts, 2, "{misdeed}");
    }
}

#[tokio::test]
async fn a_plugin_that_refuses_its_configuration_is_stopped_and_says_why() {
    let cache = tempfile::tempdir().unwrap();
    let mut plugin = rogue(Isolation::Process);
    plugin.config = support::config(serde_json::json!({"at_create": "refuse"}));
    let host = start(settings(&cache), plugin).await;
    let info = until(&host, PluginState::Stopped).await;
    assert_eq!((info.restarts, info.last_error.as_deref()), (0, Some("told to (refused)")));
    assert_eq!(deed(&host, "after").await.unwrap_err().code(), "plugin_stopped");
}

#[tokio::test]
async fn a_plugin_that_hangs_while_it_is_created_does_not_hang_the_host() {
    let cache = tempfile::tempdir().unwrap();
    let mut plugin = rogue(Isolation::Process);
    plugin.config = support::config(serde_json::json!({"at_create": "loop"}));
    let host = start(Settings { start_timeout_ms: 300, max_crashes: 2, ..settings(&cache) }, plugin).await;
    until(&host, PluginState::Quarantined).await;
}

#[tokio::test]
async fn shutting_down_lets_running_calls_finish() {
    let (host, _cache) = child(|_| {}).await;
    let call = tokio::spawn({
        let host = host.clone();
        async move { deed(&host, "sleep:300").await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let pid = info(&host).await.pid.unwrap();
    host.shutdown().await;
    assert_eq!(call.await.unwrap().unwrap(), "awake");
    assert_eq!(deed(&host, "after").await.unwrap_err().code(), "plugin_stopped");
    let gone = Instant::now();
    while std::path::Path::new(&format!("/proc/{pid}")).exists() {
        assert!(gone.elapsed() < Duration::from_secs(5), "the child outlives its host");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn children_end_with_their_host() {
    let (host, _cache) = child(|_| {}).await;
    let pid = info(&host).await.pid.unwrap();
    drop(host);
    let gone = Instant::now();
    while std::path::Path::new(&format!("/proc/{pid}")).exists() {
        assert!(gone.elapsed() < Duration::from_secs(5), "the child outlives its host");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn answers_find_their_calls_when_many_share_the_socket() {
    let (host, _cache) = child(|_| {}).await;
    for _ in 0..20 {
        let calls: Vec<_> = (0..72)
            .map(|number| {
                let host = host.clone();
                tokio::spawn(async move { (number, deed(&host, &format!("number{number}")).await) })
            })
            .collect();
        for call in calls {
            let (number, answer) = call.await.unwrap();
            assert_eq!(answer.unwrap(), format!("room-number{number}"));
        }
    }
    assert_eq!(info(&host).await.calls, 1_440);
}

/// Not a benchmark, but a call that took milliseconds would be felt everywhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_quick() {
    let (host, _cache) = child(|_| {}).await;
    let mut fastest = Duration::MAX;
    for _ in 0..500 {
        let start = Instant::now();
        deed(&host, "quick").await.unwrap();
        fastest = fastest.min(start.elapsed());
    }
    println!("fastest call through the border: {fastest:?}");
    assert!(fastest < Duration::from_millis(5), "{fastest:?}");
}
