//! Webhooks that were verified wait here until they are understood: each delivery once, its content sealed, claimed by
//! one worker at a time, tried again with growing pauses, and set aside visibly when it cannot be understood.

use std::time::Duration;

use consilium_kernel::{EntityRef, Id, Timestamp};
use diesel::{prelude::*, sql_query, sql_types as sql};
use serde_json::{Value, json};

use crate::{
    MultiBackend,
    cached::Cacheable,
    error::{Error, Result, violates},
    outbox::Fact,
    session::{Session, Tx},
    types::{Instant, Uuid, at, key, maybe_at},
    vault::{Cell, Encrypted},
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    webhook_inbox (id) {
        id -> Uuid,
        plugin -> Text,
        delivery_id -> Text,
        content -> Nullable<Binary>,
        status -> Text,
        attempts -> Integer,
        next_attempt_at -> Instant,
        problem -> Nullable<Text>,
        received_at -> Instant,
        settled_at -> Nullable<Instant>,
        version -> BigInt,
    }
}

/// Whose deliveries these are, in ids.
pub enum Webhook {}
/// Names a delivery.
pub type WebhookId = Id<Webhook>;

/// How far a delivery is: `pending`, `done` or `dead`.
pub const STATUSES: [&str; 3] = ["pending", "done", "dead"];

/// A delivery as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Its row.
    pub id: WebhookId,
    /// Who verified it.
    pub plugin: String,
    /// The provider's name for it.
    pub delivery_id: String,
    /// One of [`STATUSES`].
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried again.
    pub next_attempt_at: Timestamp,
    /// A code of what went wrong last.
    pub problem: Option<String>,
    /// When it arrived.
    pub received_at: Timestamp,
    /// When it was understood or set aside.
    pub settled_at: Option<Timestamp>,
}

/// A delivery that this worker holds until its claim runs out.
#[derive(Clone)]
pub struct ClaimedWebhook {
    /// Its row.
    pub id: WebhookId,
    /// Who verified it.
    pub plugin: String,
    /// The provider's name for it.
    pub delivery_id: String,
    /// What arrived, as it was kept. Holds whatever a provider says of patients.
    pub content: Value,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Counting this one.
    pub attempts: i32,
    version: i64,
}

consilium_kernel::refusals! {
    /// Why nothing is done with a delivery.
    pub enum InboxRefusal {
        NotDead: Conflict, "not_dead", "Only a delivery that was set aside can be tried again.";
    }
}

/// Keeps a verified delivery, to be understood at once. False when it was kept before.
pub fn keep(tx: &mut Tx<'_>, plugin: &str, delivery_id: &str, content: &Value) -> Result<bool> {
    let known: i64 = webhook_inbox::table
        .filter(webhook_inbox::plugin.eq(plugin).and(webhook_inbox::delivery_id.eq(delivery_id)))
        .count()
        .get_result(tx.connection())?;
    if known > 0 {
        return Ok(false);
    }
    let (id, now, facility): (WebhookId, _, _) = (tx.new_id(), tx.now(), tx.meta().scope.facility_id.uuid());
    let sealed = tx.seal(facility, cell(id), content)?;
    diesel::insert_into(webhook_inbox::table)
        .values((
            webhook_inbox::id.eq(key(id)),
            webhook_inbox::plugin.eq(plugin),
            webhook_inbox::delivery_id.eq(delivery_id),
            webhook_inbox::content.eq(Some(sealed)),
            webhook_inbox::status.eq("pending"),
            webhook_inbox::attempts.eq(0),
            webhook_inbox::next_attempt_at.eq(at(now)),
            webhook_inbox::received_at.eq(at(now)),
            webhook_inbox::version.eq(1_i64),
        ))
        .execute(tx.connection())
        .map_err(|error| match violates(&error, "webhook_inbox") {
            // The twin was quicker: look again.
            true => Error::VersionConflict,
            false => error.into(),
        })?;
    tx.emit(Fact {
        entity: EntityRef::new("webhook", id.uuid()),
        version: 1,
        event_type: "webhook_received",
        schema: 1,
        subject: facility,
        data: &json!({"plugin": plugin, "webhook_id": id, "delivery_id": delivery_id}),
    })?;
    Ok(true)
}

