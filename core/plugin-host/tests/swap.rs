//! A plugin is replaced while it serves: no call is lost, and a build that fails changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{
    ConfigProblem, Isolation, MemoryServices, PluginConfig, PluginHost, PluginState, ReloadError, Settings,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use support::{deed, info, library, settings, start_with, until};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// A rogue whose library can be replaced.
struct World {
    host: PluginHost,
    services: Arc<MemoryServices>,
    path: PathBuf,
    _folder: TempDir,
}

const BOTH: [Isolation; 2] = [Isolation::Process, Isolation::InProcess];

async fn world(isolation: Isolation, config: Value, adjust: impl FnOnce(&mut Settings)) -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rogue.so");
    put(&library("rogue"), &path);
    let mut settings = settings(&folder);
    settings.cache_directory = folder.path().join("cache");
    adjust(&mut settings);
    let mut plugin = PluginConfig { isolation, ..PluginConfig::new("rogue", &path) };
    plugin.config = support::config(config);
    let services = Arc::new(MemoryServices::default());
    let host = start_with(settings, plugin, services.clone()).await;
    World { host, services, path, _folder: folder }
}

/// Replaces a file as an installer does.
fn put(library: &Path, path: &Path) {
    let fresh = path.with_extension("fresh");
    std::fs::copy(library, &fresh).unwrap();
    std::fs::rename(fresh, path).unwrap();
}

impl World {
    fn next(&self) {
        put(&library("rogue-next"), &self.path);
    }

    fn spawn(&self, what: &'static str) -> JoinHandle<Result<String, consilium_plugin_host::CallError>> {
        let host = self.host.clone();
        tokio::spawn(async move { deed(&host, what).await })
    }

