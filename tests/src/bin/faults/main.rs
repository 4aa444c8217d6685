//! Plays faults, chosen by a seed, on three nodes under load, and looks for everything that was acknowledged.
//!
//!     faults PROGRAM SECONDS SEED [LOSES]
//!
//! Nodes are killed, stand still, are cut off from NATS or from the database, and get clocks that are an hour wrong;
//! NATS is killed and stands still; PostgreSQL loses its connections, and crashes. Clients book, write and watch
//! meanwhile, at whichever node answers, and some watch so slowly that they take nothing. Exit status: 0 nothing was
//! lost, doubled, out of order or told too early; 3 something was. With LOSES, a program that loses what it acknowledges,
//! only nodes are killed that run it, and 3 means that something acknowledged is not there. `scripts/prove/faults` runs
//! this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod mails;

use std::{collections::BTreeMap, env, path::PathBuf, process::ExitCode, time::Duration};

use consilium_tests::{
    client::Person,
    cluster::{Clinic, History},
};
use fastrand::Rng;
use futures_util::future::join_all;
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use mails::Reminders;

/// What can go wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    NodeKilled,
    NodeHalted,
    NodeClockWrong,
    NodeCutFromNats,
    NodeCutFromDatabase,
    NatsKilled,
    NatsHalted,
    DatabaseCut,
    DatabaseCrashed,
}

const FAULTS: [Fault; 9] = [
    Fault::NodeKilled,
    Fault::NatsHalted,
    Fault::NodeClockWrong,
    Fault::NodeCutFromDatabase,
    Fault::DatabaseCut,
    Fault::NodeHalted,
    Fault::NodeCutFromNats,
    Fault::DatabaseCrashed,
    Fault::NatsKilled,
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default(); // for the mail server
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [program, seconds, seed, loses @ ..] = arguments.as_slice() else {
        panic!("faults PROGRAM SECONDS SEED [LOSES]")
    };
    let plan = Plan {
        program: program.into(),
        loses: loses.first().map(PathBuf::from),
        length: Duration::from_secs(seconds.parse().expect("seconds")),
        seed: seed.parse().expect("a number"),
    };
    let local = tokio::task::LocalSet::new();
    let history = local.run_until(run(&plan)).await;
    let (violations, lost) = (history.violations.into_inner(), history.lost.get());
    println!("{} violations, {lost} of them acknowledged writes that are not there", violations.len());
    violations.iter().take(20).for_each(|violation| println!("  {violation}"));
    let found = if plan.loses.is_some() { lost } else { violations.len() };
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::from(3) }
}

struct Plan {
    program: PathBuf,
    loses: Option<PathBuf>,
    length: Duration,
    seed: u64,
}

async fn run(plan: &Plan) -> History {
    println!("seed {}, {} s", plan.seed, plan.length.as_secs());
    let mut clinic = Clinic::of(plan.program.clone()).await;
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
    let reminders = Reminders::agreed(&clinic).await;
    if let Some(program) = &plan.loses {
        clinic.run_by(program.clone()).await;
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
                    history.dawdle(&at.1[n], consultation),
                )
            }
        });
        join_all(work).await
    };
    let mails = clinic.mails.clone();
    let playing = async {
        let played = play(&mut clinic, &history, plan).await;
        sleep(Duration::from_secs(3)).await;
        history.end();
        played
    };
    // Who loses what was acknowledged loses reminders, too.
    let patience = if plan.loses.is_some() { SignedDuration::ZERO } else { SignedDuration::from_secs(60) };
    let collecting = mails::collect(&mails, &reminders, || history.is_ending(), patience);
    let (_, played, came) = tokio::join!(working, playing, collecting);
    if plan.loses.is_some() {
        clinic.run_by(plan.program.clone()).await; // what was not written is not there, whoever looks
    }
    history.audit(&clinic, &doctors).await;

    for (fault, recoveries) in played {
        let longest = recoveries.iter().max().copied().unwrap_or_default();
        println!("{fault:<19} {:>3} times, well again after at most {:.1} s", recoveries.len(), longest.as_secs_f64());
    }
    let (booked, said) = history.acknowledged();
    let (retried, longest) = (history.retried.get(), history.longest.get().as_secs_f64());
    println!("{booked} booked, {said} said, {retried} tried again, nobody waited longer than {longest:.1} s");
    let (told, wrong) = mails::judge(&came, &reminders);
    println!("{told}");
    history.violations.borrow_mut().extend(wrong);
    let nothing_to_judge = plan.loses.is_none() && came.proves_nothing(&reminders);
    if booked < 10 || said < 10 || nothing_to_judge {
        history.violations.borrow_mut().push("that was no load: this run proves nothing".to_owned());
    }
    history
}

/// Plays one fault after the other, each kind before any comes again; by kind, how long it took until all was well.
async fn play(clinic: &mut Clinic, history: &History, plan: &Plan) -> BTreeMap<String, Vec<Duration>> {
    let (mut random, begun) = (Rng::with_seed(plan.seed), Instant::now());
    let loses = plan.loses.is_some();
    let mut played: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    let mut waiting = Vec::new();
    sleep(Duration::from_secs(2)).await;
    while begun.elapsed() < plan.length && (loses || history.violations.borrow().is_empty()) {
        if waiting.is_empty() {
            waiting = if loses { vec![Fault::NodeKilled] } else { FAULTS.to_vec() };
            random.shuffle(&mut waiting);
        }
        let Some(fault) = waiting.pop() else { break };
        let (node, time) =
            (random.usize(0..3), Duration::from_millis(random.u64(if loses { 100..500 } else { 1_000..9_000 })));
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
            clinic.around(node).clock.jump(by);
            sleep(time).await;
            clinic.around(node).clock.jump(-by);
        }
        Fault::NodeCutFromNats => {
            clinic.around(node).to_nats.cut();
            sleep(time).await;
            clinic.around(node).to_nats.mend();
        }
        Fault::NodeCutFromDatabase => {
            clinic.around(node).to_database.cut();
            sleep(time).await;
            clinic.around(node).to_database.mend();
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
        Fault::DatabaseCrashed => clinic.deployment.crash_database().await,
    }
}
