//! A call's turn: admitted at once, after waiting in line, or not at all.

use super::{Answer, Door, Lane, State, running::Running};
use crate::{
    CallError, Isolation,
    border::{Frame, Tag},
    generation::Generation,
    services::Grant,
};
use consilium_plugin_contract::Manifest;
use std::{sync::Arc, time::Instant};
use tokio::sync::oneshot;

/// A call in line.
pub(super) struct Waiting {
    pub(super) since: Instant,
    pub(super) turn: oneshot::Sender<Outcome>,
}

/// A turn, or why there will be none.
type Outcome = Result<Turn, CallError>;

/// A seat in a generation, for one call. Given back when it is dropped unused.
pub(crate) struct Turn {
    lane: Arc<Lane>,
    generation: Arc<Generation>,
    call: u64,
    used: bool,
}

/// What those who waited are told, after the lock is released: a turn that nobody takes is given
/// back, for which the lock is needed.
#[must_use]
pub(super) struct Told(pub(super) Vec<(oneshot::Sender<Outcome>, Outcome)>);

impl Told {
    pub(super) fn deliver(self) {
        for (turn, outcome) in self.0 {
            let _ = turn.send(outcome);
        }
    }
}

impl Lane {
    /// Waits for a seat: none is taken by whoever comes later.
    pub(crate) async fn turn(self: &Arc<Self>, method: &str) -> Outcome {
        let turn = match self.ask(method) {
            Asked::Now(outcome) => return outcome,
            Asked::Later(turn) => turn,
        };
        turn.await.unwrap_or(Err(CallError::Stopped))
    }

    fn ask(self: &Arc<Self>, method: &str) -> Asked {
        let now = Instant::now();
        let mut state = self.state();
        if let Door::Closed(error) = &state.door {
            return Asked::Now(Err(error.clone()));
        }
        if let Some(error) = state.rests.refuses(method, now) {
            return Asked::Now(Err(error));
        }
        if state.breaker.refuses(now) {
            return Asked::Now(Err(CallError::BreakerOpen));
        }
        if state.waiting.is_empty()
            && let Some(generation) = state.has_room(self)
        {
            return Asked::Now(self.admit(&mut state, generation, now));
        }
        if state.waiting.len() >= self.max_waiting {
            // Callers that went away still stand in line.
            state.waiting.retain(|waiting| !waiting.turn.is_closed());
            if state.waiting.len() >= self.max_waiting {
                return Asked::Now(Err(CallError::Busy));
            }
        }
        let (turn, asked) = oneshot::channel();
        state.waiting.push_back(Waiting { since: now, turn });
        Asked::Later(asked)
    }

    /// Gives waiting calls their turn while there is room, in the order in which they came.
    pub(super) fn let_in(self: &Arc<Self>, state: &mut State) -> Told {
        let mut told = Vec::new();
        while !state.waiting.is_empty()
            && let Some(generation) = state.has_room(self)
        {
            let Some(Waiting { turn, .. }) = state.waiting.pop_front() else { break };
            if !turn.is_closed() {
                told.push((turn, self.admit(state, generation, Instant::now())));
            }
        }
        Told(told)
    }

    fn admit(self: &Arc<Self>, state: &mut State, generation: Arc<Generation>, now: Instant) -> Outcome {
        let call = state.next_id;
        state.next_id += 1;
        if !state.breaker.admit(call, now) {
            return Err(CallError::BreakerOpen);
        }
        if let Some(post) = state.post(generation.number) {
            post.seats += 1;
        }
        Ok(Turn { lane: Arc::clone(self), generation, call, used: false })
    }

    fn give_back(self: &Arc<Self>, number: u64, call: u64) {
        let mut state = self.state();
        state.breaker.withdraw(call, Instant::now());
        state.vacate(number, false);
        let told = self.let_in(&mut state);
        drop(state);
        told.deliver();
    }
}

enum Asked {
    Now(Outcome),
    Later(oneshot::Receiver<Outcome>),
}

impl State {
    /// The generation that serves, if it may take one more call.
    fn has_room(&mut self, lane: &Lane) -> Option<Arc<Generation>> {
        let Door::Open(number) = self.door else { return None };
        let post = self.post(number)?;
        // A process with a call that may not return may be killed: nothing new goes there.
        let doomed = lane.isolation == Isolation::Process && (post.cancelled > 0 || post.doomed);
        (!doomed && post.seats < lane.max_running).then(|| Arc::clone(&post.generation))
    }
}

impl Turn {
    /// What the generation that will serve the call may see.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.generation.build.manifest
    }

    /// What the generation that would serve the call may do.
    pub(crate) fn grant(&self) -> Arc<Grant> {
        Arc::clone(&self.generation.build.grant)
    }

    /// Sends the call. None when its generation ended meanwhile: it was not sent, and needs another turn.
    pub(crate) fn send(mut self, method: &'static str, request: Vec<u8>) -> Option<oneshot::Receiver<Answer>> {
        let number = self.generation.number;
        let (reply, answer) = oneshot::channel();
        let swift = {
            let mut state = self.lane.state();
            state.post(number)?;
            state.tally.calls += 1;
            let running = Running::call(method, reply, self.lane.call_limit);
            state.running.insert((number, self.call), running);
            // The seat belongs to the running call now.
            self.used = true;
            state.swift.contains(method)
        };
        // A plugin that does not take what it is sent is ended, and with it its calls.
        let frame = Frame::new(Tag::Call, self.call, request).with_method(method);
        if !self.generation.link.call(frame, swift) {
            self.generation.link.kill();
        }
        Some(answer)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.used {
            self.lane.give_back(self.generation.number, self.call);
        }
    }
}
