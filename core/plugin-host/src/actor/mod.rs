//! One supervising actor per plugin. It decides which call runs when, how long it may take and what
//! happens when it does not return; the calls themselves run in the child process or on the
//! plugin's own threads.

mod breaker;
mod calls;
mod crashes;
mod info;
mod life;
mod outcome;
mod services;

pub use breaker::BreakerState;
pub use info::{PluginInfo, PluginState};

use crate::{
    CallError, Isolation, Settings,
    border::{Link, LinkEvent, Sandbox},
    config::millis,
    services::Grant,
    trace::Trace,
};
use actix::{Actor, AsyncContext as _, Context, Handler, Message, ResponseFuture, SpawnHandle, StreamHandler};
use breaker::Breaker;
use calls::{Pending, Running};
use consilium_plugin_contract::{Health, Manifest};
use crashes::Crashes;
use services::LogBudget;
use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::Arc,
};
use tokio::sync::oneshot;

/// Everything a supervisor needs to know to start its plugin, again and again.
pub(crate) struct Setup {
    pub(crate) settings: Arc<Settings>,
    pub(crate) id: String,
    pub(crate) isolation: Isolation,
    /// Memory of its child process in MiB.
    pub(crate) memory_mib: u64,
    pub(crate) library: PathBuf,
    /// Configuration as JSON.
    pub(crate) config: Vec<u8>,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) grant: Arc<Grant>,
}

/// The supervisor of one plugin.
pub(crate) struct Supervisor {
    setup: Setup,
    phase: Phase,
    /// Counts starts, so that what an earlier process said is not taken for the present one's.
    generation: u64,
    link: Option<Link>,
    running: HashMap<u64, Running>,
    waiting: VecDeque<Pending>,
    next_id: u64,
    breaker: Breaker,
    crashes: Crashes,
    /// Calls that never returned, in-process.
    abandoned: usize,
    /// A call of the present process did not return: it is killed when the others are over.
    doomed: bool,
    /// How the present process is confined, once it has said so.
    sandbox: Option<Sandbox>,
    health: Option<Health>,
    calls: u64,
    failures: u64,
    restarts: u64,
    last_error: Option<String>,
    log_budget: LogBudget,
    /// Whoever waits until the plugin runs, or will not.
    ready: Vec<oneshot::Sender<()>>,
    /// Whoever waits until the plugin has ended.
    ended: Vec<oneshot::Sender<()>>,
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

impl Supervisor {
    pub(crate) fn new(setup: Setup) -> Self {
        let settings = &setup.settings;
        let breaker = Breaker::new(settings.breaker_window, millis(settings.breaker_open_ms));
        let crashes = Crashes::new(
            millis(settings.crash_window_ms),
            settings.max_crashes,
            millis(settings.restart_backoff_ms),
            millis(settings.restart_backoff_max_ms),
        );
        Self {
            setup,
            phase: Phase::Starting,
            generation: 0,
            link: None,
            running: HashMap::new(),
            waiting: VecDeque::new(),
            next_id: 1,
            breaker,
            crashes,
            abandoned: 0,
            doomed: false,
            sandbox: None,
            health: None,
            calls: 0,
            failures: 0,
            restarts: 0,
            last_error: None,
            log_budget: LogBudget::new(),
            ready: Vec::new(),
            ended: Vec::new(),
        }
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // More than can run and wait, so that a full mailbox is never what refuses a call.
        ctx.set_mailbox_capacity(self.setup.settings.max_running + self.setup.settings.max_waiting + 64);
        ctx.run_interval(millis(self.setup.settings.health_interval_ms), |supervisor, ctx| {
            supervisor.check_health(ctx);
        });
        self.launch(ctx);
    }
}

impl StreamHandler<(u64, LinkEvent)> for Supervisor {
    fn handle(&mut self, (generation, event): (u64, LinkEvent), ctx: &mut Self::Context) {
        if generation != self.generation {
            return;
        }
        match event {
            LinkEvent::Frame(frame) => self.heard(frame, ctx),
            LinkEvent::Closed(how) => self.crashed(how, ctx),
        }
    }

    // By default the actor would stop with its plugin.
    fn finished(&mut self, _: &mut Self::Context) {}
}

/// Calls the plugin; the answer is its raw reply.
#[derive(Message)]
#[rtype(result = "Result<Vec<u8>, CallError>")]
pub(crate) struct Invoke {
    pub(crate) method: &'static str,
    pub(crate) request: Vec<u8>,
    /// The step of the caller's trace that this call is.
    pub(crate) trace: Trace,
}

impl Handler<Invoke> for Supervisor {
    type Result = ResponseFuture<Result<Vec<u8>, CallError>>;

    fn handle(&mut self, call: Invoke, ctx: &mut Self::Context) -> Self::Result {
        // Everything is decided here, before the future is polled; it only waits.
        let answer = self.invoke(call, ctx);
        Box::pin(async move { answer.await.unwrap_or(Err(CallError::Stopped)) })
    }
}

/// A reply that its contract does not allow, found by whoever parsed it.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Misanswered(pub(crate) String);

impl Handler<Misanswered> for Supervisor {
    type Result = ();

    fn handle(&mut self, Misanswered(reason): Misanswered, _: &mut Self::Context) {
        self.failures += 1;
        self.last_error = Some(reason);
    }
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
        Box::pin(async move { told.await.unwrap_or_default() })
    }
}

/// Lifts a quarantine.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Resume;

impl Handler<Resume> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Resume, ctx: &mut Self::Context) {
        self.resume(ctx);
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

/// Timers are cancelled by handle; this names what the handle is.
type Timer = SpawnHandle;
