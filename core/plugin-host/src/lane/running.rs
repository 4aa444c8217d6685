//! What runs in a plugin: answered, over time, or gone with it.

use super::{
    Answer, Lane, State,
    outcome::{count, judge, outcome},
    turn::Told,
};
use crate::{
    CallError,
    border::{A_MOMENT, Frame, Tag},
    trace::{self, Trace},
};
use futures_util::future::AbortHandle;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Host services that one call may wait for at the same time.
const MAX_HOST_CALLS: usize = 16;
/// The id under which the instance is created.
const CREATE: u64 = 0;

/// Something that runs in the plugin.
pub(super) struct Running {
    purpose: Purpose,
    since: Instant,
    limit: Duration,
    /// Nobody waits for it any more; it has a moment to return.
    cancelled: bool,
    /// The trace of whoever asks.
    asked_in: Option<Trace>,
    /// The step of that trace that it is, for its log lines and outgoing requests: once it has any.
    trace: Option<Trace>,
    /// Host services it waits for.
    host_calls: HashMap<u64, AbortHandle>,
}

enum Purpose {
    Errand(Errand),
    Call(&'static str, Option<oneshot::Sender<Answer>>),
}

/// What the supervisor itself has a plugin do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    Create,
    Health,
}

/// Something whose time is over: it was told so and has the grace to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overdue {
    pub(crate) generation: u64,
    pub(crate) id: u64,
    pub(crate) errand: Option<Errand>,
}

/// Whether a host service may be used.
pub(crate) enum Serve {
    /// As part of the call's trace.
    Yes(Trace),
    /// Its call is over.
    Over,
    TooMany,
}

impl Running {
    fn new(purpose: Purpose, limit: Duration) -> Self {
        let (since, asked_in) = (Instant::now(), trace::current());
        Self { purpose, since, limit, cancelled: false, asked_in, trace: None, host_calls: HashMap::new() }
    }

    fn trace(&mut self) -> Trace {
        let asked_in = self.asked_in;
        *self.trace.get_or_insert_with(|| asked_in.map_or_else(Trace::begin, |trace| trace.child()))
    }

    pub(super) fn call(method: &'static str, reply: oneshot::Sender<Answer>, limit: Duration) -> Self {
        Self::new(Purpose::Call(method, Some(reply)), limit)
    }

    fn takes_a_seat(&self) -> bool {
        matches!(self.purpose, Purpose::Call(..))
    }

    fn abort_host_calls(&mut self) {
        for (_, host_call) in self.host_calls.drain() {
            host_call.abort();
        }
    }
}

impl Lane {
    /// Begins the time of an errand and answers its id; outside of the bulkhead. None when the same
    /// errand runs already.
    pub(crate) fn begin(&self, generation: u64, errand: Errand, limit: Duration) -> Option<u64> {
        let mut state = self.state();
        let runs = |(key, running): (&(u64, u64), &Running)| {
            key.0 == generation && matches!(running.purpose, Purpose::Errand(other) if other == errand)
        };
        if state.running.iter().any(runs) {
            return None;
        }
        let id = match errand {
            Errand::Create => CREATE,
            Errand::Health => {
                state.next_id += 1;
                state.next_id - 1
            }
        };
        state.running.insert((generation, id), Running::new(Purpose::Errand(errand), limit));
        Some(id)
    }

    /// The plugin has answered. An errand's answer is for the supervisor.
    pub(crate) fn replied(self: &Arc<Self>, generation: u64, frame: Frame) -> Option<(Errand, Answer)> {
        let answer = judge(frame.code, frame.payload);
        let mut state = self.state();
        let mut running = state.running.remove(&(generation, frame.id))?;
        running.abort_host_calls();
        let (method, reply) = match running.purpose {
            Purpose::Errand(errand) => return (!running.cancelled).then_some((errand, answer)),
            Purpose::Call(method, reply) => (method, reply),
        };
        let took = running.since.elapsed();
        match took < A_MOMENT {
            true => state.swift.insert(method),
            false => state.swift.remove(method),
        };
        let mut spoken = None;
        if let Some(reply) = reply {
            let fault = answer.as_ref().err().filter(|error| error.is_fault());
            if let Some(error) = fault {
                state.tally.failures += 1;
                state.tally.last_error = Some(format!("{method}: {error}"));
            }
            let (good, now) = (fault.is_none(), Instant::now());
            let asked = state.rests.learn(method, &answer, now);
            state.breaker.record(frame.id, good, asked, now);
            spoken = Some((reply, answer));
        }
        state.vacate(generation, running.cancelled);
        let told = self.let_in(&mut state);
        drop(state);
        if let Some((reply, answer)) = spoken {
            let outcome = answer.as_ref().err().map_or("ok", outcome).to_owned();
            let _ = reply.send(answer);
            count(&self.plugin, method, &outcome);
            metrics::histogram!("consilium_plugin_call_seconds", "plugin" => self.plugin.clone()).record(took);
        }
        told.deliver();
        None
    }

