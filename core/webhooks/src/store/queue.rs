//! The queue: whose turn it is, what is sent next, and what became of it.

use std::time::Duration;

use consilium_db::{
    AnyConnection, Cacheable, Encrypted, Result, Session, Tx,
    outbox::{self, Mark},
    types::{Instant, Uuid, at, key, keys, maybe_at},
};
use consilium_kernel::{EventId, FacilityId, Scope, Timestamp};
use diesel::{dsl, prelude::*, sql_query, sql_types as sql};

use super::{Endpoint, deliveries, subscriptions::cell, webhook_delivery, webhook_subscription as table};
use crate::{
    catalogue,
    decide::Verdict,
    filter::{EventFilter, wanted},
    model::{DeliveryId, DeliveryStatus, DisabledBecause, SubscriptionId},
};

/// A subscription that this dispatcher serves until its claim runs out.
pub struct Claimed {
    pub id: SubscriptionId,
    pub facility: FacilityId,
    /// `None` when it cannot be read any more.
    pub endpoint: Option<Endpoint>,
    pub replaying: bool,
    /// Which claim this is; whoever has an older one has lost it.
    pub claim: i64,
}

/// A delivery that is due.
pub struct Due {
    pub id: DeliveryId,
    pub event: EventId,
    pub event_type: String,
    pub payload: String,
    /// Made so far.
    pub attempts: i32,
    /// What [`settle`] expects.
    pub version: i64,
}

/// What is written of an attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub verdict: Verdict,
    /// Counting this one.
    pub number: i32,
    pub took: Duration,
}

/// Whoever was served longest ago comes first, so that those with much to send do not keep others waiting.
const DUE: &str = "SELECT s.id FROM webhook_subscription s WHERE s.disabled_because IS NULL \
    AND s.claimed_until <= $1 AND s.paused_until <= $2 AND (s.replay_at IS NOT NULL OR EXISTS \
    (SELECT 1 FROM webhook_delivery d WHERE d.subscription_id = s.id AND d.status IN ('queued', 'failed') \
    AND d.next_attempt_at <= $3)) ORDER BY s.served_at, s.id LIMIT $4";
const DUE_AND_FREE: &str = "SELECT s.id FROM webhook_subscription s WHERE s.disabled_because IS NULL \
    AND s.claimed_until <= $1 AND s.paused_until <= $2 AND (s.replay_at IS NOT NULL OR EXISTS \
    (SELECT 1 FROM webhook_delivery d WHERE d.subscription_id = s.id AND d.status IN ('queued', 'failed') \
    AND d.next_attempt_at <= $3)) ORDER BY s.served_at, s.id LIMIT $4 FOR UPDATE OF s SKIP LOCKED";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Uuid)]
    id: SubscriptionId,
}

fn due(connection: &mut AnyConnection, statement: &str, now: Timestamp, limit: i64) -> Result<Vec<Found>> {
    Ok(sql_query(statement)
        .bind::<Instant, _>(now)
        .bind::<Instant, _>(now)
        .bind::<Instant, _>(now)
        .bind::<sql::BigInt, _>(limit)
        .cached()
        .load(connection)?)
}

/// Whether there is anything to send now.
pub fn is_due(session: &mut Session<'_>) -> Result<bool> {
    let now = session.now();
    Ok(!due(session.connection(), DUE, now, 1)?.is_empty())
}

/// How many deliveries wait.
pub fn backlog(session: &mut Session<'_>) -> Result<i64> {
    Ok(webhook_delivery::table
        .filter(dsl::sql::<sql::Bool>("status IN ('queued', 'failed')")) // as the index has it: a parameter could be anything
        .count()
        .get_result(session.connection())?)
}

