//! Sends what is due over one channel: claim, send under a time limit, write what became of it.

use std::{sync::Arc, time::Duration};

use consilium_db::{Db, Result, Tx};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, DeliveryId, Timestamp};
use futures_util::{StreamExt, stream};

use crate::{
    announce::Announcer,
    content::Payload,
    decide::{SendError, Verdict, judge, reminder_is_right},
    model::{Channel, DeliveryStatus, Kind},
    push::Browser,
    records::Contact,
    settings::NotificationSettings,
    store::{self, Claimed},
};

/// A message on its way.
pub struct Outgoing {
    /// The delivery.
    pub id: DeliveryId,
    /// What it is about.
    pub kind: Kind,
    /// The same on every attempt; without angle brackets.
    pub message_id: String,
    /// When it was written, which is also its Date.
    pub created_at: Timestamp,
    /// When it stops being worth sending.
    pub expires_at: Timestamp,
    /// What it is about, so that what is newer about the same may take its place.
    pub entity_id: uuid::Uuid,
    /// To whom, as of now.
    pub contact: Contact,
    /// In which browser, on the channel push.
    pub browser: Option<Browser>,
    /// What it says.
    pub payload: Payload,
}

/// A way to hand a message over.
#[async_trait::async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Which channel it serves.
    fn channel(&self) -> Channel;
    /// How long handing over may take; past it the attempt counts as failed.
    fn time_limit(&self) -> Duration;
    /// Hands it over. `Ok` means that the other side has taken responsibility.
    async fn send(&self, outgoing: &Outgoing) -> Result<(), SendError>;
}

/// The notifier of one channel. Any number of nodes may run one: a claim keeps two from sending the same.
pub struct Notifier {
    pub(crate) db: Db,
    pub(crate) announcer: Announcer,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) max_attempts: i32,
    pub(crate) concurrency: usize,
    pub(crate) tick: Duration,
}

/// A claimed message and the claim.
pub(crate) struct Held {
    outgoing: Outgoing,
    attempts: i32,
    version: i64,
}

impl Notifier {
    pub(crate) fn new(
        db: Db,
        announcer: Announcer,
        transport: Arc<dyn Transport>,
        settings: &NotificationSettings,
    ) -> Self {
        Self {
            db,
            announcer,
            transport,
            max_attempts: i32::try_from(settings.max_attempts).unwrap_or(i32::MAX).max(1),
            concurrency: usize::try_from(settings.concurrency).unwrap_or(1).max(1),
            tick: Duration::from_millis(settings.poll_ms.max(10)),
        }
    }

    /// Sends everything that is due and returns how many deliveries it looked at.
    pub async fn send_due(self: &Arc<Self>) -> Result<usize> {
        let mut looked_at = 0;
        loop {
            let (count, held) = self.claim_due(self.concurrency).await?;
            if count == 0 {
                return Ok(looked_at);
            }
            looked_at += count;
            stream::iter(held).for_each_concurrent(None, |held| self.deliver(held)).await;
        }
    }

    /// Claims at most `limit` of what is due. Returns how many it looked at, and those that are to be delivered.
    pub(crate) async fn claim_due(self: &Arc<Self>, limit: usize) -> Result<(usize, Vec<Held>)> {
        let channel = self.transport.channel();
        // A look costs nothing; a claim is a write, which costs a disk flush.
        if limit == 0 || !self.db.read(move |session| store::is_due(session, channel)).await? {
            return Ok((0, Vec::new()));
        }
        let this = self.clone();
        self.db.write(&meta(), move |tx| this.claim(tx, limit)).await
    }

    fn claim(&self, tx: &mut Tx<'_>, limit: usize) -> Result<(usize, Vec<Held>)> {
        let length = self.transport.time_limit() * 2 + Duration::from_secs(30);
        let limit = i64::try_from(limit).unwrap_or(1);
        let claimed = store::claim(tx, self.transport.channel(), limit, length)?;
        let looked_at = claimed.len();
        let mut held = Vec::with_capacity(looked_at);
        for claim in claimed {
            held.extend(self.still_right(tx, claim)?);
        }
        Ok((looked_at, held))
    }

