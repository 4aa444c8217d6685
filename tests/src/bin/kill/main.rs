//! Kills a server under load, again and again, and looks for everything that it had acknowledged.
//!
//!     kill SERVER sqlite|postgres ROUNDS [FAULTY SERVER]
//!
//! With a faulty server, that one is killed; the sound one only prepares what it works with.
//! Exit status: 0 nothing was lost, 3 an acknowledged write was lost or a slot doubled, 4 the server answered what
//! it must not. `scripts/prove/kill` runs this for both databases, and against a server that is known to lose.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod check;
mod deployment;
mod ledger;
mod load;

use std::{
    env,
    hash::{BuildHasher, RandomState},
    process::ExitCode,
    time::Duration,
};

use deployment::Deployment;
use ledger::Ledger;
use load::Crowd;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, database, rounds, faulty @ ..] = arguments.as_slice() else {
        panic!("kill SERVER sqlite|postgres ROUNDS [FAULTY SERVER]")
    };
    let mut deployment = Deployment::new(server.into(), database);
    let rounds: usize = rounds.parse().expect("a number of rounds");

    let mut ledger = Ledger::default();
    let mut server = deployment.serve().await;
    let mut crowd = Crowd::gather(&server.client, &mut ledger).await;
    // What is only late must not count as lost.
    let mut patience = Duration::ZERO;
    if let [faulty] = faulty {
        server.stop().await;
        deployment.server = faulty.into();
        server = deployment.serve().await;
        patience = Duration::from_secs(2);
        crowd = crowd.again(&server.client).await;
        tokio::time::sleep(patience).await;
    }
    let (mut in_flight, mut acknowledged, mut lost) = (0, 0, Vec::new());
    for round in 1..=rounds {
        let moment = Duration::from_millis(300 + random() % 2_700);
        ledger.begin();
        let killer = async {
            tokio::time::sleep(moment).await;
            server.kill().await;
        };
        tokio::join!(crowd.work(&ledger), killer);
        let (unanswered, answered, summary) = (ledger.in_flight(), ledger.acknowledged(), ledger.summary());
        in_flight += unanswered;
        acknowledged += answered;
        lost.extend(deployment.verify_audit());

        server = deployment.serve().await;
        crowd = crowd.again(&server.client).await;
        tokio::time::sleep(patience).await;
        lost.extend(crowd.settle(&ledger).await);
        tokio::time::sleep(patience).await;
        lost.extend(check::all(&crowd, &ledger, ledger.touched()).await);
        println!(
            "{database} kill {round:>2} after {:>4} ms: {unanswered:>2} in flight, {answered:>4} acknowledged ({summary}), \
             {} lost",
            moment.as_millis(),
            lost.len()
        );
        if !lost.is_empty() {
            break;
        }
    }
    if lost.is_empty() {
        lost.extend(check::all(&crowd, &ledger, ledger.everything()).await);
    }
    server.stop().await;
    lost.extend(check::tables(&deployment));
    lost.extend(deployment.verify_audit());

    println!("{database}: {in_flight} operations in flight, {acknowledged} acknowledged");
    let odd = ledger.oddities();
    for finding in
        lost.iter().map(|what| format!("lost: {what}")).chain(odd.iter().map(|what| format!("odd: {what}"))).take(20)
    {
        println!("  {finding}");
    }
    match (lost.is_empty(), odd.is_empty()) {
        (true, true) if acknowledged == 0 || in_flight == 0 => panic!("no load: this run proves nothing"),
        (true, true) => ExitCode::SUCCESS,
        (false, _) => ExitCode::from(3),
        (true, false) => ExitCode::from(4),
    }
}

/// A number that cannot be foreseen.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}