/// Takes at most `limit` subscriptions that have something to send, for `length`; a claim that is not released by
/// then is free again.
pub fn claim(tx: &mut Tx<'_>, limit: i64, length: Duration) -> Result<Vec<Claimed>> {
    let now = tx.now();
    let statement = tx.connection().dialect(DUE_AND_FREE, DUE).to_owned();
    let found = due(tx.connection(), &statement, now, limit)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    diesel::update(table::table.filter(table::id.eq_any(keys(found.iter().map(|found| found.id)))))
        .set((
            table::claimed_until.eq(at(now + length)),
            table::claim.eq(table::claim + 1),
            table::served_at.eq(at(now)),
        ))
        .execute(tx.connection())?;
    type Row = (SubscriptionId, FacilityId, Encrypted<Endpoint>, Option<Timestamp>, i64);
    let rows: Vec<Row> = table::table
        .filter(table::id.eq_any(keys(found.iter().map(|found| found.id))))
        .select((table::id, table::facility_id, table::endpoint, table::replay_at, table::claim))
        .load(tx.connection())?;
    let claimed = rows.into_iter().map(|(id, facility, sealed, replay_at, claim)| {
        let endpoint = tx.open(cell(id), &sealed).ok();
        Claimed { id, facility, endpoint, replaying: replay_at.is_some(), claim }
    });
    Ok(claimed.collect())
}

impl Claimed {
    /// The next deliveries that are due, oldest first, at most `limit`.
    pub fn next(session: &mut Session<'_>, id: SubscriptionId, limit: i64) -> Result<Vec<Due>> {
        use webhook_delivery as d;
        let now = session.now();
        type Row = (DeliveryId, EventId, String, String, i32, i64);
        let rows: Vec<Row> = d::table
            .filter(d::subscription_id.eq(key(id)))
            .filter(d::status.eq("queued").or(d::status.eq("failed")))
            .filter(d::next_attempt_at.le(at(now)))
            .order((d::next_attempt_at, d::id))
            .limit(limit)
            .select((d::id, d::event_id, d::event_type, d::payload, d::attempts, d::version))
            .load(session.connection())?;
        let due = rows.into_iter().map(|(id, event, event_type, payload, attempts, version)| Due {
            id,
            event,
            event_type,
            payload,
            attempts,
            version,
        });
        Ok(due.collect())
    }
}

/// Gives a claim back, if it is still the one.
pub fn release(tx: &mut Tx<'_>, id: SubscriptionId, claim: i64) -> Result<()> {
    let now = tx.now();
    diesel::update(table::table.find(key(id)).filter(table::claim.eq(claim)))
        .set((table::claimed_until.eq(at(now)), table::served_at.eq(at(now))))
        .execute(tx.connection())?;
    Ok(())
}

/// Writes what became of a delivery, and what that means for its subscription. False when somebody else has dealt
/// with the delivery, or it is gone.
pub fn settle(
    tx: &mut Tx<'_>,
    subscription: SubscriptionId,
    due: (DeliveryId, i64),
    attempt: &Attempt,
    disable: impl Fn(Option<Timestamp>) -> Option<DisabledBecause>,
) -> Result<(bool, Option<DisabledBecause>)> {
    use webhook_delivery as d;
    let (now, (id, version), verdict) = (tx.now(), due, &attempt.verdict);
    let changed = diesel::update(d::table.find(key(id)).filter(d::version.eq(version)))
        .set((
            d::status.eq(<&str>::from(verdict.status)),
            d::attempts.eq(attempt.number),
            d::next_attempt_at.eq(at(verdict.next_attempt_at)),
            d::last_attempt_at.eq(maybe_at(Some(now))),
            d::status_code.eq(verdict.status_code.map(i32::from)),
            d::duration_ms.eq(i64::try_from(attempt.took.as_millis()).unwrap_or(i64::MAX)),
            d::last_error.eq(verdict.error.as_deref()),
            d::version.eq(version + 1),
        ))
        .execute(tx.connection())?;
    if changed == 0 {
        return Ok((false, None));
    }
    Ok((true, mark(tx, subscription, verdict, disable)?))
}

