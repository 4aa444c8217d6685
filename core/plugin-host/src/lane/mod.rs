//! The way of calls into one plugin: who is let in, who waits, what runs, and what became of it.
//!
//! A call passes here on its caller's thread, and its answer on the thread that brings it, so that a
//! call costs no wake-up besides its own. The supervisor opens and closes the lane, says which
//! generation serves, and looks after what takes too long. One lock guards it all; nobody waits or
//! writes while holding it.

mod breaker;
mod outcome;
mod rest;
mod running;
mod turn;

pub use breaker::BreakerState;
pub(crate) use outcome::Answer;
pub use rest::Resting;
pub(crate) use running::{Errand, Overdue, Serve};

use crate::{CallError, Isolation, Settings, config::millis, generation::Generation};
use breaker::Breaker;
use consilium_plugin_contract::Manifest;
use rest::Rests;
use running::Running;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use turn::{Told, Waiting};

/// The way into one plugin.
pub(crate) struct Lane {
    plugin: String,
    isolation: Isolation,
    max_running: usize,
    max_waiting: usize,
    call_limit: Duration,
    state: Mutex<State>,
}

struct State {
    door: Door,
    /// The generation that serves, those that finish their calls, and one that is being tried.
    posts: Vec<Post>,
    waiting: VecDeque<Waiting>,
    /// By generation and call.
    running: HashMap<(u64, u64), Running>,
    breaker: Breaker,
    rests: Rests,
    /// Methods that were answered within a moment when they were last called.
    swift: HashSet<&'static str>,
    next_id: u64,
    tally: Tally,
    manifest: Arc<Manifest>,
}

/// What becomes of a call that comes now.
enum Door {
    /// This generation serves it.
    Open(u64),
    /// It waits for the next generation.
    Shut,
    Closed(CallError),
}

/// A generation's place in the lane.
struct Post {
    generation: Arc<Generation>,
    /// Calls admitted or running.
    seats: usize,
    /// Of those, calls for which nobody waits any more.
    cancelled: usize,
    /// One of them did not return: the process is killed when the others are over.
    doomed: bool,
    /// Told when the last call is over.
    empty: Arc<Notify>,
}

/// What operators see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) last_error: Option<String>,
}

impl Lane {
    pub(crate) fn new(plugin: &str, isolation: Isolation, settings: &Settings, manifest: Arc<Manifest>) -> Arc<Self> {
        Arc::new(Self {
            plugin: plugin.to_owned(),
            isolation,
            max_running: settings.max_running,
            max_waiting: settings.max_waiting,
            call_limit: millis(settings.call_timeout_ms),
            state: Mutex::new(State {
                door: Door::Shut,
                posts: Vec::new(),
                waiting: VecDeque::new(),
                running: HashMap::new(),
                breaker: Breaker::new(settings.breaker_window, millis(settings.breaker_open_ms)),
                rests: Rests::new(millis(settings.longest_rest_ms)),
                swift: HashSet::new(),
                next_id: 1,
                tally: Tally::default(),
                manifest,
            }),
        })
    }

    /// What the plugin says of itself: of the generation that serves, or served last.
    pub(crate) fn manifest(&self) -> Arc<Manifest> {
        Arc::clone(&self.state().manifest)
    }

    pub(crate) fn tally(&self) -> (Tally, BreakerState, Vec<Resting>) {
        let (state, now) = (self.state(), Instant::now());
        (state.tally.clone(), state.breaker.state(now), state.rests.list(now))
    }

    /// Remembers what went wrong last.
    pub(crate) fn complain(&self, what: impl Into<String>) {
        self.state().tally.last_error = Some(what.into());
    }

    /// A reply that its contract does not allow, found by whoever parsed it.
    pub(crate) fn misanswered(&self, reason: String) {
        let mut state = self.state();
        state.tally.failures += 1;
        state.tally.last_error = Some(reason);
    }

    /// A generation that may be given errands, but no calls yet.
    pub(crate) fn enter(&self, generation: Arc<Generation>) {
        let empty = Arc::new(Notify::new());
        self.state().posts.push(Post { generation, seats: 0, cancelled: 0, doomed: false, empty });
    }

    /// From now on this generation serves: waiting calls go to it, running ones stay where they are.
    pub(crate) fn open(self: &Arc<Self>, number: u64) {
        let mut state = self.state();
        let Some(manifest) = state.post(number).map(|post| Arc::clone(&post.generation.build.manifest)) else { return };
        state.manifest = manifest;
        state.door = Door::Open(number);
        let told = self.let_in(&mut state);
        drop(state);
        told.deliver();
    }

    /// As [`Lane::open`], for another build: what was learnt of the old one says nothing of it.
    pub(crate) fn switch(self: &Arc<Self>, number: u64) {
        let mut state = self.state();
        state.breaker.reset();
        state.rests.clear();
        drop(state);
        self.open(number);
    }

    /// Lets calls wait until a generation serves.
    pub(crate) fn shut(&self) {
        self.state().door = Door::Shut;
    }

    /// Answers every waiting call, and every later one, with this error.
    pub(crate) fn close(&self, error: &CallError) {
        let mut state = self.state();
        state.door = Door::Closed(error.clone());
        let refused = state.waiting.drain(..).map(|waiting| (waiting.turn, Err(error.clone()))).collect();
        drop(state);
        Told(refused).deliver();
    }

    /// Resolves when no call is in this generation any more.
    pub(crate) async fn emptied(self: Arc<Self>, number: u64) {
        loop {
            let empty = match self.state().post(number) {
                Some(post) if post.seats > 0 => Arc::clone(&post.empty),
                _ => return,
            };
            empty.notified().await;
        }
    }

    /// Hears replies to callers whose runtime stands still, before anybody is called late.
    fn catch_up(&self) {
        let generations: Vec<_> = self.state().posts.iter().map(|post| Arc::clone(&post.generation)).collect();
        generations.iter().for_each(|generation| generation.link.collect());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn post(&mut self, number: u64) -> Option<&mut Post> {
        self.posts.iter_mut().find(|post| post.generation.number == number)
    }

    /// A seat is free again.
    fn vacate(&mut self, number: u64, was_cancelled: bool) {
        if let Some(post) = self.post(number) {
            post.seats = post.seats.saturating_sub(1);
            post.cancelled = post.cancelled.saturating_sub(usize::from(was_cancelled));
            if post.seats == 0 {
                post.empty.notify_one();
            }
            post.end_doomed();
        }
    }
}

impl Post {
    /// Kills a process with a call that does not return, once its other calls are over.
    fn end_doomed(&self) {
        if self.doomed && self.cancelled >= self.seats {
            self.generation.link.kill();
        }
    }
}
