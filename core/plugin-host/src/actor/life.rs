//! A plugin's life: started, created, crashed, restarted, quarantined, ended.

use super::{Alert, Event, Live, Phase, Supervisor, crashes::Verdict};
use crate::{
    CallError, Isolation,
    border::{Frame, Link, Outward, Protection, Sandbox, Tag},
    config::millis,
    generation::{Build, Generation},
    lane::{Answer, Errand},
};
use actix::{ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};
use futures_util::{
    StreamExt as _,
    stream::{once, poll_fn},
};
use serde_json::json;
use std::{
    io,
    sync::{Arc, Weak},
    time::Instant,
};
use tokio::sync::mpsc;

/// Events that may wait for the supervisor; the plugin's threads wait when there are more.
const INBOX: usize = 64;

impl Supervisor {
    /// Starts the plugin; calls wait until it runs.
    pub(super) fn start(&mut self, ctx: &mut Context<Self>) {
        self.phase = Phase::Starting;
        self.lane.shut();
        match self.launch(Arc::clone(&self.build), ctx) {
            Ok(number) => self.current = Some(number),
            Err(e) => self.crashed(format!("no process could be started: {e}"), ctx),
        }
    }

    /// Starts a generation and answers its number. Nobody calls it yet.
    pub(super) fn launch(&mut self, build: Arc<Build>, ctx: &mut Context<Self>) -> io::Result<u64> {
        self.number += 1;
        let number = self.number;
        let (sender, mut events) = mpsc::channel(INBOX);
        let heard = self.listener(number, sender);
        let (link, ended) = Link::start(&self.settings, self.isolation, &self.id, &build, heard)?;
        let ended = once(async move { Event::Closed(ended.await.unwrap_or_else(|_| "it is gone".to_owned())) });
        let events = poll_fn(move |task| events.poll_recv(task)).chain(ended);
        let generation = Arc::new(Generation { number, build, link });
        self.lane.enter(Arc::clone(&generation));
        let events = ctx.add_stream(events.map(move |event| (number, event)));
        let sandbox = (self.isolation == Isolation::InProcess).then(Sandbox::in_process);
        self.generations.insert(number, Live { generation, events, sandbox });
        self.begin(number, Errand::Create, self.settings.start_timeout_ms, ctx);
        Ok(number)
    }

    /// Takes what a generation says, on its threads: answers to the lane, everything else here.
    fn listener(&self, number: u64, events: mpsc::Sender<Event>) -> Outward {
        let lane = Arc::downgrade(&self.lane);
        Box::new(move |frame| {
            let Some(lane) = Weak::upgrade(&lane) else { return false };
            let event = if frame.tag == Tag::Reply {
                let Some((errand, answer)) = lane.replied(number, frame) else { return true };
                Event::Done(errand, answer)
            } else if frame.tag == Tag::Log {
                let trace = lane.trace_of(number, frame.call);
                Event::Log(frame, trace)
            } else {
                Event::Frame(frame)
            };
            events.blocking_send(event).is_ok()
        })
    }

    /// The child says how it is confined, before any code of the library runs in it.
    pub(super) fn confined(&mut self, number: u64, report: &Frame) {
        let Some(live) = self.generations.get_mut(&number).filter(|live| live.sandbox.is_none()) else { return };
        let Ok(sandbox) = serde_json::from_slice::<Sandbox>(&report.payload) else { return };
        for (wall, stands) in sandbox.walls() {
            if *stands != Protection::InForce {
                tracing::warn!(plugin = self.id, wall, "the plugin is less confined than it could be: {stands}");
            }
        }
        live.sandbox = Some(sandbox);
    }

    /// The library must say the same of itself as when it was inspected.
    pub(super) fn greeted(&mut self, number: u64, hello: &Frame, ctx: &mut Context<Self>) {
        let Some(generation) = self.generation(number) else { return };
        let said = serde_json::from_slice(&hello.payload);
        if said.is_ok_and(|said: consilium_plugin_contract::Manifest| said == *generation.build.manifest) {
            let config = generation.build.config.clone();
            self.send(number, Frame::new(Tag::Create, 0, config));
        } else {
            self.stop(number, "its manifest changed since it was inspected".to_owned(), ctx);
        }
    }

    /// The instance is there, or will not be.
    pub(super) fn created(&mut self, number: u64, answer: Answer, ctx: &mut Context<Self>) {
        match answer {
            Ok(_) if self.is_candidate(number) => self.ask_health(number, ctx),
            Ok(_) if self.current == Some(number) && self.phase == Phase::Starting => {
                let pid = self.generation(number).and_then(|generation| generation.link.pid());
                tracing::info!(plugin = self.id, pid, generation = number, "plugin runs");
                self.phase = Phase::Running;
                self.lane.open(number);
                self.ready.clear();
                self.check_health(ctx);
            }
            Ok(_) => {}
            Err(error) if error.retryable() => self.gone(number, error.to_string(), ctx),
            Err(error) => self.stop(number, error.to_string(), ctx),
        }
    }

    /// A generation is gone, or as good as gone.
    pub(super) fn gone(&mut self, number: u64, how: String, ctx: &mut Context<Self>) {
        if self.is_candidate(number) {
            return self.reject(how, ctx);
        }
        let served = self.current == Some(number);
        if !served {
            tracing::warn!(plugin = self.id, generation = number, "a replaced generation ended early: {how}");
        }
        let draining = self.phase == Phase::Draining;
        self.discard(number, &how, ctx);
        if served && !draining {
            self.crashed(how, ctx);
        }
    }