/// Keeps in mind that a subscription fails, or works again, or wants to be left alone; disables it if it must be.
fn mark(
    tx: &mut Tx<'_>,
    id: SubscriptionId,
    verdict: &Verdict,
    disable: impl Fn(Option<Timestamp>) -> Option<DisabledBecause>,
) -> Result<Option<DisabledBecause>> {
    type Row = (Option<Timestamp>, Option<String>, i64);
    let now = tx.now();
    let row: Option<Row> = table::table
        .find(key(id))
        .select((table::failing_since, table::disabled_because, table::version))
        .first(tx.connection())
        .optional()?;
    let Some((failing, disabled, version)) = row else { return Ok(None) };
    let because = disable(failing).filter(|_| disabled.is_none());
    let failing_now = match verdict.status {
        DeliveryStatus::Delivered => None,
        _ => failing.or(Some(now)),
    };
    if failing_now != failing || because.is_some() {
        let word = because.map(|because| because.word().to_owned()).or(disabled);
        let changed = diesel::update(table::table.find(key(id)).filter(table::version.eq(version)))
            .set((
                table::failing_since.eq(maybe_at(failing_now)),
                table::disabled_because.eq(word),
                table::version.eq(version + 1),
            ))
            .execute(tx.connection())?;
        if changed == 0 {
            return Err(consilium_db::Error::VersionConflict);
        }
    }
    if let Some(until) = verdict.pause_until {
        diesel::update(table::table.find(key(id))).set(table::paused_until.eq(at(until))).execute(tx.connection())?;
    }
    Ok(because)
}

/// Has everything from `from` until now sent once more.
pub fn begin_replay(tx: &mut Tx<'_>, id: SubscriptionId, from: Timestamp) -> Result<()> {
    let now = tx.now();
    diesel::update(table::table.find(key(id)))
        .set((
            table::replay_at.eq(maybe_at(Some(from))),
            table::replay_id.eq(Some(0_i64)),
            table::replay_until.eq(maybe_at(Some(now))),
            table::updated_at.eq(at(now)),
            table::version.eq(table::version + 1),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Queues the next `limit` events of a replay and moves on; at the end of the outbox the replay is over.
pub fn replay_page(tx: &mut Tx<'_>, claimed: (SubscriptionId, FacilityId, i64), limit: i64) -> Result<()> {
    let (id, facility, claim) = claimed;
    type Row = (Option<Timestamp>, Option<i64>, Option<Timestamp>, String);
    let row: Option<Row> = table::table
        .find(key(id))
        .filter(table::claim.eq(claim))
        .select((table::replay_at, table::replay_id, table::replay_until, table::event_types))
        .first(tx.connection())
        .optional()?;
    let Some((Some(from), Some(after), Some(until), types)) = row else { return Ok(()) };
    let filters: Vec<EventFilter> = serde_json::from_str(&types)?;
    let mark = Mark { at: from, id: after };
    let read = outbox::read_since(tx, Scope::of(facility), mark, until, limit, |kind| wanted(&filters, kind))?;
    for event in &read.events {
        if let Some(body) = catalogue::body(event) {
            deliveries::repeat(tx, id, event.id, &event.event_type, &body)?;
        }
    }
    let row = table::table.find(key(id)).filter(table::claim.eq(claim));
    match read.more {
        Some(mark) => diesel::update(row)
            .set((table::replay_at.eq(maybe_at(Some(mark.at))), table::replay_id.eq(Some(mark.id))))
            .execute(tx.connection())?,
        None => diesel::update(row)
            .set((
                table::replay_at.eq(maybe_at(None::<Timestamp>)),
                table::replay_id.eq(None::<i64>),
                table::replay_until.eq(maybe_at(None::<Timestamp>)),
                table::version.eq(table::version + 1),
            ))
            .execute(tx.connection())?,
    };
    Ok(())
}
