//! Calls: let in, started, timed, answered.

use super::{
    Invoke, Phase, Supervisor, Timer,
    outcome::{Answer, count, judge, outcome},
};
use crate::{
    CallError, Isolation,
    border::{Frame, Tag},
    config::millis,
    trace::Trace,
};
use actix::{AsyncContext as _, Context};
use consilium_plugin_contract::{Call as _, Health, HealthCheck, HealthStatus};
use std::{collections::HashMap, time::Instant};
use tokio::sync::oneshot;

/// The id under which the instance is created.
pub(super) const CREATE: u64 = 0;

/// A call that waits for its turn.
pub(super) struct Pending {
    id: u64,
    call: Invoke,
    reply: oneshot::Sender<Answer>,
    timer: Timer,
}

/// A call that runs in the plugin.
pub(super) struct Running {
    purpose: Purpose,
    timer: Timer,
    since: Instant,
    /// Nobody waits for it any more; it has a moment to return.
    cancelled: bool,
    /// For its log lines and outgoing requests.
    pub(super) trace: Trace,
    /// Host services it waits for.
    pub(super) host_calls: HashMap<u64, Timer>,
}

enum Purpose {
    Create,
    Health,
    Call(&'static str, Option<oneshot::Sender<Answer>>),
}

impl Supervisor {
    /// Lets a call in, or says why not.
    pub(super) fn invoke(&mut self, call: Invoke, ctx: &mut Context<Self>) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        if let Some(refusal) = self.refusal() {
            let _ = reply.send(Err(refusal));
            return answer;
        }
        let id = self.next_id;
        self.next_id += 1;
        let limit = millis(self.setup.settings.call_timeout_ms);
        let timer = ctx.run_later(limit, move |supervisor, _| supervisor.waited_too_long(id));
        self.waiting.push_back(Pending { id, call, reply, timer });
        self.start_waiting(ctx);
        answer
    }

    fn refusal(&self) -> Option<CallError> {
        match self.phase {
            Phase::Quarantined => return Some(CallError::Quarantined),
            Phase::Draining | Phase::Stopped => return Some(CallError::Stopped),
            Phase::Starting | Phase::Running => {}
        }
        if self.breaker.refuses(Instant::now()) {
            return Some(CallError::BreakerOpen);
        }
        let full = self.waiting.len() >= self.setup.settings.max_waiting;
        (full && !self.may_start()).then_some(CallError::Busy)
    }

    fn may_start(&self) -> bool {
        // A process with a call that may not return may be killed: nothing new goes there.
        let doomed = self.setup.isolation == Isolation::Process && self.running.values().any(|r| r.cancelled);
        let calls = self.running.values().filter(|running| matches!(running.purpose, Purpose::Call(..)));
        self.phase == Phase::Running && !doomed && calls.count() < self.setup.settings.max_running
    }

    /// Starts waiting calls while there is room.
    pub(super) fn start_waiting(&mut self, ctx: &mut Context<Self>) {
        while self.may_start() {
            let Some(Pending { id, call, reply, timer }) = self.waiting.pop_front() else { return };
            ctx.cancel_future(timer);
            if !self.breaker.admit(id, Instant::now()) {
                let _ = reply.send(Err(CallError::BreakerOpen));
                continue;
            }
            self.calls += 1;
            let (purpose, trace) = (Purpose::Call(call.method, Some(reply)), call.trace);
            let frame = Frame::new(Tag::Call, id, call.request).with_method(call.method);
            self.run(id, purpose, trace, self.setup.settings.call_timeout_ms, Some(frame), ctx);
        }
    }

    /// Answers every waiting call with the same error.
    pub(super) fn refuse_waiting(&mut self, error: &CallError, ctx: &mut Context<Self>) {
        for pending in self.waiting.drain(..) {
            ctx.cancel_future(pending.timer);
            let _ = pending.reply.send(Err(error.clone()));
        }
    }

    fn waited_too_long(&mut self, id: u64) {
        if let Some(at) = self.waiting.iter().position(|pending| pending.id == id)
            && let Some(pending) = self.waiting.remove(at)
        {
            let _ = pending.reply.send(Err(CallError::Busy));
        }
    }

    /// Begins the time in which the instance must be there.
    pub(super) fn expect_create(&mut self, ctx: &mut Context<Self>) {
        self.run(CREATE, Purpose::Create, Trace::begin(), self.setup.settings.start_timeout_ms, None, ctx);
    }

    /// Asks the plugin how it is, outside of the bulkhead.
    pub(super) fn check_health(&mut self, ctx: &mut Context<Self>) {
        let asked = self.running.values().any(|running| matches!(running.purpose, Purpose::Health));
        if self.phase != Phase::Running || asked {
            return;
        }
        let id = self.next_id;
        self.next_id += 1;
        let frame = Frame::new(Tag::Call, id, b"{}".to_vec()).with_method(HealthCheck::METHOD);
        self.run(id, Purpose::Health, Trace::begin(), self.setup.settings.health_timeout_ms, Some(frame), ctx);
    }

    fn run(
        &mut self,
        id: u64,
        purpose: Purpose,
        trace: Trace,
        limit_ms: u64,
        frame: Option<Frame>,
        ctx: &mut Context<Self>,
    ) {
        let generation = self.generation;
        let timer = ctx.run_later(millis(limit_ms), move |supervisor, ctx| {
            if supervisor.generation == generation {
                supervisor.expired(id, ctx);
            }
        });
        let since = Instant::now();
        self.running.insert(id, Running { purpose, timer, since, cancelled: false, trace, host_calls: HashMap::new() });
        if let Some(frame) = frame {
            self.send(frame);
        }
    }

