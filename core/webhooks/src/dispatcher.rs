//! Serves subscriptions side by side, each with one request after the other: claim, send under a time limit, write
//! what became of it.

use std::{sync::Arc, time::Duration};

use consilium_db::{Db, Result, outbox::Fact};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, EntityRef, FacilityId};
use consilium_runtime::Shutdown;
use serde_json::json;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use crate::{
    catalogue::DISABLED,
    decide::{self, Verdict, judge},
    model::{DeliveryStatus, DisabledBecause, SubscriptionId},
    settings::WebhookSettings,
    signature::sign,
    store::{self, Attempt, Claimed, Due, Endpoint},
    transport::{Outgoing, Transport},
};

/// Deliveries read at once.
const BATCH: i64 = 20;
/// Events of a replay that are queued at once.
const REPLAY: i64 = 200;
/// How long one subscription is served before others have their turn.
const TURN: Duration = Duration::from_secs(20);
/// What a claim lasts beyond the longest turn.
const MARGIN: Duration = Duration::from_secs(30);
/// Deliveries forgotten at once.
const FORGET: i64 = 1_000;

/// Sends what is due. Any number of nodes may run one: a claim keeps two from serving the same subscription.
pub struct Dispatcher {
    db: Db,
    transport: Arc<dyn Transport>,
    settings: WebhookSettings,
    /// Whether turns end after the delivery they are at.
    ending: watch::Sender<bool>,
}

impl Dispatcher {
    pub(crate) fn new(db: Db, transport: Arc<dyn Transport>, settings: WebhookSettings) -> Self {
        Self { db, transport, settings, ending: watch::Sender::new(false) }
    }

    /// Sends what is due, every tick and whenever a turn is over, until the server ends; attempts that have begun are
    /// finished first.
    pub async fn run(self: Arc<Self>, mut shutdown: Shutdown) {
        let mut turns = JoinSet::new();
        let mut failures = 0_u32;
        loop {
            match self.begin_turns(&mut turns).await {
                Ok(_) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "webhooks could not be claimed");
                }
            }
            let pause = self.settings.tick * 2_u32.saturating_pow(failures.min(6));
            tokio::select! {
                biased;
                () = shutdown.requested() => break,
                Some(_) = turns.join_next(), if failures == 0 => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.ending.send_replace(true);
        while turns.join_next().await.is_some() {}
    }

    /// Sends everything that is due now, and returns when nothing is left.
    pub async fn send_due(self: &Arc<Self>) -> Result<()> {
        let mut turns = JoinSet::new();
        while self.begin_turns(&mut turns).await? > 0 || !turns.is_empty() {
            turns.join_next().await;
        }
        Ok(())
    }

    /// Counts what waits and forgets what is old; how many deliveries it forgot.
    pub async fn keep_house(&self) -> Result<usize> {
        let waiting = self.db.read(store::backlog).await?;
        metrics::gauge!("consilium_webhook_backlog").set(waiting as f64);
        let before = self.db.clock().now().saturating_sub(self.settings.keep).unwrap_or_default();
        let mut forgotten = 0;
        loop {
            match self.db.write(&meta(DEFAULT_FACILITY), move |tx| store::forget(tx, before, FORGET)).await? {
                0 => return Ok(forgotten),
                count => forgotten += count,
            }
        }
    }

    /// Claims as many subscriptions as may be served besides those that are, and begins to serve them.
    async fn begin_turns(self: &Arc<Self>, turns: &mut JoinSet<()>) -> Result<usize> {
        let free = self.settings.concurrency.max(1).saturating_sub(turns.len());
        // A look costs nothing; a claim is a write, which costs a disk flush.
        if free == 0 || !self.db.read(store::is_due).await? {
            return Ok(0);
        }
        let (limit, length) = (i64::try_from(free).unwrap_or(1), TURN + self.settings.timeout + MARGIN);
        let claimed = self.db.write(&meta(DEFAULT_FACILITY), move |tx| store::claim(tx, limit, length)).await?;
        let count = claimed.len();
        for claim in claimed {
            let this = self.clone();
            turns.spawn(async move { this.turn(claim).await });
        }
        Ok(count)
    }

