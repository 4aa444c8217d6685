//! Deliveries: written when something happens, listed, put back into the queue, forgotten.

use consilium_db::{
    Cacheable, Result, Session, Tx,
    types::{Instant, Uuid, at, key},
};
use consilium_kernel::{EventId, Timestamp};
use diesel::{prelude::*, sql_query, sql_types as sql};

use super::{known, webhook_delivery as table};
use crate::model::{Delivery, DeliveryId, DeliveryStatus, SubscriptionId};

/// Writes a delivery unless there is one of this event for this subscription; says whether it did.
pub fn enqueue(
    tx: &mut Tx<'_>,
    subscription: SubscriptionId,
    event: EventId,
    event_type: &str,
    payload: &str,
) -> Result<bool> {
    let (id, now): (DeliveryId, _) = (tx.new_id(), tx.now());
    let written = sql_query(
        "INSERT INTO webhook_delivery (id, subscription_id, event_id, event_type, payload, status, attempts, \
         next_attempt_at, created_at, version) VALUES ($1, $2, $3, $4, $5, 'queued', 0, $6, $7, 1) \
         ON CONFLICT (subscription_id, event_id) DO NOTHING",
    )
    .bind::<Uuid, _>(id)
    .bind::<Uuid, _>(subscription)
    .bind::<Uuid, _>(event)
    .bind::<sql::Text, _>(event_type)
    .bind::<sql::Text, _>(payload)
    .bind::<Instant, _>(now)
    .bind::<Instant, _>(now)
    .cached()
    .execute(tx.connection())?;
    Ok(written == 1)
}

/// Queues an event once more: a new delivery, or the one there is, unless that is waiting anyway.
pub fn repeat(
    tx: &mut Tx<'_>,
    subscription: SubscriptionId,
    event: EventId,
    event_type: &str,
    payload: &str,
) -> Result<()> {
    if enqueue(tx, subscription, event, event_type, payload)? {
        return Ok(());
    }
    let found: Option<DeliveryId> = table::table
        .filter(table::subscription_id.eq(key(subscription)))
        .filter(table::event_id.eq(key(event)))
        .filter(table::status.eq_any(words([DeliveryStatus::Delivered, DeliveryStatus::Dead])))
        .select(table::id)
        .first(tx.connection())
        .optional()?;
    found.map_or(Ok(()), |id| requeue(tx, id))
}

/// Puts a delivery back into the queue, due now and with all its attempts before it.
pub fn requeue(tx: &mut Tx<'_>, id: DeliveryId) -> Result<()> {
    let now = tx.now();
    diesel::update(table::table.find(key(id)))
        .set((
            table::status.eq(<&str>::from(DeliveryStatus::Queued)),
            table::attempts.eq(0),
            table::next_attempt_at.eq(at(now)),
            table::version.eq(table::version + 1),
        ))
        .execute(tx.connection())?;
    Ok(())
}

fn words<const N: usize>(statuses: [DeliveryStatus; N]) -> Vec<&'static str> {
    statuses.into_iter().map(Into::into).collect()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = table)]
struct DeliveryRow {
    id: DeliveryId,
    event_id: EventId,
    event_type: String,
    status: String,
    attempts: i32,
    next_attempt_at: Timestamp,
    last_attempt_at: Option<Timestamp>,
    status_code: Option<i32>,
    duration_ms: Option<i64>,
    last_error: Option<String>,
    created_at: Timestamp,
}

impl DeliveryRow {
    fn delivery(self) -> Result<Delivery> {
        let status = known(&self.status)?;
        let waits = matches!(status, DeliveryStatus::Queued | DeliveryStatus::Failed);
        Ok(Delivery {
            id: self.id,
            event_id: self.event_id,
            event_type: self.event_type,
            status,
            attempts: self.attempts,
            next_attempt_at: waits.then_some(self.next_attempt_at),
            last_attempt_at: self.last_attempt_at,
            status_code: self.status_code,
            duration_ms: self.duration_ms,
            last_error: self.last_error,
            created_at: self.created_at,
        })
    }
}

/// Which part of a log.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Only those that stand so.
    pub status: Option<DeliveryStatus>,
    /// Only older ones.
    pub before: Option<DeliveryId>,
    /// At most so many.
    pub limit: i64,
}

/// The log of a subscription, newest first.
pub fn deliveries(session: &mut Session<'_>, subscription: SubscriptionId, page: Page) -> Result<Vec<Delivery>> {
    let mut query = table::table
        .filter(table::subscription_id.eq(key(subscription)))
        .order(table::id.desc())
        .limit(page.limit)
        .select(DeliveryRow::as_select())
        .into_boxed();
    if let Some(status) = page.status {
        query = query.filter(table::status.eq(<&str>::from(status)));
    }
    if let Some(before) = page.before {
        query = query.filter(table::id.lt(key(before)));
    }
    query.load(session.connection())?.into_iter().map(DeliveryRow::delivery).collect()
}

/// One delivery of a subscription.
pub fn delivery(session: &mut Session<'_>, subscription: SubscriptionId, id: DeliveryId) -> Result<Option<Delivery>> {
    table::table
        .find(key(id))
        .filter(table::subscription_id.eq(key(subscription)))
        .select(DeliveryRow::as_select())
        .first(session.connection())
        .optional()?
        .map(DeliveryRow::delivery)
        .transpose()
}

/// Deletes at most `limit` deliveries written before `before`; how many it were.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    Ok(sql_query(
        "DELETE FROM webhook_delivery WHERE id IN \
         (SELECT id FROM webhook_delivery WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
    )
    .bind::<Instant, _>(before)
    .bind::<sql::BigInt, _>(limit)
    .execute(tx.connection())?)
}