    /// Looks after what takes too long: answers those who wait, tells the plugin, and says what has
    /// only its grace left. Also answers when to look again.
    pub(crate) fn sweep(self: &Arc<Self>) -> (Vec<Overdue>, Instant) {
        self.catch_up();
        let now = Instant::now();
        let mut state = self.state();
        let too_long = |since: Instant| now.duration_since(since) >= self.call_limit;
        let mut told = Vec::new();
        while state.waiting.front().is_some_and(|waiting| too_long(waiting.since)) {
            told.extend(state.waiting.pop_front().map(|waiting| (waiting.turn, Err(CallError::Busy))));
        }
        let late = |running: &Running| !running.cancelled && now.duration_since(running.since) >= running.limit;
        let late: Vec<_> = state.running.iter().filter(|(_, running)| late(running)).map(|(key, _)| *key).collect();
        let overdue = late.into_iter().filter_map(|key| self.expire(&mut state, key, now)).collect();
        let running = state.running.values().filter(|running| !running.cancelled);
        let next = running.map(|running| running.since + running.limit);
        let next = next.chain(state.waiting.front().map(|waiting| waiting.since + self.call_limit));
        // Whatever comes from now on has at least this long.
        let next = next.fold(now + self.call_limit, Instant::min);
        drop(state);
        Told(told).deliver();
        (overdue, next)
    }

    /// The time is over: nobody waits any more, and the plugin is told.
    fn expire(&self, state: &mut State, (generation, id): (u64, u64), now: Instant) -> Option<Overdue> {
        let running = state.running.get_mut(&(generation, id))?;
        running.cancelled = true;
        running.abort_host_calls();
        let (errand, what) = match &mut running.purpose {
            Purpose::Errand(Errand::Create) => (Some(Errand::Create), "the plugin did not start in time".to_owned()),
            Purpose::Errand(Errand::Health) => (Some(Errand::Health), "plugin.health: no answer in time".to_owned()),
            Purpose::Call(method, reply) => {
                let method = *method;
                if let Some(reply) = reply.take() {
                    let _ = reply.send(Err(CallError::Timeout));
                }
                state.tally.failures += 1;
                state.breaker.record(id, false, Duration::ZERO, now);
                count(&self.plugin, method, "timeout");
                (None, format!("{method} did not answer in time"))
            }
        };
        state.tally.last_error = Some(what);
        let post = state.post(generation)?;
        post.cancelled += usize::from(errand.is_none());
        post.generation.link.send(Frame::new(Tag::Cancel, id, Vec::new()));
        Some(Overdue { generation, id, errand })
    }

    /// Whether something overdue still runs. If it does its process is killed as soon as its other
    /// calls are over.
    pub(crate) fn doom(&self, Overdue { generation, id, .. }: Overdue) -> bool {
        self.catch_up();
        let mut state = self.state();
        let runs = state.running.contains_key(&(generation, id));
        if runs && let Some(post) = state.post(generation) {
            post.doomed = true;
            post.end_doomed();
        }
        runs
    }

    /// Whether something overdue still ran on a thread. If it did the thread is left to itself.
    pub(crate) fn abandon(self: &Arc<Self>, Overdue { generation, id, .. }: Overdue) -> bool {
        let mut state = self.state();
        let Some(running) = state.running.remove(&(generation, id)) else { return false };
        if running.takes_a_seat() {
            state.vacate(generation, running.cancelled);
        }
        let told = self.let_in(&mut state);
        drop(state);
        told.deliver();
        true
    }

    /// A generation is gone, and so is every call that ran in it. Turns that were given are worthless.
    pub(crate) fn fail(&self, generation: u64, how: &str) {
        let now = Instant::now();
        let mut state = self.state();
        let Some(at) = state.posts.iter().position(|post| post.generation.number == generation) else { return };
        let post = state.posts.swap_remove(at);
        post.empty.notify_one();
        let gone: Vec<_> = state.running.extract_if(|key, _| key.0 == generation).collect();
        for ((_, id), mut running) in gone {
            running.abort_host_calls();
            post.generation.link.send(Frame::new(Tag::Cancel, id, Vec::new()));
            if let Purpose::Call(method, Some(reply)) = running.purpose {
                state.tally.failures += 1;
                state.breaker.record(id, false, Duration::ZERO, now);
                count(&self.plugin, method, "plugin_crashed");
                let _ = reply.send(Err(CallError::Crashed(how.to_owned())));
            }
        }
        drop(state);
        post.generation.link.kill();
    }

    /// Lets a host service run on behalf of a call, if that still runs.
    pub(crate) fn host_call(&self, generation: u64, call: u64, id: u64, abort: AbortHandle) -> Serve {
        let mut state = self.state();
        match state.running.get_mut(&(generation, call)).filter(|running| !running.cancelled) {
            None => Serve::Over,
            Some(running) if running.host_calls.len() >= MAX_HOST_CALLS => Serve::TooMany,
            Some(running) => {
                running.host_calls.insert(id, abort);
                Serve::Yes(running.trace())
            }
        }
    }

    /// The trace that a running call belongs to.
    pub(crate) fn trace_of(&self, generation: u64, call: u64) -> Option<Trace> {
        self.state().running.get_mut(&(generation, call)).map(Running::trace)
    }

    /// A host service is done; whether its call still waits for it.
    pub(crate) fn host_called(&self, generation: u64, call: u64, id: u64) -> bool {
        let mut state = self.state();
        let running = state.running.get_mut(&(generation, call));
        running.is_some_and(|running| running.host_calls.remove(&id).is_some())
    }
}
