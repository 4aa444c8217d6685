//! Proves that nothing is lost while a plugin is replaced: calls at a fixed rate, whether answered or not,
//! during hot swaps between two builds of one library. Every call must be answered once, by a build that
//! served while it was under way, and must have been executed once, by the instance that answered it.
//!
//! Environment: `SWAPS` (20), `RATE` in calls per second (1000), `SECONDS` between swaps (1), and `KILL=1`, which
//! replaces the plugin by killing its process instead: that must be found to lose calls. Ends with 1 when
//! anything is wrong, with 3 when calls were lost.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

use async_trait::async_trait;
use consilium_kernel::{Clock, SystemClock};
use consilium_plugin_host::{
    HostServices, Isolation, KvWritten, PluginConfig, PluginHost, Settings,
    contract::{
        PluginError,
        host::{KvEntry, KvList, KvWrite},
        video::{CreateRoom, Room},
    },
};
use serde_json::Value;
use std::{
    collections::{BTreeSet, HashMap},
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let kill = env::var("KILL").is_ok();
    let modes: &[Isolation] = if kill { &[Isolation::Process] } else { &[Isolation::Process, Isolation::InProcess] };
    let mut verdict = Verdict::default();
    for isolation in modes {
        let judged = prove(*isolation, kill).await;
        verdict.lost += judged.lost;
        verdict.wrong += judged.wrong;
    }
    match (verdict.lost, verdict.wrong) {
        (0, 0) => ExitCode::SUCCESS,
        (_, 0) => ExitCode::from(3),
        _ => ExitCode::FAILURE,
    }
}

#[derive(Default)]
struct Verdict {
    /// Calls that were answered with an error.
    lost: usize,
    /// Calls executed twice or never, answered by a build that did not serve, or by another instance.
    wrong: usize,
}

/// A call, and how it ended.
struct Call {
    number: usize,
    /// When it was due; late ones count their lateness.
    due: Instant,
    made: Instant,
    answered: Instant,
    answer: Result<String, String>,
}

/// When an instance began to be put in, and when it was in for certain.
struct Swap {
    began: Instant,
    ended: Instant,
    version: String,
}

async fn prove(isolation: Isolation, kill: bool) -> Verdict {
    let number = |name: &str, default| env::var(name).map_or(default, |text| text.parse::<u32>().unwrap());
    let (swaps, rate, seconds) = (number("SWAPS", 20), number("RATE", 1_000), number("SECONDS", 1));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rogue.so");
    put(&path, "rogue");
    let ledger = Arc::new(Ledger::default());
    let host = start(isolation, &path, Arc::clone(&ledger)).await;
    let start = Instant::now();
    let every = Duration::from_secs(seconds.into());
    let load = tokio::spawn(load(host.clone(), rate, start, every * (swaps + 1)));
    let mut timeline = vec![Swap { began: start, ended: start, version: "0.1.0".to_owned() }];
    for swap in 1..=swaps {
        tokio::time::sleep_until((start + every * swap).into()).await;
        put(&path, if swap % 2 == 1 { "rogue-next" } else { "rogue" });
        let began = Instant::now();
        let version = if kill { end_process(&host).await } else { host.reload("rogue").await.unwrap().new.version };
        timeline.push(Swap { began, ended: Instant::now(), version });
    }
    let calls = load.await.unwrap();
    host.shutdown().await;
    report(isolation, &calls, &timeline, &ledger)
}

