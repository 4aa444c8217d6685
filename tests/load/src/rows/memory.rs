//! Memory: of a connection that is idle, of a consultation that is live, and of one that was let go, as the allocator
//! counts what is in use. On PostgreSQL: what SQLite caches of its file would be counted as theirs.

use std::time::{Duration, Instant};

use consilium_tests::{app::Backend, client::text};
use futures_util::{StreamExt, stream};
use serde_json::Value;

use crate::{
    http::{Line, get},
    limits,
    plan::{Form, Plan},
    report::{Aim, Row},
    rounds::compare,
    sockets::{self, Socket},
    town::{Hours, Meeting, Town},
};

/// What a live consultation may take, in KiB.
const LIVE: f64 = 8.0;
/// How many are live, by the server's own metrics.
const CONSULTATIONS: &str = "consilium_live_entities{kind=\"consultation\"}";
/// How long one that has nothing to do is kept, and how long until that is seen.
const LET_GO: Duration = Duration::from_secs(300 + 120);

/// All three; those of consultations only in the full form, for they take minutes, and few of them say nothing.
pub async fn measure(plan: &Plan) -> Vec<Row> {
    let count = plan.of(2_000, 200);
    let town = Town::build(&plan.program, Backend::Postgres, Hours::Office, count / 50, count).await;
    let mut rows = vec![idle_connections(&town).await];
    if plan.form == Form::Full {
        town.comes_to("consilium_websockets", 0.0, Duration::from_secs(60)).await;
        rows.extend(consultations(&town).await);
    }
    rows
}

async fn consultations(town: &Town) -> [Row; 2] {
    let meetings = town.meet().await;
    let (first, second) = meetings.split_at(meetings.len() / 2);
    start(town, &first[..first.len() / 2]).await; // what is only needed once is needed now
    let live = slope(town, &first[first.len() / 2..]).await;
    start(town, second).await;
    let (full, count) = (town.in_use().await, town.metric(CONSULTATIONS).await);
    town.comes_to(CONSULTATIONS, 0.0, LET_GO).await;
    let kept = (live - (full - town.in_use().await) / count).max(0.0);
    [
        row("memory_live", "Memory of a live consultation", format!("{LIVE} KiB"), (live, LIVE), 1.0),
        row(
            "memory_passivated",
            "Memory that a passivated consultation keeps",
            "a live one".to_owned(),
            (kept, live),
            0.1,
        ),
    ]
}

async fn idle_connections(town: &Town) -> Row {
    let echo = limits::echo::start().await;
    let tokens: Vec<Option<&str>> = town.patients.iter().map(|patient| Some(patient.token())).collect();
    let nobody = vec![None; tokens.len()];
    let ours = connections(town.address(), "/api/v1/ws", &tokens, async || town.in_use().await).await;
    let bare_in_use = async || {
        let mut line = Line::open(&echo.address).await;
        line.expect(200, &get("/allocated", None)).await;
        let told = line.answer();
        told.lines().last().and_then(|bytes| bytes.parse::<f64>().ok()).expect("a number") / 1024.0
    };
    let bare = connections(&echo.address, "/", &nobody, bare_in_use).await;
    row("memory_idle", "Memory of an idle connection", "bare actix-web-actors".to_owned(), (ours, bare), 2.0)
}

/// KiB that the second half of the connections takes.
async fn connections(address: &str, path: &str, tokens: &[Option<&str>], in_use: impl AsyncFn() -> f64) -> f64 {
    let open = |token: &Option<&str>| {
        let token = token.map(str::to_owned);
        async move { sockets::connect(address, path, token.as_deref()).await }
    };
    let (first, second) = tokens.split_at(tokens.len() / 2);
    let mut held: Vec<Socket> = stream::iter(first).map(open).buffer_unordered(16).collect().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = in_use().await;
    held.extend(stream::iter(second).map(open).buffer_unordered(16).collect::<Vec<_>>().await);
    tokio::time::sleep(Duration::from_secs(2)).await;
    (in_use().await - before) / second.len() as f64
}

/// KiB for each of these consultations when it is made live.
async fn slope(town: &Town, meetings: &[Meeting]) -> f64 {
    let (before, live) = (town.in_use().await, town.metric(CONSULTATIONS).await);
    start(town, meetings).await;
    let more = town.metric(CONSULTATIONS).await - live;
    assert_eq!(more as usize, meetings.len(), "the consultations are not live");
    (town.in_use().await - before) / meetings.len() as f64
}

/// The doctors start them.
async fn start(town: &Town, meetings: &[Meeting]) {
    let begun = meetings.iter().map(|meeting| async move {
        let doctor = town.server.client.bearing(&meeting.doctor);
        let started = doctor.post(&format!("/consultations/{}/start", meeting.consultation), Value::Null);
        text(&started.await.expect(200), "status").to_owned()
    });
    let states: Vec<String> = stream::iter(begun).buffer_unordered(16).collect().await;
    assert!(states.iter().all(|state| state == "in_progress"), "{states:?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
}

fn row(key: &'static str, path: &str, limit: String, (ours, bare): (f64, f64), most: f64) -> Row {
    Row {
        key,
        path: path.to_owned(),
        limit,
        unit: "KiB",
        compared: compare(&[(ours, bare)]),
        aim: Aim::AtMost(most),
        why: "Beside the socket's buffers each connection has a worker with its queues and what it watches, and each \
              consultation an actor with a mailbox and its whole state.",
        latencies: None,
    }
}

impl Town {
    /// KiB that the server has in use.
    async fn in_use(&self) -> f64 {
        self.metric("consilium_memory_allocated_bytes").await / 1024.0
    }

    /// Waits until one of the server's own metrics has this value.
    async fn comes_to(&self, name: &str, value: f64, patience: Duration) {
        let since = Instant::now();
        while self.metric(name).await != value {
            assert!(since.elapsed() < patience, "{name} does not come to {value}");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// One of the server's own metrics; 0 when it has not been told yet.
    async fn metric(&self, name: &str) -> f64 {
        let mut line = Line::open(&self.metrics).await;
        line.expect(200, &get("/metrics", None)).await;
        let told = line.answer();
        let value = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().expect("a number"))
    }
}