    /// Looks again, at the last moment: a reminder of something that was called off meanwhile is withdrawn.
    fn still_right(&self, tx: &mut Tx<'_>, claim: Claimed) -> Result<Option<Held>> {
        let now = tx.now();
        if claim.kind.is_reminder() {
            let told = claim.payload.content.appointment();
            let present = match told {
                Some(told) => self.announcer.records().appointment(tx, claim.facility, told.id)?,
                None => None,
            };
            if !present.is_some_and(|present| reminder_is_right(claim.kind, &present, claim.revision, now)) {
                store::withdraw(tx, claim.id)?;
                return Ok(None);
            }
        }
        let browser = match claim.subscription {
            Some(subscription) => match store::browser(tx, subscription)? {
                None => {
                    store::withdraw(tx, claim.id)?;
                    return Ok(None);
                }
                found => found,
            },
            None => None,
        };
        let contact = self.announcer.records().contact(tx, claim.recipient)?;
        let give_up = match contact {
            _ if claim.expires_at <= now => "expired",
            // The process died in every attempt: nobody was there to judge it.
            _ if claim.attempts > self.max_attempts => "lost",
            None => "no_address",
            Some(contact) => {
                let Claimed { id, kind, message_id, created_at, expires_at, entity_id, payload, .. } = claim;
                let outgoing =
                    Outgoing { id, kind, message_id, created_at, expires_at, entity_id, contact, browser, payload };
                return Ok(Some(Held { outgoing, attempts: claim.attempts, version: claim.version }));
            }
        };
        store::settle(tx, claim.id, claim.version, &Verdict::given_up(give_up, now))?;
        Ok(None)
    }

    /// Hands a message over and writes what became of it.
    pub(crate) async fn deliver(&self, held: Held) {
        let Held { outgoing, attempts, version } = held;
        let sending = self.transport.send(&outgoing);
        let outcome = tokio::time::timeout(self.transport.time_limit(), sending)
            .await
            .unwrap_or_else(|_| Err(SendError::Passing("timeout".to_owned())));
        let random = self.db.ids().next().as_u128() as u32;
        let gone = outgoing.browser.as_ref().filter(|_| matches!(outcome, Err(SendError::Gone(_)))).map(|it| it.id);
        let verdict = judge(outcome, attempts, self.max_attempts, random, self.db.clock().now());
        self.tell(&outgoing, attempts, &verdict);
        let id = outgoing.id;
        let meta = meta();
        let written = self.db.write(&meta, move |tx| {
            gone.map_or(Ok(()), |browser| store::forget_browser(tx, browser))?;
            store::settle(tx, id, version, &verdict)
        });
        match written.await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(delivery = %id, "a delivery was taken over while it was being sent"),
            // The claim runs out and the message goes out again under its Message-ID.
            Err(error) => tracing::error!(delivery = %id, %error, "what became of a delivery could not be written"),
        }
    }

    fn tell(&self, outgoing: &Outgoing, attempts: i32, verdict: &Verdict) {
        let (channel, status): (&'static str, &'static str) = (self.transport.channel().into(), verdict.status.into());
        metrics::counter!("consilium_deliveries", "channel" => channel, "status" => status).increment(1);
        let error = verdict.last_error.as_deref().unwrap_or_default();
        match verdict.status {
            DeliveryStatus::Dead => {
                tracing::error!(delivery = %outgoing.id, kind = %outgoing.kind, attempts, error, "a delivery was given up");
            }
            DeliveryStatus::Failed => {
                tracing::warn!(delivery = %outgoing.id, kind = %outgoing.kind, attempts, error, "a delivery failed and is put off");
            }
            DeliveryStatus::Withdrawn => {
                tracing::info!(delivery = %outgoing.id, error, "a browser is gone, and its subscription with it");
            }
            _ => tracing::debug!(delivery = %outgoing.id, kind = %outgoing.kind, attempts, "delivered"),
        }
    }
}

fn meta() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "notifier")
}