    /// Audit lines once there are so many.
    async fn audited(&self, lines: usize) -> Vec<(String, Value)> {
        let start = Instant::now();
        loop {
            let audited = self.services.audited();
            if audited.len() >= lines {
                return audited.into_iter().map(|line| (line.action, line.detail)).collect();
            }
            assert!(start.elapsed() < Duration::from_secs(10), "never {lines} lines: {audited:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn gone(pid: u32) {
    let start = Instant::now();
    while Path::new(&format!("/proc/{pid}")).exists() {
        assert!(start.elapsed() < Duration::from_secs(10), "the old process is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_running_call_finishes_where_it_is_and_later_ones_go_to_the_new_build() {
    for isolation in BOTH {
        let world = world(isolation, json!({}), |_| {}).await;
        let before = info(&world.host).await;
        assert_eq!((before.version.as_str(), before.generation, before.swaps), ("0.1.0", 1, 0));
        let running = world.spawn("sleep:700");
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.next();
        let reloaded = world.host.reload("rogue").await.unwrap();
        assert_eq!(deed(&world.host, "which").await.unwrap(), "0.2.0");
        assert!(!running.is_finished(), "the swap waited for the call, or lost it");
        assert_eq!(running.await.unwrap().unwrap(), "awake", "{isolation}");

        let after = info(&world.host).await;
        assert_eq!((after.version.as_str(), after.generation, after.swaps), ("0.2.0", 2, 1));
        assert_eq!((after.restarts, after.failures, after.calls), (0, 0, 2));
        assert_eq!(world.host.manifest("rogue").unwrap().version, "0.2.0");
        assert_eq!((reloaded.generation, reloaded.pid), (2, after.pid));
        let old = reloaded.old.unwrap();
        assert_eq!((old.version, old.library_sha256), ("0.1.0".to_owned(), before.library_sha256));
        assert_eq!(reloaded.new.library_sha256, after.library_sha256);
        assert_ne!(old_sha(&world).await, after.library_sha256);
        if let Some(pid) = before.pid {
            assert_ne!(after.pid, Some(pid));
            gone(pid).await;
        }
        world.host.shutdown().await;
    }
}

async fn old_sha(world: &World) -> String {
    let (action, detail) = world.audited(1).await.remove(0);
    assert_eq!((action.as_str(), &detail["new_version"]), ("plugin_swapped", &json!("0.2.0")));
    detail["old_sha256"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn waiting_calls_go_to_the_new_build_in_their_order() {
    let world = world(Isolation::Process, json!({}), |settings| settings.max_running = 1).await;
    let running = world.spawn("sleep:1500");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let answers = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for number in 0..20 {
        let (host, answers) = (world.host.clone(), Arc::clone(&answers));
        waiting.push(tokio::spawn(async move {
            let answer = deed(&host, &format!("once:{number}")).await.unwrap();
            answers.lock().unwrap().push(answer);
        }));
        tokio::task::yield_now().await;
    }
    world.next();
    world.host.reload("rogue").await.unwrap();
    for call in waiting {
        call.await.unwrap();
    }
    assert!(!running.is_finished(), "they had to wait for the call in the old build");
    for (number, answer) in answers.lock().unwrap().iter().enumerate() {
        let words: Vec<_> = answer.split(' ').collect();
        assert_eq!((words[0], words[2]), ("0.2.0", number.to_string().as_str()));
    }
    assert_eq!(running.await.unwrap().unwrap(), "awake");
}

#[tokio::test]
async fn a_library_that_does_not_pass_the_checks_leaves_the_old_one_serving() {
    for isolation in BOTH {
        let world = world(isolation, json!({}), |_| {}).await;
        let before = info(&world.host).await;
        std::fs::remove_file(&world.path).unwrap();
        assert!(matches!(world.host.reload("rogue").await.unwrap_err(), ReloadError::Refused(_)));
        std::fs::write(&world.path, "no library").unwrap();
        let refused = world.host.reload("rogue").await.unwrap_err();
        let ReloadError::Refused(problems) = &refused else { panic!("{refused:?}") };
        let [ConfigProblem { key, .. }] = &problems[..] else { panic!("{problems:?}") };
        assert_eq!((key.as_str(), refused.code()), ("library", "plugin_reload_refused"));
        assert!(refused.to_string().starts_with("library: the plugin could not be started:"), "{refused}");
        assert_eq!(deed(&world.host, "which").await.unwrap(), "0.1.0");
        let after = info(&world.host).await;
        assert_eq!((after.pid, after.generation), (before.pid, before.generation));
        assert_eq!(world.services.audited(), []);
    }
}

#[tokio::test]
async fn a_build_that_does_not_come_up_well_leaves_the_old_one_serving() {
    for (isolation, config, reason) in [
        (Isolation::Process, json!({"next_at_create": "abort"}), "signal: 6"),
        (Isolation::Process, json!({"next_at_create": "loop"}), "killed"),
        (Isolation::Process, json!({"next_at_create": "refuse"}), "told to"),
        (Isolation::Process, json!({"next_at_health": "segfault"}), "signal: 11"),
        (Isolation::Process, json!({"next_at_health": "loop"}), "in time"),
        (Isolation::Process, json!({"next_at_health": "down"}), "it is down: told to"),
        (Isolation::InProcess, json!({"next_at_create": "loop"}), "in time"),
        (Isolation::InProcess, json!({"next_at_health": "panic"}), "panicked"),
        (Isolation::InProcess, json!({"next_at_create": "fail"}), "told to"),
    ] {
        let world = world(isolation, config.clone(), |settings| {
            settings.start_timeout_ms = 2_000;
            settings.health_timeout_ms = 500;
        })
        .await;
        let before = info(&world.host).await;
        world.next();
        let ReloadError::Unwell(said) = world.host.reload("rogue").await.unwrap_err() else { panic!("{config}") };
        assert!(said.contains(reason), "{config}: {said}");
        assert_eq!(deed(&world.host, "which").await.unwrap(), "0.1.0", "{config}");
        let after = info(&world.host).await;
        assert_eq!((after.pid, after.state), (before.pid, PluginState::Running));
        assert_eq!((after.restarts, after.swaps), (0, 0), "{config}");
        // The next one is not held back by the one that failed.
        put(&library("rogue"), &world.path);
        world.host.reload("rogue").await.unwrap();
        world.host.shutdown().await;
    }
}

#[tokio::test]
async fn the_same_bytes_become_a_new_process() {
    let world = world(Isolation::Process, json!({}), |_| {}).await;
    let before = info(&world.host).await;
    let reloaded = world.host.reload("rogue").await.unwrap();
    let after = info(&world.host).await;
    assert_ne!(after.pid, before.pid);
    assert_eq!(after.library_sha256, before.library_sha256);
    assert_eq!(reloaded.old.unwrap(), reloaded.new);
    assert_eq!(deed(&world.host, "which").await.unwrap(), "0.1.0");
}

#[tokio::test]
async fn of_two_reloads_at_once_one_is_refused() {
    let world = world(Isolation::Process, json!({"next_at_create": "sleep:800"}), |_| {}).await;
    world.next();
    let (one, other) = tokio::join!(world.host.reload("rogue"), world.host.reload("rogue"));
    let (done, refused) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(done.unwrap().generation, 2);
    assert_eq!(refused.unwrap_err(), ReloadError::InProgress);
    assert_eq!(info(&world.host).await.swaps, 1);
}

#[tokio::test]
async fn a_call_that_outlives_the_drain_time_is_a_retryable_error() {
    let world = world(Isolation::Process, json!({}), |settings| settings.drain_timeout_ms = 300).await;
    let pid = info(&world.host).await.pid.unwrap();
    let running = world.spawn("sleep:2500");
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.next();
    world.host.reload("rogue").await.unwrap();
    let error = running.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.retryable()), ("plugin_crashed", true), "{error}");
    gone(pid).await;
    let after = until(&world.host, PluginState::Running).await;
    assert_eq!((after.restarts, after.generation), (0, 2), "the end of an old generation is no crash");
}

#[tokio::test]
async fn an_old_generation_that_crashes_costs_its_own_calls_only() {
    let world = world(Isolation::Process, json!({}), |_| {}).await;
    let pid = info(&world.host).await.pid.unwrap();
    let running = world.spawn("sleep:2500");
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.next();
    world.host.reload("rogue").await.unwrap();
    let old = nix::unistd::Pid::from_raw(pid.try_into().unwrap());
    nix::sys::signal::kill(old, nix::sys::signal::Signal::SIGKILL).unwrap();
    assert_eq!(running.await.unwrap().unwrap_err().code(), "plugin_crashed");
    assert_eq!(deed(&world.host, "which").await.unwrap(), "0.2.0");
    assert_eq!(info(&world.host).await.restarts, 0);
}

#[tokio::test]
async fn a_better_build_lifts_a_quarantine() {
    let world = world(Isolation::Process, json!({}), |settings| settings.max_crashes = 2).await;
    for _ in 0..2 {
        assert_eq!(deed(&world.host, "abort").await.unwrap_err().code(), "plugin_crashed");
    }
    let quarantined = until(&world.host, PluginState::Quarantined).await;
    assert_eq!(quarantined.alerts[0].code, "plugin_quarantined");
    world.next();
    world.host.reload("rogue").await.unwrap();
    assert_eq!(deed(&world.host, "which").await.unwrap(), "0.2.0");
    let info = info(&world.host).await;
    assert_eq!((info.state, info.alerts), (PluginState::Running, vec![]));
    let actions: Vec<_> = world.audited(4).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["plugin_crashed", "plugin_crashed", "plugin_quarantined", "plugin_swapped"]);
}

#[tokio::test]
async fn what_was_refused_at_start_can_be_started_by_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rogue.so");
    let plugin = PluginConfig::new("rogue", &path);
    let services = Arc::new(MemoryServices::default());
    let host = PluginHost::start(settings(&folder), vec![plugin], services).await.unwrap();
    assert_eq!(host.problems()[0].key, "library");
    let refused = info(&host).await;
    assert_eq!((refused.state, refused.alerts[0].code), (PluginState::Stopped, "plugin_stopped"));
    assert_eq!(deed(&host, "which").await.unwrap_err().code(), "plugin_stopped");
    put(&library("rogue"), &path);
    let reloaded = host.reload("rogue").await.unwrap();
    assert_eq!((reloaded.old, reloaded.new.version.as_str()), (None, "0.1.0"));
    assert_eq!(deed(&host, "which").await.unwrap(), "0.1.0");
    assert_eq!(host.problems(), []);
    assert_eq!(host.reload("other").await.unwrap_err().code(), "plugin_unknown");
}