    /// Sends to the plugin; one that does not take what it is sent is ended.
    pub(super) fn send(&self, frame: Frame) {
        if let Some(link) = &self.link
            && !link.send(frame)
        {
            link.kill();
        }
    }

    /// The time of a call is over: nobody waits any more, and it has a moment to return.
    fn expired(&mut self, id: u64, ctx: &mut Context<Self>) {
        let Some(running) = self.running.get_mut(&id) else { return };
        running.cancelled = true;
        for (_, host_call) in running.host_calls.drain() {
            ctx.cancel_future(host_call);
        }
        let what = match &mut running.purpose {
            Purpose::Create => "the plugin did not start in time".to_owned(),
            Purpose::Health => {
                self.health = Some(Health { status: HealthStatus::Down, detail: Some("no answer in time".into()) });
                "plugin.health did not answer in time".to_owned()
            }
            Purpose::Call(method, reply) => {
                if let Some(reply) = reply.take() {
                    let _ = reply.send(Err(CallError::Timeout));
                }
                self.failures += 1;
                count(&self.setup.id, method, "timeout");
                self.breaker.record(id, false, Instant::now());
                format!("{method} did not answer in time")
            }
        };
        self.last_error = Some(what);
        self.send(Frame::new(Tag::Cancel, id, Vec::new()));
        let generation = self.generation;
        ctx.run_later(millis(self.setup.settings.cancel_grace_ms), move |supervisor, ctx| {
            if supervisor.generation == generation && supervisor.running.contains_key(&id) {
                supervisor.overdue(id, ctx);
            }
        });
    }

    /// A cancelled call did not return: its process is ended, or its thread abandoned.
    fn overdue(&mut self, id: u64, ctx: &mut Context<Self>) {
        if self.setup.isolation == Isolation::Process {
            self.doomed = true;
            return self.end_doomed();
        }
        self.abandoned += 1;
        let abandoned = self.running.remove(&id);
        if self.abandoned >= self.setup.settings.max_abandoned {
            self.quarantine("its calls do not return", ctx);
        } else if matches!(abandoned, Some(Running { purpose: Purpose::Create, .. })) {
            self.crashed("the plugin did not start in time".to_owned(), ctx);
        } else {
            self.start_waiting(ctx);
        }
    }

    /// Kills a process with a call that does not return, once its other calls are over.
    fn end_doomed(&self) {
        let others = self.running.values().any(|running| !running.cancelled);
        if let Some(link) = self.link.as_ref().filter(|_| self.doomed && !others) {
            link.kill();
        }
    }

    /// A call has returned.
    pub(super) fn replied(&mut self, frame: Frame, ctx: &mut Context<Self>) {
        let Some(running) = self.running.remove(&frame.id) else { return };
        ctx.cancel_future(running.timer);
        for host_call in running.host_calls.into_values() {
            ctx.cancel_future(host_call);
        }
        let answer = judge(frame.code, frame.payload);
        match running.purpose {
            Purpose::Create => self.created(answer, ctx),
            Purpose::Health if !running.cancelled => self.healthy(answer),
            Purpose::Call(method, Some(reply)) => {
                let fault = answer.as_ref().err().filter(|error| error.is_fault());
                if let Some(error) = fault {
                    self.failures += 1;
                    self.last_error = Some(format!("{method}: {error}"));
                }
                self.breaker.record(frame.id, fault.is_none(), Instant::now());
                count(&self.setup.id, method, answer.as_ref().err().map_or("ok", outcome));
                metrics::histogram!("consilium_plugin_call_seconds", "plugin" => self.setup.id.clone())
                    .record(running.since.elapsed());
                let _ = reply.send(answer);
            }
            // Its time was over before.
            Purpose::Health | Purpose::Call(_, None) => {}
        }
        self.end_doomed();
        self.start_waiting(ctx);
        self.end_if_drained(ctx);
    }

    fn healthy(&mut self, answer: Answer) {
        let health = answer
            .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|e| CallError::InvalidAnswer(e.to_string())));
        self.health = Some(health.unwrap_or_else(|error| {
            self.last_error = Some(format!("{}: {error}", HealthCheck::METHOD));
            Health { status: HealthStatus::Down, detail: Some(error.to_string()) }
        }));
    }

    /// The plugin is gone: so is every call that ran in it.
    pub(super) fn fail_running(&mut self, how: &str, ctx: &mut Context<Self>) {
        for (id, running) in std::mem::take(&mut self.running) {
            ctx.cancel_future(running.timer);
            for host_call in running.host_calls.into_values() {
                ctx.cancel_future(host_call);
            }
            if let Purpose::Call(method, Some(reply)) = running.purpose {
                self.failures += 1;
                self.breaker.record(id, false, Instant::now());
                count(&self.setup.id, method, "plugin_crashed");
                let _ = reply.send(Err(CallError::Crashed(how.to_owned())));
            }
        }
    }

    /// Whether a host call may be made on behalf of this call.
    pub(super) fn serves(&mut self, call: u64) -> Option<&mut Running> {
        self.running.get_mut(&call).filter(|running| !running.cancelled)
    }
}
