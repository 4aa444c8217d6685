//! Kills a server under load, again and again, and looks for everything that it had acknowledged.
//!
//!     kill SERVER sqlite|postgres|power|power-postgres ROUNDS [FAULTY SERVER|unflushed]
//!
//! People book, cancel, move and chat; the mail server they are told by outlives every kill, and reminders fall due
//! shortly before each. `power` and `power-postgres` are SQLite and PostgreSQL on a disk that is full for a while and then
//! loses its power, shortly before the server is killed: what was not flushed is gone. With a faulty server, that one is
//! killed; the sound one only prepares what it works with. `unflushed`: PostgreSQL does not wait for the disk.
//! Exit status: 0 nothing was lost, 3 an acknowledged write was lost, a slot doubled, a mail lost or doubled, 4 the
//! server answered what it must not. `scripts/prove/kill` runs this for both databases, and against a server that is
//! known to lose.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod check;
mod disk;
mod ledger;
mod load;
mod mail;
mod place;
mod postgres;
mod reminders;
mod run;

use std::{
    env,
    hash::{BuildHasher, RandomState},
    process::ExitCode,
};

use consilium_tests::app::Backend;
use place::Place;
use run::Run;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, database, rounds, faulty @ ..] = arguments.as_slice() else {
        panic!("kill SERVER sqlite|postgres|power|power-postgres ROUNDS [FAULTY SERVER|unflushed]")
    };
    let mut place = match database.as_str() {
        "sqlite" => Place::safe(Backend::Sqlite),
        "postgres" => Place::safe(Backend::Postgres),
        "power" => Place::without_power(Backend::Sqlite),
        "power-postgres" => Place::without_power(Backend::Postgres),
        other => panic!("{other} is no database"),
    };
    let rounds: usize = rounds.parse().expect("a number of rounds");
    let mut faulty = faulty.first();
    if faulty.take_if(|faulty| *faulty == "unflushed").is_some() {
        place.flush_nothing();
    }
    let mut run = Run::prepare(server.into(), place, rounds, faulty.map(Into::into)).await;
    for round in 1..=rounds {
        let line = run.kill().await;
        println!("{database} kill {round:>2} {line}");
        if !run.lost.is_empty() {
            break;
        }
    }
    let ended = run.settle().await;
    println!("{database}: {}", ended.summary);
    let (lost, odd) = (ended.lost, ended.odd);
    let findings = lost.iter().map(|what| format!("lost: {what}")).chain(odd.iter().map(|what| format!("odd: {what}")));
    findings.take(20).for_each(|finding| println!("  {finding}"));
    match (lost.is_empty(), odd.is_empty()) {
        (true, true) if ended.without_load => panic!("no load: this run proves nothing"),
        (true, true) => ExitCode::SUCCESS,
        (false, _) => ExitCode::from(3),
        (true, false) => ExitCode::from(4),
    }
}

/// A number that cannot be foreseen.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}
