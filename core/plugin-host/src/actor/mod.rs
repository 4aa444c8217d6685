//! One supervising actor per plugin: it starts and ends generations of it, says in the lane which one
//! serves, and looks after what takes too long. Calls do not pass here; see [`crate::lane`].

mod crashes;
mod info;
mod ledger;
mod life;
mod services;
mod swap;
mod time;

pub use info::{Alert, PluginInfo, PluginState};
pub use swap::{ReloadError, Reloaded};

use crate::{
    HostServices, Isolation, Settings,
    border::{Frame, Sandbox, Tag},
    config::millis,
    generation::{Build, Generation},
    lane::{Answer, Errand, Lane},
    trace::Trace,
};
use actix::{Actor, AsyncContext as _, Context, Handler, Message, ResponseFuture, SpawnHandle, StreamHandler};
use consilium_plugin_contract::Health;
use crashes::Crashes;
use ledger::Ledger;
use services::LogBudget;
use std::{collections::BTreeMap, sync::Arc};
use swap::Candidate;
use tokio::sync::oneshot;

/// The supervisor of one plugin.
pub(crate) struct Supervisor {
    id: String,
    isolation: Isolation,
    settings: Arc<Settings>,
    services: Arc<dyn HostServices>,
    lane: Arc<Lane>,
    ledger: Ledger,
    phase: Phase,
    /// What is started, and started again after a crash.
    build: Arc<Build>,
    /// Counts starts.
    number: u64,
    /// The generation that serves or is being started to serve.
    current: Option<u64>,
    /// One that shall replace it.
    candidate: Option<Candidate>,
    /// Those two, and those that finish their calls.
    generations: BTreeMap<u64, Live>,
    sweeper: Option<SpawnHandle>,
    crashes: Crashes,
    /// Calls that never returned, in-process.
    abandoned: usize,
    health: Option<Health>,
    restarts: u64,
    swaps: u64,
    alert: Option<Alert>,
    log_budget: LogBudget,
    /// Whoever waits until the plugin runs, or will not.
    ready: Vec<oneshot::Sender<()>>,
    /// Whoever waits until the plugin has ended.
    ended: Vec<oneshot::Sender<()>>,
}

/// A generation that is there.
struct Live {
    generation: Arc<Generation>,
    events: SpawnHandle,
    /// How its process is confined, once it has said so.
    sandbox: Option<Sandbox>,
}

/// Where a plugin is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Being loaded, or waiting to be restarted; calls wait.
    Starting,
    Running,
    /// Until an operator resumes it.
    Quarantined,
    /// Finishing its last calls.
    Draining,
    /// Refused, or ended with the host.
    Stopped,
}

/// What a generation says besides the answers to calls.
pub(crate) enum Event {
    Frame(Frame),
    /// A line for the log, and the trace of its call, which may be over when the line is written.
    Log(Frame, Option<Trace>),
    Done(Errand, Answer),
    /// Its process is gone; how it ended.
    Closed(String),
}

impl Supervisor {
    pub(crate) fn new(
        id: String,
        isolation: Isolation,
        settings: Arc<Settings>,
        services: Arc<dyn HostServices>,
        lane: Arc<Lane>,
        build: Build,
    ) -> Self {
        let crashes = Crashes::new(
            millis(settings.crash_window_ms),
            settings.max_crashes,
            millis(settings.restart_backoff_ms),
            millis(settings.restart_backoff_max_ms),
        );
        Self {
            ledger: Ledger::new(id.clone(), Arc::clone(&services)),
            id,
            isolation,
            settings,
            services,
            lane,
            phase: Phase::Starting,
            build: Arc::new(build),
            number: 0,
            current: None,
            candidate: None,
            generations: BTreeMap::new(),
            sweeper: None,
            crashes,
            abandoned: 0,
            health: None,
            restarts: 0,
            swaps: 0,
            alert: None,
            log_budget: LogBudget::new(),
            ready: Vec::new(),
            ended: Vec::new(),
        }
    }