    /// The generation that served is gone.
    fn crashed(&mut self, how: String, ctx: &mut Context<Self>) {
        tracing::warn!(plugin = self.id, "plugin crashed: {how}");
        self.ledger.note("plugin_crashed", json!({"how": how, "generation": self.number}));
        self.lane.complain(how);
        match self.crashes.record(Instant::now()) {
            Verdict::Quarantine => self.quarantine("it crashes again and again", ctx),
            Verdict::RestartAfter(wait) => {
                self.phase = Phase::Starting;
                self.lane.shut();
                self.restarts += 1;
                metrics::counter!("consilium_plugin_restarts_total", "plugin" => self.id.clone()).increment(1);
                ctx.run_later(wait, |supervisor, ctx| {
                    if supervisor.phase == Phase::Starting && supervisor.current.is_none() {
                        supervisor.start(ctx);
                    }
                });
            }
        }
    }

    /// Serves no more until an operator resumes it.
    pub(super) fn quarantine(&mut self, why: &str, ctx: &mut Context<Self>) {
        let last_error = self.lane.tally().0.last_error;
        tracing::error!(plugin = self.id, last_error, "plugin quarantined: {why}");
        metrics::counter!("consilium_plugin_quarantines_total", "plugin" => self.id.clone()).increment(1);
        self.ledger.note("plugin_quarantined", json!({"why": why, "last_error": last_error}));
        self.phase = Phase::Quarantined;
        self.lane.close(&CallError::Quarantined);
        if let Some(number) = self.current {
            self.discard(number, why, ctx);
        }
        let message = format!("{why}: {}", last_error.unwrap_or_default());
        self.alert = Some(Alert::new("plugin_quarantined", message, self.services.clock().now()));
        self.show_quarantine(true);
        self.ready.clear();
    }

    /// Starts again with a clean record, if it is in quarantine.
    pub(super) fn resume(&mut self, ctx: &mut Context<Self>) -> bool {
        if self.phase != Phase::Quarantined {
            return false;
        }
        tracing::info!(plugin = self.id, "plugin resumed");
        self.ledger.note("plugin_resumed", json!({}));
        self.clean_record();
        self.start(ctx);
        true
    }

    /// What it did before counts no more.
    pub(super) fn clean_record(&mut self) {
        self.crashes.forget();
        self.abandoned = 0;
        self.alert = None;
        self.show_quarantine(false);
    }

    pub(super) fn show_quarantine(&self, on: bool) {
        metrics::gauge!("consilium_plugin_quarantined", "plugin" => self.id.clone()).set(f64::from(u8::from(on)));
    }

    /// A generation cannot serve, and starting it again would change nothing.
    pub(super) fn stop(&mut self, number: u64, why: String, ctx: &mut Context<Self>) {
        if self.is_candidate(number) {
            return self.reject(why, ctx);
        }
        if self.current != Some(number) {
            return self.discard(number, &why, ctx);
        }
        tracing::error!(plugin = self.id, "plugin stopped: {why}");
        self.alert = Some(Alert::new("plugin_stopped", why.clone(), self.services.clock().now()));
        self.phase = Phase::Stopped;
        self.lane.close(&CallError::Stopped);
        self.discard(number, &why, ctx);
        self.lane.complain(why);
        self.end();
    }

    /// Takes no more calls; ends when the running ones are over or the time for them is.
    pub(super) fn shut_down(&mut self, ctx: &mut Context<Self>) {
        self.reject("the host is shutting down".to_owned(), ctx);
        self.lane.close(&CallError::Stopped);
        let running = self.phase == Phase::Running;
        self.phase = Phase::Draining;
        match self.current {
            Some(number) if running => self.retire(number, ctx),
            Some(number) => self.discard(number, "the host is shutting down", ctx),
            None => self.end_if_last(),
        }
    }

    /// Ends a generation that gets no more calls, once it is done with those it has.
    pub(super) fn retire(&self, number: u64, ctx: &mut Context<Self>) {
        let emptied = Arc::clone(&self.lane).emptied(number);
        let limit = millis(self.settings.drain_timeout_ms);
        let emptied = async move { tokio::time::timeout(limit, emptied).await.is_ok() };
        ctx.spawn(emptied.into_actor(self).map(move |emptied, supervisor, ctx| {
            if emptied {
                // Without calls it may destroy itself; `Drained` follows.
                let grace = supervisor.settings.cancel_grace_ms;
                supervisor.send(number, Frame::new(Tag::Drain, grace, Vec::new()));
                ctx.run_later(millis(grace * 2), move |supervisor, ctx| supervisor.discard(number, "it ended", ctx));
            } else {
                tracing::warn!(plugin = supervisor.id, generation = number, "calls did not finish in the drain time");
                supervisor.discard(number, "it was ended before the call returned", ctx);
            }
        }));
    }

    /// Forgets a generation. Its process is killed; its threads go on unheard, and its library stays
    /// loaded, because unloading one is unsound.
    pub(super) fn discard(&mut self, number: u64, why: &str, ctx: &mut Context<Self>) {
        self.lane.fail(number, why);
        if let Some(live) = self.generations.remove(&number) {
            ctx.cancel_future(live.events);
        }
        if self.current == Some(number) {
            self.current = None;
            self.health = None;
        }
        self.end_if_last();
    }

    fn end_if_last(&mut self) {
        if self.phase == Phase::Draining && self.generations.is_empty() {
            self.end();
        }
    }

    fn end(&mut self) {
        self.phase = Phase::Stopped;
        self.ready.clear();
        // Dropping the senders wakes those who wait.
        self.ended.clear();
    }
}
