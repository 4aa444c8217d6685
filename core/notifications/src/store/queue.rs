//! The queue: who sends what next, and what became of it.

use std::time::Duration;

use consilium_db::{
    AnyConnection, Cacheable, Result, Session, Tx,
    types::{Instant, Uuid, at, key, maybe_at},
};
use consilium_kernel::{DeliveryId, FacilityId, Timestamp, UserId};
use diesel::{prelude::*, sql_query, sql_types as sql};

use super::{Sealed, cell, delivery, known};
use crate::{
    content::Payload,
    decide::Verdict,
    model::{Channel, DeliveryStatus, Kind, PushSubscriptionId},
};

/// A delivery that this notifier holds until its claim runs out.
pub struct Claimed {
    pub id: DeliveryId,
    pub facility: FacilityId,
    pub kind: Kind,
    pub revision: i64,
    pub recipient: UserId,
    pub subscription: Option<PushSubscriptionId>,
    pub entity_id: uuid::Uuid,
    pub message_id: String,
    pub payload: Payload,
    /// Counting the one about to be made.
    pub attempts: i32,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    /// The claim: whoever writes with another version has lost it.
    pub version: i64,
}

/// What is urgent goes first; but of several messages to one person (in one browser) about one thing the oldest, so that
/// nobody reads of a cancellation before the booking.
const DUE: &str = "SELECT d.id FROM delivery d WHERE d.channel = $1 \
    AND d.status IN ('queued', 'failed', 'sending') AND d.next_attempt_at <= $2 \
    AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.entity_id = d.entity_id AND e.recipient_id = d.recipient_id \
    AND e.channel = d.channel AND COALESCE(e.subscription_id, e.recipient_id) = COALESCE(d.subscription_id, d.recipient_id) \
    AND e.status IN ('queued', 'failed', 'sending') AND e.id < d.id) \
    ORDER BY d.priority, d.next_attempt_at, d.id LIMIT $3";
const DUE_AND_FREE: &str = "SELECT d.id FROM delivery d WHERE d.channel = $1 \
    AND d.status IN ('queued', 'failed', 'sending') AND d.next_attempt_at <= $2 \
    AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.entity_id = d.entity_id AND e.recipient_id = d.recipient_id \
    AND e.channel = d.channel AND COALESCE(e.subscription_id, e.recipient_id) = COALESCE(d.subscription_id, d.recipient_id) \
    AND e.status IN ('queued', 'failed', 'sending') AND e.id < d.id) \
    ORDER BY d.priority, d.next_attempt_at, d.id LIMIT $3 FOR UPDATE OF d SKIP LOCKED";

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Uuid)]
    id: DeliveryId,
}

fn due(
    connection: &mut AnyConnection,
    statement: &str,
    channel: Channel,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Due>> {
    Ok(sql_query(statement)
        .bind::<sql::Text, _>(<&str>::from(channel))
        .bind::<Instant, _>(now)
        .bind::<sql::BigInt, _>(limit)
        .cached()
        .load(connection)?)
}

/// Whether anything waits for `channel` now.
pub fn is_due(session: &mut Session<'_>, channel: Channel) -> Result<bool> {
    let now = session.now();
    Ok(!due(session.connection(), DUE, channel, now, 1)?.is_empty())
}

/// Takes at most `limit` due deliveries for `length`; a claim that is not settled by then is free again.
pub fn claim(tx: &mut Tx<'_>, channel: Channel, limit: i64, length: Duration) -> Result<Vec<Claimed>> {
    let now = tx.now();
    let statement = tx.connection().dialect(DUE_AND_FREE, DUE).to_owned();
    let found = due(tx.connection(), &statement, channel, now, limit)?;
    found.into_iter().filter_map(|Due { id }| take(tx, id, now + length).transpose()).collect()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = delivery)]
struct ClaimedRow {
    facility_id: FacilityId,
    kind: String,
    revision: i64,
    recipient_id: UserId,
    subscription_id: Option<PushSubscriptionId>,
    entity_id: uuid::Uuid,
    message_id: String,
    payload: Sealed,
    attempts: i32,
    expires_at: Timestamp,
    created_at: Timestamp,
    version: i64,
}

/// Claims one. `None` when it cannot be read any more (its key was erased with its account, or a newer release
/// wrote it): it is given up rather than let it stop the queue.
fn take(tx: &mut Tx<'_>, id: DeliveryId, until: Timestamp) -> Result<Option<Claimed>> {
    diesel::update(delivery::table.find(key(id)))
        .set((
            delivery::status.eq(<&str>::from(DeliveryStatus::Sending)),
            delivery::attempts.eq(delivery::attempts + 1),
            delivery::next_attempt_at.eq(at(until)),
            delivery::version.eq(delivery::version + 1),
        ))
        .execute(tx.connection())?;
    let row: ClaimedRow = delivery::table.find(key(id)).select(ClaimedRow::as_select()).first(tx.connection())?;
    let version = row.version;
    let (Ok(kind), Ok(payload)) = (known(&row.kind), tx.open(cell(id), &row.payload)) else {
        settle(tx, id, version, &Verdict::given_up("unreadable", until))?;
        return Ok(None);
    };
    Ok(Some(Claimed {
        id,
        facility: row.facility_id,
        kind,
        revision: row.revision,
        recipient: row.recipient_id,
        subscription: row.subscription_id,
        entity_id: row.entity_id,
        message_id: row.message_id,
        payload,
        attempts: row.attempts,
        expires_at: row.expires_at,
        created_at: row.created_at,
        version,
    }))
}

/// Writes what became of a claimed delivery. False when the claim ran out and somebody else has it.
pub fn settle(tx: &mut Tx<'_>, id: DeliveryId, version: i64, verdict: &Verdict) -> Result<bool> {
    let changed = diesel::update(delivery::table.find(key(id)).filter(delivery::version.eq(version)))
        .set((
            delivery::status.eq(<&str>::from(verdict.status)),
            delivery::next_attempt_at.eq(at(verdict.next_attempt_at)),
            delivery::last_error.eq(verdict.last_error.as_deref()),
            delivery::sent_at.eq(maybe_at(verdict.sent_at)),
            delivery::version.eq(version + 1),
        ))
        .execute(tx.connection())?;
    Ok(changed == 1)
}

/// Withdraws a claimed delivery that is no longer true.
pub fn withdraw(tx: &mut Tx<'_>, id: DeliveryId) -> Result<()> {
    diesel::update(delivery::table.find(key(id)))
        .set((
            delivery::status.eq(<&str>::from(DeliveryStatus::Withdrawn)),
            delivery::version.eq(delivery::version + 1),
        ))
        .execute(tx.connection())?;
    Ok(())
}