    fn generation(&self, number: u64) -> Option<&Arc<Generation>> {
        self.generations.get(&number).map(|live| &live.generation)
    }

    fn is_candidate(&self, number: u64) -> bool {
        self.candidate.as_ref().is_some_and(|candidate| candidate.number == number)
    }

    /// Sends to the plugin; one that does not take what it is sent is ended.
    fn send(&self, number: u64, frame: Frame) {
        if let Some(generation) = self.generation(number)
            && !generation.link.send(frame)
        {
            generation.link.kill();
        }
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(millis(self.settings.health_interval_ms), |supervisor, ctx| supervisor.check_health(ctx));
        self.show_quarantine(false);
        self.sweep(ctx);
        self.start(ctx);
    }
}

impl StreamHandler<(u64, Event)> for Supervisor {
    fn handle(&mut self, (number, event): (u64, Event), ctx: &mut Self::Context) {
        match event {
            Event::Done(Errand::Create, answer) => self.created(number, answer, ctx),
            Event::Done(Errand::Health, answer) => self.healthy(number, answer, ctx),
            Event::Closed(how) => self.gone(number, how, ctx),
            Event::Log(line, trace) => self.log(number, &line, trace),
            Event::Frame(frame) => match frame.tag {
                Tag::Confined => self.confined(number, &frame),
                Tag::Hello => self.greeted(number, &frame, ctx),
                Tag::Refused => self.stop(number, String::from_utf8_lossy(&frame.payload).into_owned(), ctx),
                Tag::HostCall => self.serve(number, frame),
                Tag::Drained if self.current != Some(number) || self.phase == Phase::Draining => {
                    self.discard(number, "it ended", ctx);
                }
                // What only a host says, or what comes at the wrong time.
                _ => {}
            },
        }
    }

    // By default the actor would stop with its plugin.
    fn finished(&mut self, _: &mut Self::Context) {}
}

/// Asks how the plugin is.
#[derive(Message)]
#[rtype(result = "PluginInfo")]
pub(crate) struct Describe;

impl Handler<Describe> for Supervisor {
    type Result = actix::MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        actix::MessageResult(self.describe())
    }
}

/// Waits until the plugin runs, or will not.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Ready;

impl Handler<Ready> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Ready, _: &mut Self::Context) -> Self::Result {
        let (tell, told) = oneshot::channel();
        if self.phase == Phase::Starting {
            self.ready.push(tell);
        }
        // Dropping the sender wakes whoever waits.
        Box::pin(async move { told.await.unwrap_or_default() })
    }
}

/// Lifts a quarantine; says whether there was one.
#[derive(Message)]
#[rtype(result = "bool")]
pub(crate) struct Resume;

impl Handler<Resume> for Supervisor {
    type Result = bool;

    fn handle(&mut self, _: Resume, ctx: &mut Self::Context) -> Self::Result {
        self.resume(ctx)
    }
}

/// Replaces the plugin by this build, without losing a call.
#[derive(Message)]
#[rtype(result = "Result<Reloaded, ReloadError>")]
pub(crate) struct Reload(pub(crate) Build);

impl Handler<Reload> for Supervisor {
    type Result = ResponseFuture<Result<Reloaded, ReloadError>>;

    fn handle(&mut self, Reload(build): Reload, ctx: &mut Self::Context) -> Self::Result {
        let (tell, told) = oneshot::channel();
        self.reload(build, tell, ctx);
        Box::pin(async move { told.await.unwrap_or(Err(ReloadError::Stopped)) })
    }
}

/// Ends the plugin after its running calls.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Shutdown;

impl Handler<Shutdown> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) -> Self::Result {
        let (tell, told) = oneshot::channel();
        self.ended.push(tell);
        self.shut_down(ctx);
        Box::pin(async move { told.await.unwrap_or_default() })
    }
}