    /// Serves one subscription for a while. When something cannot be written, the claim is left to run out.
    async fn turn(&self, claimed: Claimed) {
        let (id, facility, claim) = (claimed.id, claimed.facility, claimed.claim);
        let served = match self.serve(claimed).await {
            Ok(()) => self.db.write(&meta(facility), move |tx| store::release(tx, id, claim)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            tracing::error!(subscription = %id, %error, "a webhook subscription could not be served");
        }
    }

    async fn serve(&self, claimed: Claimed) -> Result<()> {
        let Claimed { id, facility, endpoint, replaying, claim } = claimed;
        let Some(endpoint) = endpoint else { return Err(consilium_db::Error::Sealed("a webhook's address")) };
        let began = Instant::now();
        if replaying {
            self.db.write(&meta(facility), move |tx| store::replay_page(tx, (id, facility, claim), REPLAY)).await?;
        }
        loop {
            let due = self.db.read(move |session| Claimed::next(session, id, BATCH)).await?;
            if due.is_empty() {
                return Ok(());
            }
            for due in due {
                let goes_on = self.deliver(id, facility, &endpoint, due).await?;
                if !goes_on || began.elapsed() > TURN || *self.ending.borrow() {
                    return Ok(());
                }
            }
        }
    }

    /// Makes one attempt. False when the subscription should not be bothered any more in this turn.
    async fn deliver(&self, id: SubscriptionId, facility: FacilityId, endpoint: &Endpoint, due: Due) -> Result<bool> {
        let outgoing = self.sign(endpoint, &due);
        let began = Instant::now();
        let outcome = self.transport.post(&outgoing).await;
        let (took, number) = (began.elapsed(), due.attempts + 1);
        let random = self.db.ids().next().as_u128() as u32;
        let attempt = Attempt { verdict: judge(outcome, number, random, self.db.clock().now()), number, took };
        tell(id, &due, &attempt);
        let (limit, delivery) = (self.settings.disable_after, (due.id, due.version));
        let good = attempt.verdict.status == DeliveryStatus::Delivered;
        let meta = meta(facility);
        let written = self.db.write(&meta, move |tx| {
            let now = tx.now();
            let disables = |failing| decide::disables(&attempt.verdict, failing, limit, now);
            let (settled, disabled) = store::settle(tx, id, delivery, &attempt, disables)?;
            if let Some(because) = disabled {
                let version = store::version(tx, id)?;
                tx.emit(Fact {
                    entity: entity(id),
                    version,
                    event_type: DISABLED,
                    schema: 1,
                    subject: facility.uuid(),
                    data: &json!({"subscription_id": id, "reason": because}),
                })?;
            }
            Ok((settled, disabled))
        });
        let (settled, disabled) = written.await?;
        if let Some(because) = disabled {
            alarm(id, because);
        }
        if !settled {
            tracing::warn!(delivery = %due.id, "a webhook was taken over or taken back while it was being sent");
        }
        Ok(good && settled)
    }

    /// Signs with the present secret and those that were replaced a short while ago.
    fn sign(&self, endpoint: &Endpoint, due: &Due) -> Outgoing {
        let at = self.db.clock().now();
        let previous = endpoint.previous.iter().filter(|old| old.until > at).map(|old| &old.secret);
        let id = due.event.to_string();
        let signature = sign(std::iter::once(&endpoint.secret).chain(previous), &id, at, &due.payload);
        Outgoing { id: due.event, url: endpoint.url.clone(), at, signature, body: due.payload.clone() }
    }
}

/// How events and the audit log name a subscription.
pub(crate) fn entity(id: SubscriptionId) -> EntityRef {
    EntityRef::new("webhook_subscription", id.uuid())
}

fn tell(id: SubscriptionId, due: &Due, attempt: &Attempt) {
    let Attempt { verdict: Verdict { status, error, .. }, number, .. } = attempt;
    let result: &'static str = (*status).into();
    metrics::counter!("consilium_webhook_deliveries_total", "result" => result).increment(1);
    let error = error.as_deref().unwrap_or_default();
    let (delivery, kind) = (due.id, &due.event_type);
    match status {
        DeliveryStatus::Dead => {
            tracing::error!(subscription = %id, %delivery, kind, attempts = number, error, "a webhook was given up");
        }
        DeliveryStatus::Failed => {
            tracing::warn!(subscription = %id, %delivery, kind, attempts = number, error, "a webhook failed and is put off");
        }
        _ => tracing::debug!(subscription = %id, %delivery, kind, attempts = number, "a webhook was delivered"),
    }
}

fn alarm(id: SubscriptionId, because: DisabledBecause) {
    let reason: &'static str = because.into();
    metrics::counter!("consilium_webhook_subscriptions_disabled_total", "reason" => reason).increment(1);
    tracing::error!(subscription = %id, reason, "a webhook subscription was disabled");
}

fn meta(facility: FacilityId) -> CommandMeta {
    CommandMeta::system(facility, "webhooks")
}
