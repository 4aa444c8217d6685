//! The actor of one channel: claims as many messages as may be sent besides those that are on their way, is started anew
//! when it dies, and ends with the server. One that takes long holds up no other.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use consilium_runtime::Shutdown;
use tokio::{
    sync::Notify,
    task::{JoinError, JoinSet},
};

use crate::notifier::{Held, Notifier};

/// Asks for this many messages to deliver; answers how many were looked at, and those that are right.
#[derive(Message)]
#[rtype(result = "consilium_db::Result<(usize, Vec<Held>)>")]
struct Claim(usize);

struct NotifierActor(Arc<Notifier>);

impl Actor for NotifierActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // One claim runs, one may wait.
        context.set_mailbox_capacity(1);
    }
}

impl Handler<Claim> for NotifierActor {
    type Result = AtomicResponse<Self, consilium_db::Result<(usize, Vec<Held>)>>;

    fn handle(&mut self, Claim(limit): Claim, _: &mut Self::Context) -> Self::Result {
        let notifier = self.0.clone();
        AtomicResponse::new(Box::pin(async move { notifier.claim_due(limit).await }.into_actor(self)))
    }
}

impl Notifier {
    /// Sends what is due, every tick and when `wake` says so, until the server ends; what is on its way then is
    /// finished first. Must run inside an actor system.
    pub async fn run(self: Arc<Self>, wake: Arc<Notify>, mut shutdown: Shutdown) {
        let mut actor = NotifierActor(self.clone()).start();
        let mut sending = JoinSet::new();
        let mut failures = 0_u32;
        loop {
            let free = self.concurrency.saturating_sub(sending.len());
            let pause = match actor.send(Claim(free)).await {
                Ok(Ok((0, _))) => {
                    failures = 0;
                    self.tick
                }
                Ok(Ok((_, held))) => {
                    for held in held {
                        let this = self.clone();
                        sending.spawn(async move { this.deliver(held).await });
                    }
                    Duration::ZERO
                }
                Ok(Err(error)) => {
                    failures += 1;
                    tracing::warn!(%error, "deliveries could not be claimed");
                    self.tick * 2_u32.saturating_pow(failures.min(6))
                }
                Err(_) => {
                    failures += 1;
                    metrics::counter!("consilium_notifier_restarts").increment(1);
                    tracing::error!("a notifier died and is started anew");
                    actor = NotifierActor(self.clone()).start();
                    self.tick * 2_u32.saturating_pow(failures.min(6))
                }
            };
            tokio::select! {
                biased;
                () = shutdown.requested() => break,
                Some(over) = sending.join_next(), if failures == 0 => tell(over),
                () = tokio::time::sleep(pause) => {}
                () = wake.notified(), if failures == 0 => {}
            }
        }
        while let Some(over) = sending.join_next().await {
            tell(over);
        }
    }
}

/// Says when a delivery died. Its claim runs out, and it is tried again.
fn tell(over: Result<(), JoinError>) {
    if over.is_err() {
        tracing::error!("a delivery died on its way and is tried again");
    }
}
