//! Plays faults, chosen by a seed, on three nodes under load, and looks for everything that was acknowledged.
//!
//!     faults PROGRAM SECONDS SEED [kills]
//!
//! Nodes are killed, stand still, and get clocks that are an hour wrong; NATS is killed and stands still; all
//! connections to the database are cut. Clients book, write and watch meanwhile, at whichever node answers. Exit
//! status: 0 nothing was lost, doubled or out of order; 3 something was. `scripts/prove/faults` runs this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

use std::{collections::BTreeMap, env, process::ExitCode, time::Duration};

use consilium_tests::{
    client::Person,
    cluster::{Clinic, History},
};
use fastrand::Rng;
use futures_util::future::join_all;
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

/// What can go wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    NodeKilled,
    NodeHalted,
    NodeClockWrong,
    NatsKilled,
    NatsHalted,
    DatabaseCut,
}

const FAULTS: [Fault; 6] = [
    Fault::NodeKilled,
    Fault::NatsHalted,
    Fault::NodeClockWrong,
    Fault::DatabaseCut,
    Fault::NodeHalted,
    Fault::NatsKilled,
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default(); // for the mail server
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [program, seconds, seed, only @ ..] = arguments.as_slice() else {
        panic!("faults PROGRAM SECONDS SEED [kills]")
    };
    let kinds = if only.is_empty() { FAULTS.as_slice() } else { &[Fault::NodeKilled] };
    let (seconds, seed) = (seconds.parse().expect("seconds"), seed.parse().expect("a number"));
    let local = tokio::task::LocalSet::new();
    let violations = local.run_until(run(program.into(), Duration::from_secs(seconds), seed, kinds)).await;
    println!("{} violations", violations.len());
    violations.iter().take(20).for_each(|violation| println!("  {violation}"));
    if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) }
}

async fn run(program: std::path::PathBuf, length: Duration, seed: u64, kinds: &[Fault]) -> Vec<String> {
    println!("seed {seed}, {} s", length.as_secs());
    let mut clinic = Clinic::of(program).await;
    let (mut doctors, mut patients) = (Vec::new(), Vec::new());
    let (mut consultations, mut slots) = (Vec::new(), Vec::new());
    for n in 0..3 {
        let (doctor, patient) =
            (clinic.doctor(&format!("doctor-{n}")).await, clinic.patient(&format!("patient-{n}")).await);
        consultations.push(clinic.consultation(&doctor, &patient).await);
        slots.push(doctor.slots(&doctor).await);
        doctors.push(doctor);
        patients.push(patient);
    }
    let everywhere = |people: &[Person]| people.iter().map(|who| clinic.everywhere(who)).collect::<Vec<_>>();
    let (theirs, patients) = (everywhere(&doctors), everywhere(&patients));
    let history = History::default();
    let working = async {
        let work = (0..3).map(|n| {
            let (history, consultation) = (&history, &consultations[n]);
            let (doctor, at) = (&doctors[n], (&theirs[n], &patients[n], &patients[(n + 1) % 3]));
            let slots = &slots[n];
            async move {
                tokio::join!(
                    history.book(at.1, doctor, n, slots),
                    history.book(at.2, doctor, n + 1, slots),
                    history.say(at.0, consultation, n),
                    history.say(at.1, consultation, n + 1),
                    history.watch(at.0, consultation, n + 1),
                    history.watch(at.1, consultation, n + 2),
                )
            }
        });
        join_all(work).await
    };
    let playing = async {
        let played = play(&mut clinic, &history, (length, seed), kinds).await;
        sleep(Duration::from_secs(3)).await;
        history.end();
        played
    };
    let (_, played) = tokio::join!(working, playing);
    history.audit(&clinic, &doctors).await;

    for (fault, recoveries) in played {
        let longest = recoveries.iter().max().copied().unwrap_or_default();
        println!("{fault:<16} {:>3} times, well again after at most {:.1} s", recoveries.len(), longest.as_secs_f64());
    }
    let (booked, said) = history.acknowledged();
    let (retried, longest) = (history.retried.get(), history.longest.get().as_secs_f64());
    println!("{booked} booked, {said} said, {retried} tried again, nobody waited longer than {longest:.1} s");
    let mails = clinic.mails.mails();
    let mut copies: BTreeMap<String, usize> = BTreeMap::new();
    for mail in &mails {
        *copies.entry(mail.header("Message-ID").unwrap_or_default()).or_default() += 1;
    }
    println!("{} mails, {} of them sent again under the same Message-ID", mails.len(), mails.len() - copies.len());
    if booked < 10 || said < 10 || mails.is_empty() {
        history.violations.borrow_mut().push("that was no load: this run proves nothing".to_owned());
    }
    history.violations.into_inner()
}

/// Plays one fault after the other, each kind before any comes again; by kind, how long it took until all was well.
async fn play(
    clinic: &mut Clinic,
    history: &History,
    (length, seed): (Duration, u64),
    kinds: &[Fault],
) -> BTreeMap<String, Vec<Duration>> {
    let (mut random, begun) = (Rng::with_seed(seed), Instant::now());
    let mut played: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    let mut waiting = Vec::new();
    sleep(Duration::from_secs(2)).await;
    while begun.elapsed() < length && history.violations.borrow().is_empty() {
        if waiting.is_empty() {
            waiting = kinds.to_vec();
            random.shuffle(&mut waiting);
        }
        let Some(fault) = waiting.pop() else { break };
        let (node, time) = (
            random.usize(0..3),
            Duration::from_millis(random.u64(if kinds.len() > 1 { 1_000..9_000 } else { 100..500 })),
        );
        play_one(clinic, fault, node, time, random.bool()).await;
        let recovery = clinic.well().await;
        println!("{:>5.1} s {fault:?} (node {node}, {time:?}): well after {recovery:?}", begun.elapsed().as_secs_f64());
        played.entry(format!("{fault:?}")).or_default().push(recovery);
        sleep(Duration::from_millis(random.u64(500..2_000))).await;
    }
    played
}

async fn play_one(clinic: &mut Clinic, fault: Fault, node: usize, time: Duration, ahead: bool) {
    match fault {
        Fault::NodeKilled => {
            clinic.kill(node).await;
            sleep(time).await;
            clinic.start(node).await;
        }
        Fault::NodeHalted => {
            clinic.server(node).halt();
            sleep(time).await;
            clinic.server(node).go_on();
        }
        Fault::NodeClockWrong => {
            let by = SignedDuration::from_hours(if ahead { 1 } else { -1 });
            clinic.kill(node).await;
            clinic.deployment.jump(by);
            clinic.start(node).await;
            sleep(time).await;
            clinic.kill(node).await;
            clinic.deployment.jump(-by);
            clinic.start(node).await;
        }
        Fault::NatsKilled => {
            clinic.nats.kill();
            sleep(time).await;
            clinic.nats.again();
        }
        Fault::NatsHalted => {
            clinic.nats.halt();
            sleep(time).await;
            clinic.nats.go_on();
        }
        Fault::DatabaseCut => clinic.deployment.cut_database().await,
    }
}
