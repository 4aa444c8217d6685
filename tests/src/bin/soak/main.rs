//! Many consultations whose participants write to each other over connections that are cut every few seconds.
//!
//!     soak SERVER CONSULTATIONS SECONDS [SEED [drop|double]]
//!
//! Every message that was acknowledged must have come to both participants exactly once, in the order of `seq` and
//! without a gap, and the server's memory must not grow between the third tenth of the time and the last one. With
//! `drop` or `double` one client loses or repeats a frame that came, as if the server had. Exit status: 0 all is well,
//! 3 a message was lost, doubled or out of order, 4 memory grew. `scripts/prove/soak` runs this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod memory;
mod participant;
mod people;

use std::{collections::BTreeMap, env, process::ExitCode, sync::Arc, time::Duration};

use consilium_tests::{app::Backend, deployment::Deployment};
use participant::{Fault, Heard, Participant};
use tokio::{sync::Barrier, task::JoinSet, time::Instant};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, consultations, seconds, rest @ ..] = arguments.as_slice() else {
        panic!("soak SERVER CONSULTATIONS SECONDS [SEED [drop|double]]")
    };
    let consultations: usize = consultations.parse().expect("a number of consultations");
    let length = Duration::from_secs(seconds.parse().expect("a number of seconds"));
    let seed = rest.first().map_or_else(|| fastrand::u64(..), |seed| seed.parse().expect("a seed"));
    let fault = rest.get(1).map(|fault| fault.parse::<Fault>().expect("drop or double"));
    println!("seed {seed}");

    let deployment = Deployment::of(server.into(), Backend::Sqlite);
    let server = deployment.serve().await;
    let pairs = people::meet(&server.client, consultations).await;
    println!("{consultations} consultations, {} connections, {} s", consultations * 2, length.as_secs());

    let (begin, everybody) = (Instant::now(), Arc::new(Barrier::new(consultations * 2)));
    let memory = tokio::spawn(memory::watch(server.pid(), begin, length));
    let mut running = JoinSet::new();
    for (place, person) in pairs.into_iter().flatten().enumerate() {
        let fault = fault.filter(|_| place == 0);
        let participant = Participant::new(person, seed.wrapping_add(place as u64), fault);
        running.spawn(participant.run(begin + length, everybody.clone()));
    }
    let mut heard: BTreeMap<String, Vec<Heard>> = BTreeMap::new();
    for one in running.join_all().await {
        heard.entry(one.topic.clone()).or_default().push(one);
    }
    let findings: Vec<String> = heard.iter().flat_map(|(topic, pair)| compare(topic, pair)).collect();
    let sum = |what: fn(&Heard) -> usize| heard.values().flatten().map(what).sum::<usize>();
    println!(
        "{} messages acknowledged, {} events delivered, {} connections cut, {} messages sent again after a cut",
        sum(|one| one.acknowledged.len()),
        sum(|one| one.events),
        sum(|one| one.cuts),
        sum(|one| one.repeated),
    );
    let memory = memory.await.expect("it was measured");
    println!("resident memory: {memory}");
    for finding in findings.iter().take(20) {
        println!("  {finding}");
    }
    assert!(sum(|one| one.acknowledged.len()) > consultations && sum(|one| one.cuts) > consultations, "no load");
    match (findings.is_empty(), memory.grew(length)) {
        (false, _) => ExitCode::from(3),
        (true, true) => ExitCode::from(4),
        (true, false) => ExitCode::SUCCESS,
    }
}

/// What is wrong between what was acknowledged and what both have heard.
fn compare(topic: &str, pair: &[Heard]) -> Vec<String> {
    let mut findings: Vec<String> = pair.iter().flat_map(|one| one.findings.clone()).collect();
    for sender in pair {
        for reader in pair {
            for (message, seq) in &sender.acknowledged {
                match reader.messages.get(&(sender.user.clone(), message.clone())) {
                    Some(heard) if heard == seq => {}
                    other => findings.push(format!("{topic}: {message} is {seq}, and {} has {other:?}", reader.user)),
                }
            }
        }
    }
    let all: usize = pair.iter().map(|one| one.acknowledged.len()).sum();
    for reader in pair.iter().filter(|reader| reader.messages.len() != all) {
        findings.push(format!("{topic}: {} has {} of {all} messages", reader.user, reader.messages.len()));
    }
    findings
}
