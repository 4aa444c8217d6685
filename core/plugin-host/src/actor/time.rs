//! What takes too long: calls, errands, and health checks in between.

use super::{Phase, Supervisor};
use crate::{
    CallError, Isolation,
    border::{Frame, Tag},
    config::millis,
    lane::{Answer, Errand, Overdue},
};
use actix::{AsyncContext as _, Context};
use consilium_plugin_contract::{Call as _, Health, HealthCheck, HealthStatus};
use std::time::Instant;

impl Supervisor {
    /// Ends what is over its time, and looks again when the next thing will be.
    pub(super) fn sweep(&mut self, ctx: &mut Context<Self>) {
        if let Some(earlier) = self.sweeper.take() {
            ctx.cancel_future(earlier);
        }
        let (overdue, next) = self.lane.sweep();
        let next = next.saturating_duration_since(Instant::now());
        self.sweeper = Some(ctx.run_later(next, Self::sweep));
        for late in overdue {
            if late.errand == Some(Errand::Health) {
                self.healthy(late.generation, Err(CallError::Timeout), ctx);
            }
            ctx.run_later(millis(self.settings.cancel_grace_ms), move |supervisor, ctx| supervisor.overdue(late, ctx));
        }
    }

    /// Begins an errand's time. False when the same one runs already.
    pub(super) fn begin(&self, number: u64, errand: Errand, limit_ms: u64, ctx: &mut Context<Self>) -> Option<u64> {
        let id = self.lane.begin(number, errand, millis(limit_ms))?;
        ctx.run_later(millis(limit_ms), Self::sweep);
        Some(id)
    }

    /// What was cancelled did not return: its process is ended, or its thread abandoned.
    fn overdue(&mut self, late: Overdue, ctx: &mut Context<Self>) {
        if self.isolation == Isolation::Process {
            self.lane.doom(late);
            return;
        }
        if !self.lane.abandon(late) {
            return;
        }
        if self.current == Some(late.generation) {
            self.abandoned += 1;
            if self.abandoned >= self.settings.max_abandoned {
                return self.quarantine("its calls do not return", ctx);
            }
        }
        if late.errand == Some(Errand::Create) {
            self.gone(late.generation, "the plugin did not start in time".to_owned(), ctx);
        }
    }

    /// Asks the serving generation how it is, outside of the bulkhead.
    pub(super) fn check_health(&mut self, ctx: &mut Context<Self>) {
        if self.phase == Phase::Running
            && let Some(number) = self.current
        {
            self.ask_health(number, ctx);
        }
    }

    pub(super) fn ask_health(&self, number: u64, ctx: &mut Context<Self>) {
        if let Some(id) = self.begin(number, Errand::Health, self.settings.health_timeout_ms, ctx) {
            self.send(number, Frame::new(Tag::Call, id, b"{}".to_vec()).with_method(HealthCheck::METHOD));
        }
    }

    /// A health check was answered, or was not.
    pub(super) fn healthy(&mut self, number: u64, answer: Answer, ctx: &mut Context<Self>) {
        let health = answer.and_then(|bytes| {
            serde_json::from_slice::<Health>(&bytes).map_err(|e| CallError::InvalidAnswer(e.to_string()))
        });
        if self.is_candidate(number) {
            return self.examined(health, ctx);
        }
        if self.current == Some(number) {
            self.health = Some(health.unwrap_or_else(|error| {
                self.lane.complain(format!("{}: {error}", HealthCheck::METHOD));
                Health { status: HealthStatus::Down, detail: Some(error.to_string()) }
            }));
        }
    }
}
