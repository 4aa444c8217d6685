//! `consilium demo`: the whole main job against a server, each step with what went over the wire.

mod mailbox;
mod own;
mod pharmacy;
mod screen;
mod socket;
mod steps;
mod wire;

use std::{fs, path::PathBuf, process::ExitCode, rc::Rc};

use anyhow::{Context, Result, bail};
use clap::Args;
use futures_util::future::LocalBoxFuture;

use self::{
    own::Own,
    screen::{Count, Screen},
    steps::{Story, accounts, afterwards, booking, chat, room},
    wire::{Person, Wire},
};
use crate::config::Config;

/// Play the whole main job, from registration to analytics, and print what goes over the wire
///
/// Without --url it starts a server of its own with the settings given: on the database they name, which must be
/// empty, else on a SQLite file that is deleted afterwards; with plugins as child processes, a mailbox and a pharmacy.
/// With --url it plays against a running server and leaves the accounts it made there. Exit status 0: every step
/// answered what it should; 1: one did not, and which.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// A running server, such as http://127.0.0.1:8080
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// An administrator there, to verify the demo's doctor
    #[arg(long, value_name = "EMAIL", requires = "url", requires = "admin_password_file")]
    admin_email: Option<String>,
    /// File whose first line is the administrator's password
    #[arg(long, value_name = "FILE", requires = "admin_email")]
    admin_password_file: Option<PathBuf>,
}

type Step = for<'a> fn(&'a mut Story) -> LocalBoxFuture<'a, Result<()>>;

/// The main job.
const STEPS: [(&str, Step); 18] = [
    ("A patient and a doctor register", |story| Box::pin(accounts::register(story))),
    ("They confirm their addresses with the codes mailed to them", |story| Box::pin(accounts::confirm(story))),
    ("They log in", |story| Box::pin(accounts::log_in(story))),
    ("An administrator verifies the doctor", |story| Box::pin(accounts::verify_doctor(story))),
    ("The doctor fills in profile and hours", |story| Box::pin(booking::set_hours(story))),
    ("The patient finds the doctor and a free slot", |story| Box::pin(booking::find_slot(story))),
    ("The patient books, and repeats the request as a bad network would", |story| Box::pin(booking::book(story))),
    ("Both are mailed a tentative invitation", |story| Box::pin(booking::tentative(story))),
    ("The doctor accepts, and the invitation is confirmed", |story| Box::pin(booking::accept(story))),
    ("The patient joins and waits", |story| Box::pin(room::wait(story))),
    ("The doctor joins and lets the patient in; both get video from the plugin", |story| Box::pin(room::admit(story))),
    ("They chat over WebSocket", |story| Box::pin(chat::both_ways(story))),
    ("The patient's line breaks; what was missed comes after reconnecting", |story| Box::pin(chat::reconnect(story))),
    ("The doctor ends the consultation", |story| Box::pin(room::end(story))),
    ("The doctor prescribes", |story| Box::pin(afterwards::prescribe(story))),
    ("The patient gets the PDF, and anybody can verify it", |story| Box::pin(afterwards::paper(story))),
    ("The pharmacy gets it and reports until it is dispensed", |story| Box::pin(afterwards::dispense(story))),
    ("The doctor sees the day's figures", |story| Box::pin(afterwards::figures(story))),
];

/// The rest cannot be played, which is nobody's mistake.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct EndsHere(String);

/// Only what goes wrong should stand between the steps.
pub(super) fn quieten(config: &mut Config) {
    if config.log.filter == Config::default().log.filter {
        "error".clone_into(&mut config.log.filter);
    }
}

impl Demo {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let screen = Rc::new(Screen::new());
        let own = match &self.url {
            Some(_) => None,
            None => Some(Own::start(config).await.context("the demo's server did not start")?),
        };
        let (base, place) = match (&own, self.url.clone()) {
            (Some(own), _) => (format!("http://{}", own.server.address), format!(" on {}", own.database)),
            (None, url) => (url.unwrap_or_default(), String::new()),
        };
        if !base.starts_with("http://") {
            bail!("--url {base}: please give an address that begins with http://; the demo speaks no TLS");
        }
        println!("Consilium at {base}{place}\n");
        let admin = match &own {
            Some(own) => Some(own.admin.clone()),
            None => self.administrator()?,
        };
        let wire = Wire::new(&base, screen.clone())?;
        let mut story = Story::new(wire, screen.clone(), own, admin)?;
        let outcome = tokio::select! {
            outcome = play(&mut story) => outcome,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
        };
        if let Some(own) = story.leave() {
            own.stop().await;
        }
        Ok(conclude(&screen, outcome))
    }

    fn administrator(&self) -> Result<Option<Person>> {
        let (Some(email), Some(file)) = (&self.admin_email, &self.admin_password_file) else { return Ok(None) };
        let text = fs::read_to_string(file).with_context(|| format!("--admin-password-file {}", file.display()))?;
        let password = text.lines().next().unwrap_or_default().to_owned();
        Ok(Some(Person { name: "Admin", email: email.clone(), password, ..Person::default() }))
    }
}

async fn play(story: &mut Story) -> Result<()> {
    for (title, step) in STEPS {
        story.screen.step(title);
        step(story).await?;
    }
    Ok(())
}

fn conclude(screen: &Screen, outcome: Result<()>) -> ExitCode {
    let (steps, of) = (screen.steps(), STEPS.len());
    let [requests, frames, mails, skipped] =
        [Count::Request, Count::Frame, Count::Mail, Count::Skipped].map(|what| screen.counted(what));
    let passed = format!("{requests} requests, {frames} frames, {mails} mails");
    match outcome {
        Ok(()) if skipped == 0 => {
            println!("\n{}", screen.paint("1;32", &format!("All {of} steps went as they should: {passed}.")));
            ExitCode::SUCCESS
        }
        Ok(()) => {
            println!("\nAll {of} steps went as they should, but for {skipped} parts that were skipped: {passed}.");
            ExitCode::SUCCESS
        }
        Err(error) if error.is::<EndsHere>() => {
            println!(
                "\nEnds before the end, in step {steps} of {of}: {error}\nUntil then all went as it should: {passed}."
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("\n{}", screen.paint("1;31", &format!("Step {steps} of {of} failed: {error:#}")));
            ExitCode::FAILURE
        }
    }
}
