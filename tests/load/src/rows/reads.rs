//! Doctor search, slots and own appointments, beside an actix-web server with an empty handler.

use consilium_tests::app::Backend;

use crate::{
    drive::{self, Client, p99},
    http::{Line, get},
    limits,
    plan::Plan,
    report::{Aim, Row},
    rounds::{alternate, compare},
    town::{Hours, Town},
};

/// Connections to the server and to its limit.
const CONNECTIONS: usize = 32;
/// Appointments that each patient has.
const APPOINTMENTS: usize = 10;

/// Asks one thing after the other.
pub struct Reader {
    line: Line,
    requests: Vec<Vec<u8>>,
    next: usize,
}

impl Reader {
    /// `at_once` connections to `address` that ask all of `requests`, each beginning at another place.
    pub async fn all(address: &str, at_once: usize, requests: &[Vec<u8>]) -> Vec<Self> {
        let mut readers = Vec::with_capacity(at_once);
        for place in 0..at_once {
            let line = Line::open(address).await;
            let next = place * requests.len() / at_once;
            readers.push(Self { line, requests: requests.to_vec(), next });
        }
        readers
    }
}

impl Client for Reader {
    async fn once(&mut self) {
        self.line.expect(200, &self.requests[self.next % self.requests.len()]).await;
        self.next += 1;
    }
}

/// What is asked for in one pair of rows.
struct Path {
    keys: [&'static str; 2],
    name: &'static str,
    requests: Vec<Vec<u8>>,
    why: &'static str,
}

/// Two rows for each of the three paths.
pub async fn measure(plan: &Plan) -> Vec<Row> {
    let (doctors, patients) = plan.of((1_000, 200), (40, 32));
    let town = Town::build(&plan.program, Backend::Sqlite, Hours::Office, doctors, patients).await;
    town.book_some(APPOINTMENTS).await;
    let empty = limits::http::start().await;
    let mut bare = Reader::all(&empty.address, CONNECTIONS, &[get("/", None)]).await;
    let mut rows = Vec::new();
    for path in paths(&town) {
        let mut readers = Reader::all(town.address(), CONNECTIONS, &path.requests).await;
        rows.extend(compare_path(plan, &path, &mut readers, &mut bare).await);
    }
    rows
}

fn paths(town: &Town) -> [Path; 3] {
    let search = ["specialty=cardiology", "specialty=neurology&language=bn", "q=doctor"];
    let search = search.map(|query| get(&format!("/api/v1/doctors?{query}"), None)).to_vec();
    let slots = town.doctors.iter().map(|doctor| get(&format!("/api/v1/doctors/{}/slots", doctor.doctor_id), None));
    let own = town.patients.iter().map(|patient| get("/api/v1/appointments", Some(patient.token())));
    [
        Path {
            keys: ["search", "search_p99"],
            name: "Doctor search, 20 of a page",
            requests: search,
            why: "A page of doctors is read from the database and written as about 8 KiB of JSON; the empty handler \
                  does neither.",
        },
        Path {
            keys: ["slots", "slots_p99"],
            name: "Free slots of a week",
            requests: slots.collect(),
            why: "The hours and the held time of a week are read from the database, slots are made from them by the \
                  rules of the doctor's zone, and about 100 of them are written as JSON.",
        },
        Path {
            keys: ["own", "own_p99"],
            name: "Own appointments",
            requests: own.collect(),
            why: "The token and its session are looked up, ten appointments are read from the database, their words \
                  decrypted and written as JSON.",
        },
    ]
}

async fn compare_path(plan: &Plan, path: &Path, ours: &mut Vec<Reader>, bare: &mut Vec<Reader>) -> [Row; 2] {
    let turn = plan.turn();
    let speed = alternate(
        plan.rounds(),
        async || drive::saturate(ours, turn).await,
        async || drive::saturate(bare, turn).await,
    )
    .await;
    // At half of what it can do nothing should have to wait for long.
    let rate = speed.ours / 2.0;
    let (mut all, mut all_bare, mut pairs) = (drive::histogram(), drive::histogram(), Vec::new());
    for _ in 0..plan.rounds() {
        let (one, other) = (drive::pace(ours, rate, turn).await, drive::pace(bare, rate, turn).await);
        pairs.push((p99(&one), p99(&other)));
        all.add(one).expect("of the same kind");
        all_bare.add(other).expect("of the same kind");
    }
    let limit = format!("empty actix-web handler, {CONNECTIONS} connections");
    let throughput = Row {
        key: path.keys[0],
        path: path.name.to_owned(),
        limit: limit.clone(),
        unit: "requests/s",
        compared: speed,
        aim: Aim::AtLeast(0.4),
        why: path.why,
        latencies: None,
    };
    let delay = Row {
        key: path.keys[1],
        path: format!("{}: p99 at {rate:.0} requests/s", path.name),
        limit: "the same at the same rate".to_owned(),
        unit: "ms",
        compared: compare(&pairs),
        aim: Aim::AtMost(5.0),
        latencies: Some((all, all_bare)),
        ..throughput.clone()
    };
    [throughput, delay]
}