const DUE: &str = "SELECT id FROM webhook_inbox WHERE status = 'pending' AND next_attempt_at <= $1 \
    ORDER BY next_attempt_at, id LIMIT $2";
const DUE_AND_FREE: &str = "SELECT id FROM webhook_inbox WHERE status = 'pending' AND next_attempt_at <= $1 \
    ORDER BY next_attempt_at, id LIMIT $2 FOR UPDATE SKIP LOCKED";

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Uuid)]
    id: WebhookId,
}

/// Whether anything waits.
pub fn is_due(session: &mut Session<'_>) -> Result<bool> {
    let now = session.now();
    let first: Option<WebhookId> = webhook_inbox::table
        .filter(webhook_inbox::status.eq("pending").and(webhook_inbox::next_attempt_at.le(at(now))))
        .select(webhook_inbox::id)
        .first(session.connection())
        .optional()?;
    Ok(first.is_some())
}

/// Takes at most `limit` due deliveries for `length`; a claim that is not settled by then is free again.
pub fn claim(tx: &mut Tx<'_>, limit: i64, length: Duration) -> Result<Vec<ClaimedWebhook>> {
    let now = tx.now();
    let statement = tx.connection().dialect(DUE_AND_FREE, DUE).to_owned();
    let due: Vec<Due> =
        sql_query(statement).bind::<Instant, _>(now).bind::<sql::BigInt, _>(limit).cached().load(tx.connection())?;
    due.into_iter().filter_map(|Due { id }| take(tx, id, now + length).transpose()).collect()
}

fn take(tx: &mut Tx<'_>, id: WebhookId, until: Timestamp) -> Result<Option<ClaimedWebhook>> {
    diesel::update(webhook_inbox::table.find(key(id)))
        .set((
            webhook_inbox::attempts.eq(webhook_inbox::attempts + 1),
            webhook_inbox::next_attempt_at.eq(at(until)),
            webhook_inbox::version.eq(webhook_inbox::version + 1),
        ))
        .execute(tx.connection())?;
    type Row = (String, String, Option<Encrypted<Value>>, i32, Timestamp, i64);
    let (plugin, delivery_id, sealed, attempts, received_at, version): Row = webhook_inbox::table
        .find(key(id))
        .select((
            webhook_inbox::plugin,
            webhook_inbox::delivery_id,
            webhook_inbox::content,
            webhook_inbox::attempts,
            webhook_inbox::received_at,
            webhook_inbox::version,
        ))
        .first(tx.connection())?;
    let content = match sealed.map(|sealed| tx.open(cell(id), &sealed)) {
        Some(Ok(content)) => content,
        // Its key was erased: it can never be understood, and must not stop the others.
        _ => {
            settle(tx, (id, version), "dead", Some("unreadable"), None)?;
            return Ok(None);
        }
    };
    Ok(Some(ClaimedWebhook { id, plugin, delivery_id, content, received_at, attempts, version }))
}

/// The delivery is understood; what it said is written in the same transaction. Its content is forgotten, its id kept.
/// `VersionConflict` when the claim ran out and somebody else has it.
pub fn done(tx: &mut Tx<'_>, claimed: &ClaimedWebhook) -> Result<()> {
    settle(tx, (claimed.id, claimed.version), "done", None, None)
}

/// The delivery could not be understood because of `problem`: it is tried again, or set aside when there is no time
/// for that.
pub fn failed(tx: &mut Tx<'_>, claimed: &ClaimedWebhook, problem: &str, retry_at: Option<Timestamp>) -> Result<()> {
    let status = if retry_at.is_some() { "pending" } else { "dead" };
    settle(tx, (claimed.id, claimed.version), status, Some(problem), retry_at)
}

