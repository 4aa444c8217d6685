//! Measures the server, and beside each figure the limit of the machine in the same run.
//!
//!     load quick|full SERVER [GROUP...]
//!
//! Both kinds of run start everything that they need themselves. `full` measures everything in the long and in the
//! quick form and writes `docs/benchmarks.md` with what lies beside it; `quick` measures in the quick form only and
//! compares the ratios with those that `full` has left there. With groups, only those are measured and nothing is
//! written or compared. Exit status 3: a ratio is much worse than the committed one. `scripts/bench` runs this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "all of this measures: a panic is a run that failed"
)]

mod crowd;
mod drive;
mod http;
mod limits;
mod machine;
mod plan;
mod report;
mod rounds;
mod rows;
mod sockets;
mod stock;
mod town;

use std::{env, fs, path::Path, process::ExitCode, time::Instant};

use plan::{Form, Plan};
use report::{
    Row,
    committed::Committed,
    page::{self, Run},
    plot,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        // Parts of a run that are processes of their own.
        ["limit-http"] => limits::http::serve().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        ["limit-echo"] => limits::echo::serve().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        ["crowd", file] => {
            crowd::run(file);
            ExitCode::SUCCESS
        }
        [form @ ("quick" | "full"), program, groups @ ..] => {
            let form = if *form == "full" { Form::Full } else { Form::Quick };
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run(form, program, groups))
        }
        _ => panic!("load quick|full SERVER [GROUP...]"),
    }
}

async fn run(form: Form, program: &str, groups: &[&str]) -> ExitCode {
    let program = fs::canonicalize(program).expect("the server is built");
    if !groups.is_empty() {
        measure(&Plan { program, form }, groups).await;
        return ExitCode::SUCCESS;
    }
    let docs = Path::new("docs/benchmarks");
    let ratios = docs.join("ratios.json");
    let quick = measure(&Plan { program: program.clone(), form: Form::Quick }, rows::QUICK_GROUPS).await;
    if form == Form::Quick {
        let Some(committed) = Committed::read(&ratios) else {
            println!("{} is missing: nothing can be compared; `make bench` writes it", ratios.display());
            return ExitCode::FAILURE;
        };
        let losses = committed.losses(&quick);
        losses.iter().for_each(|loss| println!("LOSS {loss}"));
        return if losses.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) };
    }
    let full = measure(&Plan { program, form }, rows::GROUPS).await;
    let run = Run { commit: machine::commit(), machine: machine::machine(), date: machine::today(), form };
    let mut committed = Committed { commit: run.commit.clone(), machine: run.machine.clone(), ..Committed::default() };
    committed.take(Form::Quick, &quick);
    committed.take(Form::Full, &full);
    fs::create_dir_all(docs).expect("a folder");
    let table = docs.with_extension("md");
    let before = fs::read_to_string(&table).unwrap_or_default();
    fs::write(&table, page::page(&before, &run, &full)).expect("the docs");
    fs::write(docs.join("ratios.svg"), plot::ratios(&full)).expect("the docs");
    fs::write(docs.join("latencies.svg"), plot::latencies(&full)).expect("the docs");
    committed.write(&ratios);
    println!("written: {} and {}/", table.display(), docs.display());
    ExitCode::SUCCESS
}

async fn measure(plan: &Plan, groups: &[&str]) -> Vec<Row> {
    let mut rows = Vec::new();
    for group in groups {
        let begun = Instant::now();
        let measured = rows::measure(group, plan).await;
        measured.iter().for_each(|row| println!("{}", row.told()));
        println!("  {group}, {:?} form: {:.0} s", plan.form, begun.elapsed().as_secs_f64());
        rows.extend(measured);
    }
    rows
}
