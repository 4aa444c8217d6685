//! Many WebSockets that tell each other something at a given rate, held by processes of their own: what they cost is
//! not the server's, and each process has its own descriptors.

mod member;

use std::{env, fs, process::Stdio, time::Duration};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

pub use member::run;

use crate::drive;

/// How one connection is opened, and what is sent over it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seat {
    pub path: String,
    pub token: Option<String>,
    /// Is watched, if there is one.
    pub topic: Option<String>,
}

/// One sends, the other one hears; with an echo both are the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pair {
    pub sender: Seat,
    pub hearer: Option<Seat>,
    /// The frame that is sent.
    pub frame: String,
    /// What the frame that is heard contains.
    pub heard: String,
}

/// What a process of the crowd is told before it begins.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    address: String,
    pairs: Vec<Pair>,
}

/// Processes that hold all connections.
pub struct Crowd {
    members: Vec<Member>,
    _folder: tempfile::TempDir,
}

struct Member {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Crowd {
    /// Opens all connections, shared out among so many processes.
    pub async fn gather(address: &str, pairs: &[Pair], processes: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut members = Vec::new();
        for (number, pairs) in pairs.chunks(pairs.len().div_ceil(processes)).enumerate() {
            let task = Task { address: address.to_owned(), pairs: pairs.to_vec() };
            let file = folder.path().join(number.to_string());
            fs::write(&file, serde_json::to_vec(&task).expect("JSON")).expect("a file");
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL"]).arg(env::current_exe().expect("a path")).arg("crowd").arg(file);
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("it can be run");
            let input = child.stdin.take().expect("a pipe");
            let output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
            members.push(Member { input, output, _child: child });
        }
        for member in &mut members {
            assert_eq!(member.line().await, "ready");
        }
        Self { members, _folder: folder }
    }

    /// Latencies in nanoseconds when the crowd sends `rate` frames per second.
    pub async fn talk(&mut self, rate: f64, length: Duration) -> Histogram<u64> {
        let order = format!("{} {}\n", rate / self.members.len() as f64, length.as_secs_f64());
        for member in &mut self.members {
            member.input.write_all(order.as_bytes()).await.expect("it listens");
        }
        let mut all = drive::histogram();
        for member in &mut self.members {
            let counts: Vec<(u64, u64)> = serde_json::from_str(&member.line().await).expect("JSON");
            counts.into_iter().for_each(|(value, count)| all.record_n(value, count).expect("within bounds"));
        }
        all
    }
}

impl Member {
    async fn line(&mut self) -> String {
        self.output.next_line().await.expect("a pipe").expect("a process of the crowd has failed")
    }
}