fn settle(
    tx: &mut Tx<'_>,
    (id, version): (WebhookId, i64),
    status: &str,
    problem: Option<&str>,
    retry_at: Option<Timestamp>,
) -> Result<()> {
    let now = tx.now();
    let row = webhook_inbox::table.find(key(id)).filter(webhook_inbox::version.eq(version));
    let changed = diesel::update(row)
        .set((
            webhook_inbox::status.eq(status),
            webhook_inbox::problem.eq(problem),
            webhook_inbox::next_attempt_at.eq(at(retry_at.unwrap_or(now))),
            webhook_inbox::settled_at.eq(maybe_at(retry_at.is_none().then_some(now))),
            webhook_inbox::version.eq(version + 1),
        ))
        .execute(tx.connection())?;
    if changed != 1 {
        return Err(Error::VersionConflict);
    }
    if status == "done" {
        let nothing: Option<Encrypted<Value>> = None;
        diesel::update(webhook_inbox::table.find(key(id)))
            .set(webhook_inbox::content.eq(nothing))
            .execute(tx.connection())?;
    }
    Ok(())
}

/// Lets a delivery that was set aside be tried again. False when there is none of this id.
pub fn retry(tx: &mut Tx<'_>, id: WebhookId) -> Result<bool> {
    let status: Option<String> =
        webhook_inbox::table.find(key(id)).select(webhook_inbox::status).first(tx.connection()).optional()?;
    match status.as_deref() {
        None => return Ok(false),
        Some("dead") => {}
        Some(_) => return Err(InboxRefusal::NotDead.refusal().into()),
    }
    let now = tx.now();
    diesel::update(webhook_inbox::table.find(key(id)))
        .set((
            webhook_inbox::status.eq("pending"),
            webhook_inbox::attempts.eq(0),
            webhook_inbox::next_attempt_at.eq(at(now)),
            webhook_inbox::settled_at.eq(maybe_at(None)),
            webhook_inbox::version.eq(webhook_inbox::version + 1),
        ))
        .execute(tx.connection())?;
    tx.audit("webhook_retried", &EntityRef::new("webhook", id.uuid()), 0)?;
    Ok(true)
}

/// Deliveries, newest first; those of `status` only, and from before `before`.
pub fn list(
    session: &mut Session<'_>,
    status: Option<&str>,
    before: Option<WebhookId>,
    limit: i64,
) -> Result<Vec<WebhookDelivery>> {
    type Row = (WebhookId, String, String, String, i32, Timestamp, Option<String>, Timestamp, Option<Timestamp>);
    let mut query = webhook_inbox::table
        .order(webhook_inbox::id.desc())
        .limit(limit)
        .select((
            webhook_inbox::id,
            webhook_inbox::plugin,
            webhook_inbox::delivery_id,
            webhook_inbox::status,
            webhook_inbox::attempts,
            webhook_inbox::next_attempt_at,
            webhook_inbox::problem,
            webhook_inbox::received_at,
            webhook_inbox::settled_at,
        ))
        .into_boxed::<MultiBackend>();
    if let Some(status) = status {
        query = query.filter(webhook_inbox::status.eq(status.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(webhook_inbox::id.lt(key(before)));
    }
    let rows: Vec<Row> = query.load(session.connection())?;
    let seen = |row: Row| {
        let (id, plugin, delivery_id, status, attempts, next_attempt_at, problem, received_at, settled_at) = row;
        WebhookDelivery { id, plugin, delivery_id, status, attempts, next_attempt_at, problem, received_at, settled_at }
    };
    Ok(rows.into_iter().map(seen).collect())
}

/// Forgets what was understood before this instant. Until then a repeated delivery is known.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<usize> {
    let old = webhook_inbox::table
        .filter(webhook_inbox::status.eq("done").and(webhook_inbox::settled_at.lt(maybe_at(Some(before)))));
    Ok(diesel::delete(old).execute(tx.connection())?)
}

fn cell(id: WebhookId) -> Cell {
    Cell::new("webhook_inbox", "content", id.uuid())
}