/// What an operator without hot swap would do: end it, and let the supervisor start it again.
async fn end_process(host: &PluginHost) -> String {
    let info = host.list().await.remove(0);
    let pid = nix::unistd::Pid::from_raw(info.pid.unwrap().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    info.version
}

/// Makes calls at their due times, however the ones before fare.
async fn load(host: PluginHost, rate: u32, start: Instant, length: Duration) -> Vec<Call> {
    let mut calls = JoinSet::new();
    let total = (length.as_secs_f64() * f64::from(rate)) as usize;
    let gap = Duration::from_secs(1) / rate;
    for number in 0..total {
        let due = start + gap * number as u32;
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
        let host = host.clone();
        calls.spawn(async move {
            let made = Instant::now();
            let answer = host.call("rogue", request(number)).await;
            let answer = answer.map(|Room { room }| room).map_err(|error| error.to_string());
            Call { number, due, made, answered: Instant::now(), answer }
        });
    }
    calls.join_all().await
}

fn report(isolation: Isolation, calls: &[Call], timeline: &[Swap], ledger: &Ledger) -> Verdict {
    let executed = ledger.0.lock().unwrap();
    let mut verdict = Verdict::default();
    let (mut twice, mut foreign, mut untimely, mut instances) = (0, 0, 0, BTreeSet::new());
    let mut errors = HashMap::<&str, usize>::new();
    for call in calls {
        let by = executed.get(&call.number.to_string()).map_or(&[][..], Vec::as_slice);
        twice += usize::from(by.len() > 1);
        let Ok(answer) = &call.answer else {
            *errors.entry(call.answer.as_ref().unwrap_err()).or_default() += 1;
            continue;
        };
        let words: Vec<_> = answer.split(' ').collect();
        let (version, born, number) = (words[0], words[1], words[2]);
        instances.insert(born.to_owned());
        foreign += usize::from(by != [born] || number != call.number.to_string());
        // From the last one that was in when the call was made, to the last one begun when it was answered.
        let first = timeline.iter().rposition(|swap| swap.ended <= call.made).unwrap_or(0);
        let last = timeline.iter().rposition(|swap| swap.began <= call.answered).unwrap_or(0);
        untimely += usize::from(!timeline[first..=last].iter().any(|swap| swap.version == version));
    }
    verdict.lost = errors.values().sum();
    verdict.wrong = twice + foreign + untimely + usize::from(verdict.lost == 0 && instances.len() != timeline.len());
    let late = |call: &Call| call.answered.duration_since(call.due);
    let swapping = timeline[1..].iter().map(|swap| swap.ended.duration_since(swap.began)).collect();
    println!(
        "{isolation}: {} calls, {} swaps, {} instances answered",
        calls.len(),
        timeline.len() - 1,
        instances.len()
    );
    println!(
        "  lost {}, executed twice {twice}, executed elsewhere {foreign}, by the wrong build {untimely}",
        verdict.lost
    );
    for (error, times) in errors {
        println!("  {times} times: {error}");
    }
    percentiles("a call, from when it was due", calls.iter().map(late).collect());
    percentiles("a swap, with all its checks", swapping);
    verdict
}

fn percentiles(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let [p50, p90, p99, most] = [0.5, 0.9, 0.99, 1.0].map(at);
    println!("  {what}: p50 {p50:.2} ms, p90 {p90:.2} ms, p99 {p99:.2} ms, longest {most:.2} ms");
}

fn request(number: usize) -> CreateRoom {
    CreateRoom {
        idempotency_key: number.to_string(),
        consultation_id: format!("once:{number}"),
        starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        facility_id: None,
        title: None,
        lobby: false,
        record: false,
    }
}

async fn start(isolation: Isolation, library: &Path, ledger: Arc<Ledger>) -> PluginHost {
    let child = env!("CARGO_BIN_EXE_consilium-plugin-child").to_owned();
    let settings = Settings {
        cache_directory: library.with_file_name("cache"),
        child_command: vec![child],
        // Nothing is to be refused for want of room when the machine does something else for a moment.
        max_waiting: 100_000,
        ..Settings::default()
    };
    let plugin = PluginConfig { isolation, ..PluginConfig::new("rogue", library) };
    let host = PluginHost::start(settings, vec![plugin], ledger).await.unwrap();
    assert_eq!(host.problems(), []);
    host
}

/// Replaces the library as an installer does.
fn put(path: &Path, crate_name: &str) {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_consilium-plugin-child"));
    let name = format!("deps/lib{}.so", crate_name.replace('-', "_"));
    let fresh = path.with_extension("fresh");
    std::fs::copy(built.with_file_name(name), &fresh).unwrap();
    std::fs::rename(fresh, path).unwrap();
}

/// Who executed which call: the plugin writes its number to its store.
#[derive(Default)]
struct Ledger(Mutex<HashMap<String, Vec<String>>>);

#[async_trait]
impl HostServices for Ledger {
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }

    async fn kv_get(&self, _: &str, _: &str) -> Result<Option<KvEntry>, PluginError> {
        Ok(None)
    }

    async fn kv_write(&self, _: &str, write: KvWrite, _: u64) -> Result<KvWritten, PluginError> {
        let by = write.value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut executed = self.0.lock().unwrap();
        let times = executed.entry(write.key).or_default();
        times.push(by);
        Ok(KvWritten { existed: times.len() > 1, version: times.len() as u64 })
    }

    async fn kv_list(&self, _: &str, _: KvList) -> Result<Vec<KvEntry>, PluginError> {
        Ok(Vec::new())
    }

    async fn audit(&self, _: &str, _: &str, _: Value) {}
}
