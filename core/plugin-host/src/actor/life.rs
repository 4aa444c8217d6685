//! A plugin's life: launched, created, crashed, restarted, quarantined, ended.

use super::{Phase, Supervisor, crashes::Verdict};
use crate::{
    CallError, Isolation,
    border::{Frame, Link, Protection, Sandbox, Tag},
    config::millis,
};
use actix::{AsyncContext as _, Context, StreamHandler};
use futures_util::{StreamExt as _, stream::poll_fn};
use std::time::Instant;

impl Supervisor {
    /// Starts the plugin; calls wait until it runs.
    pub(super) fn launch(&mut self, ctx: &mut Context<Self>) {
        self.generation += 1;
        self.phase = Phase::Starting;
        let setup = &self.setup;
        self.sandbox = (setup.isolation == Isolation::InProcess).then(Sandbox::in_process);
        match Link::start(&setup.settings, setup.isolation, &setup.id, setup.memory_mib, setup.library.clone()) {
            Ok((link, mut events)) => {
                self.link = Some(link);
                let generation = self.generation;
                let events = poll_fn(move |task| events.poll_recv(task)).map(move |event| (generation, event));
                Self::add_stream(events, ctx);
                self.expect_create(ctx);
            }
            Err(e) => self.crashed(format!("no process could be started: {e}"), ctx),
        }
    }

    /// Takes a frame of the present plugin.
    pub(super) fn heard(&mut self, frame: Frame, ctx: &mut Context<Self>) {
        match frame.tag {
            Tag::Confined if self.sandbox.is_none() => self.confined(&frame),
            Tag::Hello if self.phase == Phase::Starting => self.greeted(&frame, ctx),
            Tag::Refused => self.stop(String::from_utf8_lossy(&frame.payload).into_owned(), ctx),
            Tag::Reply => self.replied(frame, ctx),
            Tag::HostCall => self.serve(frame, ctx),
            Tag::Log => self.log(&frame),
            Tag::Drained if self.phase == Phase::Draining => self.end(ctx),
            // What only a host says, or what comes at the wrong time.
            _ => {}
        }
    }

    /// The child says how it is confined, before any code of the library runs in it.
    fn confined(&mut self, report: &Frame) {
        let Ok(sandbox) = serde_json::from_slice::<Sandbox>(&report.payload) else { return };
        for (wall, stands) in sandbox.walls() {
            if *stands != Protection::InForce {
                tracing::warn!(plugin = self.setup.id, wall, "the plugin is less confined than it could be: {stands}");
            }
        }
        self.sandbox = Some(sandbox);
    }

    /// The library must say the same of itself as when it was inspected.
    fn greeted(&mut self, hello: &Frame, ctx: &mut Context<Self>) {
        let said = serde_json::from_slice(&hello.payload);
        if said.is_ok_and(|said: consilium_plugin_contract::Manifest| said == *self.setup.manifest) {
            self.send(Frame::new(Tag::Create, 0, self.setup.config.clone()));
        } else {
            self.stop("its manifest changed since it was inspected".to_owned(), ctx);
        }
    }

    /// The instance is there, or will not be.
    pub(super) fn created(&mut self, answer: Result<Vec<u8>, CallError>, ctx: &mut Context<Self>) {
        match answer {
            Ok(_) => {
                tracing::info!(plugin = self.setup.id, pid = self.link.as_ref().and_then(Link::pid), "plugin runs");
                self.phase = Phase::Running;
                self.ready.clear();
                self.check_health(ctx);
            }
            Err(error) if error.retryable() => self.crashed(error.to_string(), ctx),
            Err(error) => self.stop(error.to_string(), ctx),
        }
    }

    /// The plugin is gone, or as good as gone.
    pub(super) fn crashed(&mut self, how: String, ctx: &mut Context<Self>) {
        let stopping = matches!(self.phase, Phase::Draining | Phase::Stopped | Phase::Quarantined);
        self.leave(&how, ctx);
        if stopping {
            return self.end(ctx);
        }
        tracing::warn!(plugin = self.setup.id, "plugin crashed: {how}");
        self.last_error = Some(how);
        match self.crashes.record(Instant::now()) {
            Verdict::Quarantine => self.quarantine("it crashes again and again", ctx),
            Verdict::RestartAfter(wait) => {
                self.phase = Phase::Starting;
                self.restarts += 1;
                metrics::counter!("consilium_plugin_restarts_total", "plugin" => self.setup.id.clone()).increment(1);
                let generation = self.generation;
                ctx.run_later(wait, move |supervisor, ctx| {
                    if supervisor.phase == Phase::Starting && supervisor.generation == generation {
                        supervisor.launch(ctx);
                    }
                });
            }
        }
    }

    /// Serves no more until an operator resumes it.
    pub(super) fn quarantine(&mut self, why: &str, ctx: &mut Context<Self>) {
        tracing::error!(plugin = self.setup.id, last_error = self.last_error, "plugin quarantined: {why}");
        metrics::counter!("consilium_plugin_quarantines_total", "plugin" => self.setup.id.clone()).increment(1);
        self.leave(why, ctx);
        self.phase = Phase::Quarantined;
        self.ready.clear();
        self.refuse_waiting(&CallError::Quarantined, ctx);
    }

    /// Starts again with a clean record.
    pub(super) fn resume(&mut self, ctx: &mut Context<Self>) {
        if self.phase == Phase::Quarantined {
            self.crashes.forget();
            self.abandoned = 0;
            self.launch(ctx);
        }
    }

    /// It cannot serve, and starting it again would change nothing.
    fn stop(&mut self, why: String, ctx: &mut Context<Self>) {
        tracing::error!(plugin = self.setup.id, "plugin stopped: {why}");
        self.leave(&why, ctx);
        self.last_error = Some(why);
        self.end(ctx);
    }

    /// Takes no more calls; ends when the running ones are over or the time for them is.
    pub(super) fn shut_down(&mut self, ctx: &mut Context<Self>) {
        self.refuse_waiting(&CallError::Stopped, ctx);
        if self.phase != Phase::Running {
            self.leave("the host is shutting down", ctx);
            return self.end(ctx);
        }
        self.phase = Phase::Draining;
        let limit = millis(self.setup.settings.drain_timeout_ms);
        ctx.run_later(limit, |supervisor, ctx| supervisor.end(ctx));
        self.end_if_drained(ctx);
    }

    /// Tells a plugin without calls to destroy itself.
    pub(super) fn end_if_drained(&mut self, ctx: &mut Context<Self>) {
        if self.phase == Phase::Draining && self.running.is_empty() {
            let grace = self.setup.settings.cancel_grace_ms;
            self.send(Frame::new(Tag::Drain, grace, Vec::new()));
            ctx.run_later(millis(grace * 2), |supervisor, ctx| supervisor.end(ctx));
        }
    }

    fn end(&mut self, ctx: &mut Context<Self>) {
        self.leave("the host is shutting down", ctx);
        self.refuse_waiting(&CallError::Stopped, ctx);
        self.phase = Phase::Stopped;
        self.ready.clear();
        // Dropping the senders wakes those who wait.
        self.ended.clear();
    }

    /// Cuts the connection. Closing the socket ends a child; threads go on unheard.
    fn leave(&mut self, why: &str, ctx: &mut Context<Self>) {
        self.generation += 1;
        self.doomed = false;
        self.health = None;
        if let Some(link) = self.link.take() {
            for call in self.running.keys() {
                link.send(Frame::new(Tag::Cancel, *call, Vec::new()));
            }
            link.kill();
        }
        self.fail_running(why, ctx);
    }
}
