//! The actor around an entity: one command at a time, and none decided on state that is being changed.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use consilium_db::Db;
use consilium_kernel::{CommandMeta, Refusal};
use tokio::{sync::oneshot, time::Instant};

use crate::entity::Entity;

/// A command on its way to its entity.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Dispatch<E: Entity> {
    pub(crate) meta: CommandMeta,
    pub(crate) command: E::Command,
    pub(crate) reply: oneshot::Sender<Result<E::Reply, Refusal>>,
}

/// Asks the actor to stop if it has had nothing to do since `idle_since`.
#[derive(Message)]
#[rtype(result = "bool")]
pub(crate) struct Passivate {
    pub(crate) idle_since: Instant,
}

pub(crate) struct EntityActor<E: Entity> {
    db: Db,
    id: E::Id,
    state: Option<Arc<E>>,
    last_used: Instant,
    mailbox: usize,
}

impl<E: Entity> EntityActor<E> {
    pub(crate) fn new(db: Db, id: E::Id, mailbox: usize) -> Self {
        Self { db, id, state: None, last_used: Instant::now(), mailbox }
    }
}

impl<E: Entity> Actor for EntityActor<E> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(self.mailbox);
        metrics::gauge!("consilium_live_entities", "kind" => E::KIND).increment(1.0);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        metrics::gauge!("consilium_live_entities", "kind" => E::KIND).decrement(1.0);
    }
}

impl<E: Entity> Handler<Dispatch<E>> for EntityActor<E> {
    // Atomic: the next message is not looked at until this one has been committed and applied.
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, message: Dispatch<E>, _: &mut Self::Context) -> Self::Result {
        self.last_used = Instant::now();
        let work = perform(self.db.clone(), self.id, self.state.take(), message.meta, message.command);
        let reply = message.reply;
        AtomicResponse::new(Box::pin(work.into_actor(self).map(|(state, outcome), actor, _| {
            actor.state = state;
            let _ = reply.send(outcome);
        })))
    }
}

impl<E: Entity> Handler<Passivate> for EntityActor<E> {
    type Result = bool;

    fn handle(&mut self, message: Passivate, context: &mut Self::Context) -> bool {
        let idle = self.last_used <= message.idle_since;
        if idle {
            context.stop();
        }
        idle
    }
}

/// How long to wait before each new try of a command whose entity another node changed meanwhile; after the last one
/// its caller hears of the conflict. Jitter, so that two nodes that meet once do not meet for ever.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(2))
        .with_max_delay(Duration::from_millis(100))
        .with_max_times(6)
        .with_jitter()
        .build()
}

/// Runs one command. State that another node changed meanwhile is loaded again and decided on once more, some times.
/// Returns the state to go on with: `None` means that it must be loaded before the next command.
async fn perform<E: Entity>(
    db: Db,
    id: E::Id,
    state: Option<Arc<E>>,
    meta: CommandMeta,
    command: E::Command,
) -> (Option<Arc<E>>, Result<E::Reply, Refusal>) {
    let (mut known, mut pauses) = (state, pauses());
    loop {
        let state = match known.take() {
            Some(state) => state,
            None => match E::load(&db, id).await {
                Ok(state) => Arc::new(state),
                Err(error) => return (None, Err(error.into())),
            },
        };
        let events = match state.decide(&command, &meta, db.clock().now()) {
            Ok(events) => events,
            Err(refusal) => return (Some(state), Err(refusal)),
        };
        let work = (state.clone(), command.clone(), events.clone());
        let committed = db.command(&meta, move |tx| work.0.commit(tx, &work.1, &work.2)).await;
        match committed {
            Ok(reply) => {
                let mut state = state;
                let changing = Arc::make_mut(&mut state);
                events.iter().for_each(|event| changing.apply(event));
                return (Some(state), Ok(reply));
            }
            Err(error) if error.is_overtaken() => {
                metrics::counter!("consilium_version_conflicts", "kind" => E::KIND).increment(1);
                let Some(pause) = pauses.next() else { return (None, Err(error.into())) };
                tokio::time::sleep(pause).await;
            }
            Err(error) => return (None, Err(error.into())),
        }
    }
}
