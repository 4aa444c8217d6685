//! The actor of one channel: sends one batch at a time, is started anew when it dies, and ends with the server.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use consilium_runtime::Shutdown;
use tokio::sync::Notify;

use crate::notifier::Notifier;

/// Asks for one batch; answers how many deliveries were looked at.
#[derive(Message)]
#[rtype(result = "consilium_db::Result<usize>")]
struct SendBatch;

struct NotifierActor(Arc<Notifier>);

impl Actor for NotifierActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // One batch runs, one may wait.
        context.set_mailbox_capacity(1);
    }
}

impl Handler<SendBatch> for NotifierActor {
    type Result = AtomicResponse<Self, consilium_db::Result<usize>>;

    fn handle(&mut self, _: SendBatch, _: &mut Self::Context) -> Self::Result {
        let notifier = self.0.clone();
        AtomicResponse::new(Box::pin(async move { notifier.send_batch().await }.into_actor(self)))
    }
}

impl Notifier {
    /// Sends what is due, every tick and when `wake` says so, until the server ends; a batch that has begun is
    /// finished first. Must run inside an actor system.
    pub async fn run(self: Arc<Self>, wake: Arc<Notify>, mut shutdown: Shutdown) {
        let mut actor = NotifierActor(self.clone()).start();
        let mut failures = 0_u32;
        loop {
            let pause = match actor.send(SendBatch).await {
                Ok(Ok(0)) => {
                    failures = 0;
                    self.tick
                }
                Ok(Ok(_)) => Duration::ZERO,
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
                () = shutdown.requested() => return,
                () = tokio::time::sleep(pause) => {}
                () = wake.notified(), if failures == 0 => {}
            }
        }
    }
}
