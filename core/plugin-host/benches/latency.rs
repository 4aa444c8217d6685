//! What a plugin call costs, beside its limits: a bare function call, and a bare round trip between two
//! processes over a socketpair, with the same bytes, in the same run. Prints a table; ends with 1 when a
//! call into a child process takes more than `LIMIT` times its bare round trip, each in its quietest row: what
//! else the machine does is nobody's fault here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

use consilium_plugin_host::{
    Isolation, MemoryServices, PluginConfig, PluginHost, Settings,
    contract::video::{CreateRoom, Room},
};
use std::{
    env,
    hint::black_box,
    io::{self, Read as _, Write as _},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// Bytes of a frame besides method and payload: its length, tag, id, call, code, length of the method.
const FRAME: usize = 4 + 1 + 8 + 8 + 4 + 2;
const METHOD: &str = "video.create_room";
/// Calls in a row before the next kind has its turn, so that all meet the same weather.
const ROW: usize = 200;

fn main() {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some("--echo") {
        let mut number = || arguments.next().unwrap().parse().unwrap();
        return echo(number(), number());
    }
    let calls: usize = env::var("CALLS").map_or(20_000, |calls| calls.parse().unwrap());
    let limit: f64 = env::var("LIMIT").map_or(f64::INFINITY, |limit| limit.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ratio = runtime.block_on(measure(calls));
    if ratio > limit {
        println!("more than {limit} times the bare round trip");
        std::process::exit(1);
    }
}

async fn measure(calls: usize) -> f64 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cache = tempfile::tempdir().unwrap();
    let in_process = start(Isolation::InProcess, cache.path()).await;
    let child = start(Isolation::Process, cache.path()).await;
    let asked = serde_json::to_vec(&request()).unwrap();
    let answered = serde_json::to_vec(&serve(&request())).unwrap();
    let mut peer = Peer::start(FRAME + METHOD.len() + asked.len(), FRAME + answered.len());
    let [mut function, mut threads, mut bare, mut process] = [const { Vec::new() }; 4];
    let (mut quietest_bare, mut quietest_process) = (Duration::MAX, Duration::MAX);
    for row in 0..=calls / ROW {
        for _ in 0..ROW {
            time(&mut function, || drop(black_box(border_of_nothing(black_box(&asked)))));
        }
        for _ in 0..ROW {
            time_async(&mut threads, call(&in_process)).await;
        }
        for _ in 0..ROW {
            time(&mut bare, || peer.round_trip());
        }
        for _ in 0..ROW {
            time_async(&mut process, call(&child)).await;
        }
        if row == 0 {
            // The first row warmed everything up.
            [&mut function, &mut threads, &mut bare, &mut process].into_iter().for_each(Vec::clear);
        } else {
            quietest_bare = quietest_bare.min(median(&bare[bare.len() - ROW..]));
            quietest_process = quietest_process.min(median(&process[process.len() - ROW..]));
        }
    }
    in_process.shutdown().await;
    child.shutdown().await;
    println!("{} calls of each kind; {} bytes there, {} bytes back", function.len(), peer.there.len(), peer.back.len());
    println!("{:<44} {:>12} {:>12}", "", "p50 (µs)", "p99 (µs)");
    let rows = [
        ("bare function call, same JSON", &mut function),
        ("plugin call, in-process", &mut threads),
        ("bare socketpair round trip, two processes", &mut bare),
        ("plugin call, child process", &mut process),
    ];
    let medians = rows.map(|(name, times)| {
        times.sort_unstable();
        let at = |part: f64| micros(times[(times.len() as f64 * part) as usize]);
        println!("{name:<44} {:>12.2} {:>12.2}", at(0.5), at(0.99));
        at(0.5)
    });
    let ratio = micros(quietest_process) / micros(quietest_bare);
    println!("a call into a child process takes {:.2} times the bare round trip;", medians[3] / medians[2]);
    let (process, bare) = (micros(quietest_process), micros(quietest_bare));
    println!("in the quietest row of {ROW}, {process:.2} µs against {bare:.2} µs: {ratio:.2} times");
    ratio
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn time(times: &mut Vec<Duration>, call: impl FnOnce()) {
    let start = Instant::now();
    call();
    times.push(start.elapsed());
}

async fn time_async(times: &mut Vec<Duration>, call: impl Future<Output = Room>) {
    let start = Instant::now();
    let room = call.await;
    times.push(start.elapsed());
    black_box(room);
}

fn request() -> CreateRoom {
    CreateRoom {
        idempotency_key: "key".to_owned(),
        consultation_id: "0198f2a0-0000-7000-8000-000000000000".to_owned(),
        starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        facility_id: None,
        title: None,
        lobby: false,
        record: false,
    }
}

/// What the plugin does with the request.
fn serve(request: &CreateRoom) -> Room {
    Room { room: format!("room-{}", request.consultation_id) }
}

/// A plugin call without plugin or host: the same bytes, read and written.
fn border_of_nothing(asked: &[u8]) -> Room {
    let request = serde_json::from_slice(asked).unwrap();
    let answered = serde_json::to_vec(&serve(&request)).unwrap();
    serde_json::from_slice(&answered).unwrap()
}

async fn call(host: &PluginHost) -> Room {
    host.call("rogue", request()).await.unwrap()
}

async fn start(isolation: Isolation, cache: &Path) -> PluginHost {
    let child = Path::new(env!("CARGO_BIN_EXE_consilium-plugin-child"));
    let settings = Settings {
        cache_directory: cache.to_owned(),
        child_command: vec![child.to_str().unwrap().to_owned()],
        ..Settings::default()
    };
    let library = child.parent().unwrap().join("deps/librogue.so");
    let plugin = PluginConfig { isolation, ..PluginConfig::new("rogue", library) };
    let host = PluginHost::start(settings, vec![plugin], Arc::new(MemoryServices::default())).await.unwrap();
    assert_eq!(host.problems(), []);
    host
}

/// The limit: another process that reads so many bytes and writes so many, and does nothing else.
struct Peer {
    process: Child,
    socket: UnixStream,
    there: Vec<u8>,
    back: Vec<u8>,
}

impl Peer {
    fn start(there: usize, back: usize) -> Self {
        let (socket, theirs) = UnixStream::pair().unwrap();
        let process = Command::new(env::current_exe().unwrap())
            .args(["--echo", &there.to_string(), &back.to_string()])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .unwrap();
        Self { process, socket, there: vec![7; there], back: vec![0; back] }
    }

    fn round_trip(&mut self) {
        self.socket.write_all(&self.there).unwrap();
        self.socket.read_exact(&mut self.back).unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The other end; ends when its host does.
fn echo(there: usize, back: usize) {
    use std::os::fd::AsFd as _;
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().unwrap());
    let (mut asked, answered) = (vec![0; there], vec![7; back]);
    while socket.read_exact(&mut asked).is_ok() && socket.write_all(&answered).is_ok() {}
}
