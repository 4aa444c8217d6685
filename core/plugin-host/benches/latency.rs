//! What a plugin call costs, beside its limits: a bare function call with the same JSON, and a bare round trip with the
//! same bytes. The latter is what two processes cannot do without: this thread writes to a socketpair and reads, another
//! process reads and writes, each with one blocking system call, and nobody looks at the bytes.
//!
//! Waking a processor that sleeps can take several times as long as everything else here, and the kernel keeps one pair of
//! processes together and another apart, for as long as they live. So like is compared with like: with caller and children
//! on one processor, with the caller on one and all children on another, and wherever the kernel puts them. In each place
//! everything is started anew many times, so that no pair is lucky for the whole run.
//!
//! All kinds take turns, a row of calls each. Prints a table, and how the rows compare; ends with 1 when a call into a child
//! process takes more than `LIMIT` times its bare round trip in any place, in the median over all rows.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

use consilium_plugin_host::{
    Isolation, MemoryServices, PluginConfig, PluginHost, Settings,
    contract::video::{CreateRoom, Room},
};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
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
/// How often everything is started anew in each place.
const STARTS: usize = 25;

fn main() {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some("--echo") {
        let mut number = || arguments.next().unwrap().parse().unwrap();
        return echo(number(), number());
    }
    let calls: usize = env::var("CALLS").map_or(20_000, |calls| calls.parse().unwrap());
    let limit: f64 = env::var("LIMIT").map_or(f64::INFINITY, |limit| limit.parse().unwrap());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut missed = false;
    for place in Place::all() {
        println!("{}", place.name);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut kinds = Kinds::default();
        for _ in 0..STARTS {
            runtime.block_on(measure(calls.div_ceil(STARTS), &place, &mut kinds));
        }
        if kinds.print() > limit {
            println!("more than {limit} times");
            missed = true;
        }
        println!();
    }
    if missed {
        std::process::exit(1);
    }
}

/// Where the caller runs, and where all children do.
struct Place {
    name: &'static str,
    caller: CpuSet,
    children: CpuSet,
}

impl Place {
    fn all() -> Vec<Self> {
        let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap();
        let mut each = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap()).map(|cpu| {
            let mut only = CpuSet::new();
            only.set(cpu).unwrap();
            only
        });
        let first = each.next().unwrap();
        let place = |name, caller, children| Self { name, caller, children };
        let mut places = vec![place("caller and children on one processor", first, first)];
        match each.next() {
            Some(other) => places.push(place("caller on one processor, children on another", first, other)),
            None => println!("there is only one processor: what waking another takes is not measured\n"),
        }
        places.push(place("wherever the kernel puts them", allowed, allowed));
        places
    }
}

/// Binds this thread, and the threads and processes that it starts from now on.
fn bind(to: &CpuSet) {
    sched_setaffinity(Pid::from_raw(0), to).unwrap();
}

/// Starts everything, has each kind make so many calls, and adds their times.
async fn measure(calls: usize, place: &Place, kinds: &mut Kinds) {
    bind(&place.children);
    let cache = tempfile::tempdir().unwrap();
    let in_process = start(Isolation::InProcess, cache.path()).await;
    let child = start(Isolation::Process, cache.path()).await;
    let asked = serde_json::to_vec(&request()).unwrap();
    let answered = serde_json::to_vec(&serve(&request())).unwrap();
    let mut peer = Peer::start(FRAME + METHOD.len() + asked.len(), FRAME + answered.len());
    bind(&place.caller);
    // The first row warms everything up and is not kept.
    let mut warming = Kinds::default();
    for row in 0..=calls.div_ceil(ROW) {
        let kinds = if row == 0 { &mut warming } else { &mut *kinds };
        for _ in 0..ROW {
            time(&mut kinds.function, || drop(black_box(border_of_nothing(black_box(&asked)))));
        }
        for _ in 0..ROW {
            time_async(&mut kinds.threads, call(&in_process)).await;
        }
        for _ in 0..ROW {
            time(&mut kinds.bare, || peer.round_trip());
        }
        for _ in 0..ROW {
            time_async(&mut kinds.process, call(&child)).await;
        }
    }
    in_process.shutdown().await;
    child.shutdown().await;
    kinds.bytes = (peer.there.len(), peer.back.len());
}

/// All kinds of calls in one place.
struct Kinds {
    function: Kind,
    threads: Kind,
    bare: Kind,
    process: Kind,
    /// There, and back.
    bytes: (usize, usize),
}

impl Default for Kinds {
    fn default() -> Self {
        Self {
            function: Kind::new("bare function call, same JSON"),
            threads: Kind::new("plugin call, in-process"),
            bare: Kind::new("bare round trip, two processes"),
            process: Kind::new("plugin call, child process"),
            bytes: (0, 0),
        }
    }
}

impl Kinds {
    /// Prints all there is to say, and answers how many times as long as its bare round trip a call into a child takes.
    fn print(&self) -> f64 {
        let Self { function, threads, bare, process, bytes: (there, back) } = self;
        println!("{} calls of each kind; {there} bytes there, {back} bytes back; {STARTS} starts", bare.times.len());
        println!("{:<32} {:>10} {:>10} {:>10} {:>10}", "µs", "quiet row", "median row", "p50", "p99");
        [function, threads, bare, process].into_iter().for_each(Kind::print);
        compare(threads, function);
        compare(process, bare)
    }
}

/// The calls of one kind, in the order in which they were made.
struct Kind {
    name: &'static str,
    times: Vec<Duration>,
}

impl Kind {
    fn new(name: &'static str) -> Self {
        Self { name, times: Vec::new() }
    }

    /// The median of each row, in µs.
    fn rows(&self) -> Vec<f64> {
        self.times.chunks_exact(ROW).map(|row| part(row.iter().map(micros), 0.5)).collect()
    }

    fn print(&self) {
        let (rows, times) = (self.rows(), || self.times.iter().map(micros));
        let (quiet, median) = (part(rows.iter().copied(), 0.0), part(rows.into_iter(), 0.5));
        let (p50, p99) = (part(times(), 0.5), part(times(), 0.99));
        println!("{:<32} {quiet:>10.2} {median:>10.2} {p50:>10.2} {p99:>10.2}", self.name);
    }
}

/// Prints how many times as long as the bare kind another takes, row beside row, and answers the median.
fn compare(kind: &Kind, bare: &Kind) -> f64 {
    let times: Vec<f64> = kind.rows().iter().zip(bare.rows()).map(|(row, bare)| row / bare).collect();
    let [tenth, median, last] = [0.1, 0.5, 0.9].map(|at| part(times.iter().copied(), at));
    println!("{}: {median:.2} times the {}; {tenth:.2} to {last:.2} in eight of ten rows", kind.name, bare.name);
    median
}

/// The value below which this part of all lies.
fn part(values: impl Iterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}

fn micros(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn time(kind: &mut Kind, call: impl FnOnce()) {
    let start = Instant::now();
    call();
    kind.times.push(start.elapsed());
}

async fn time_async(kind: &mut Kind, call: impl Future<Output = Room>) {
    let start = Instant::now();
    let room = call.await;
    kind.times.push(start.elapsed());
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

/// Another process that reads so many bytes and writes so many, and does nothing else.
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
