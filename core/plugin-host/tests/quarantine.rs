//! A plugin that crashes again and again is put away for all to see, and costs the others nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{MemoryServices, PluginConfig, PluginHost, PluginState, Settings};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use support::{deed_of, library, settings};

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn has(&self, level: &str, text: &str) -> bool {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        log.lines().any(|line| line.contains(level) && line.contains(text))
    }
}

async fn until_true(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_crash_loop_is_seen_everywhere_and_costs_the_plugin_beside_it_nothing() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    let gauge = |plugin: &str, value: u8| {
        metrics.render().contains(&format!("consilium_plugin_quarantined{{plugin=\"{plugin}\"}} {value}"))
    };

    let cache = tempfile::tempdir().unwrap();
    let plugins = ["rogue", "steady"].map(|id| PluginConfig::new(id, library("rogue")));
    let services = Arc::new(MemoryServices::default());
    let settings = Settings { max_crashes: 5, ..settings(&cache) };
    let host = PluginHost::start(settings, plugins.into(), services.clone()).await.unwrap();
    assert!(gauge("rogue", 0) && gauge("steady", 0));

    // The steady one is called all the time; the rogue crashes in a loop.
    let beside = tokio::spawn({
        let host = host.clone();
        async move {
            let mut calls = 0;
            while host.list().await[0].state != PluginState::Quarantined {
                for _ in 0..20 {
                    assert_eq!(deed_of(&host, "steady", "call").await.unwrap(), "room-call");
                    calls += 1;
                }
            }
            calls
        }
    });
    for crash in 1..=5 {
        assert_eq!(deed_of(&host, "rogue", "abort").await.unwrap_err().code(), "plugin_crashed", "crash {crash}");
    }
    let beside: u64 = beside.await.unwrap();
    assert!(beside >= 20);

    let infos = host.list().await;
    let (rogue, steady) = (&infos[0], &infos[1]);
    assert_eq!((rogue.state, rogue.restarts), (PluginState::Quarantined, 4));
    assert_eq!(rogue.alerts.len(), 1);
    assert_eq!(rogue.alerts[0].code, "plugin_quarantined");
    assert!(rogue.alerts[0].message.contains("signal: 6"), "{:?}", rogue.alerts);
    assert_eq!((steady.state, steady.failures, steady.restarts, steady.calls), (PluginState::Running, 0, 0, beside));
    assert_eq!(steady.alerts, []);
    assert!(gauge("rogue", 1) && gauge("steady", 0), "{}", metrics.render());
    assert!(log.has("ERROR", "plugin quarantined: it crashes again and again"));
    let actions = || services.audited().into_iter().map(|line| (line.plugin, line.action)).collect::<Vec<_>>();
    until_true("six audit lines", async || actions().len() == 6).await;
    let rogue = |action: &str| ("rogue".to_owned(), action.to_owned());
    assert_eq!(actions()[..5], vec![rogue("plugin_crashed"); 5]);
    assert_eq!(actions()[5], rogue("plugin_quarantined"));

    assert!(host.resume("rogue").await.unwrap());
    assert!(!host.resume("rogue").await.unwrap(), "it is in quarantine no more");
    assert_eq!(deed_of(&host, "rogue", "after").await.unwrap(), "room-after");
    assert!(gauge("rogue", 0));
    assert_eq!(host.list().await[0].alerts, []);
    until_true("the resumption is audited", async || actions().last() == Some(&rogue("plugin_resumed"))).await;
}

/// Killing the process that the host names costs the calls in flight a retryable error and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_killed_under_load_costs_only_the_calls_in_flight() {
    let cache = tempfile::tempdir().unwrap();
    let services = Arc::new(MemoryServices::default());
    let plugin = PluginConfig::new("rogue", library("rogue"));
    let host = support::start_with(settings(&cache), plugin, services.clone()).await;
    let mut calls = tokio::task::JoinSet::new();
    for caller in 0..8 {
        let host = host.clone();
        calls.spawn(async move {
            let mut failed = 0;
            for number in 0..150 {
                let name = format!("sleep:{}", (caller + number) % 5);
                match deed_of(&host, "rogue", &name).await {
                    Ok(answer) => assert_eq!(answer, "awake"),
                    Err(error) => {
                        assert_eq!((error.code(), error.retryable()), ("plugin_crashed", true), "{error}");
                        assert_eq!(deed_of(&host, "rogue", "again").await.unwrap(), "room-again", "the next succeeds");
                        failed += 1;
                    }
                }
            }
            failed
        });
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    let pid = support::info(&host).await.pid.unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.try_into().unwrap()), nix::sys::signal::SIGKILL).unwrap();
    let failed: u64 = calls.join_all().await.into_iter().sum();
    assert!((1..=8).contains(&failed), "{failed} calls were in flight");
    let info = support::until(&host, PluginState::Running).await;
    assert_eq!((info.restarts, info.failures), (1, failed));
    let line = services.audited().into_iter().find(|line| line.action == "plugin_crashed").unwrap();
    assert!(line.detail["how"].as_str().unwrap().contains("signal: 9"), "{line:?}");
}
