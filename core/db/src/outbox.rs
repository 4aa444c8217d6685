//! Events wait here, written with the rows they tell about, until every subscriber has had them.

use consilium_kernel::{EntityRef, EventEnvelope, FacilityId, Id, Scope, Timestamp};
use diesel::{prelude::*, sql_query, sql_types as sql};
use serde::Serialize;

use crate::{
    cached::Cacheable,
    error::{DAMAGED, ERASED, Error, Result},
    session::{Session, Tx},
    types::{Instant, Uuid, at, key},
    vault::{Cell, Encrypted},
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    outbox (id) {
        tx -> BigInt,
        id -> BigInt,
        event_id -> Uuid,
        event_type -> Text,
        schema_number -> Integer,
        entity_kind -> Text,
        entity_id -> Uuid,
        version -> BigInt,
        facility_id -> Uuid,
        shard -> SmallInt,
        at -> Instant,
        trace -> Nullable<Text>,
        subject -> Uuid,
        data -> Binary,
    }
}

/// Events of one entity always fall into the same of this many shards.
pub const SHARDS: i16 = 16;

/// An event about to be written.
pub struct Fact<'a, E> {
    /// What it happened to.
    pub entity: EntityRef,
    /// The entity's version after it.
    pub version: i64,
    /// Past tense, snake case.
    pub event_type: &'a str,
    /// The number of the shape of `data`.
    pub schema: u16,
    /// Under whose key `data` is encrypted.
    pub subject: uuid::Uuid,
    /// The event.
    pub data: &'a E,
}

/// The shard of an entity.
pub fn shard_of(entity: uuid::Uuid) -> i16 {
    let bytes = entity.as_bytes();
    // The last bytes of a UUIDv7 are random.
    i16::from(bytes[15] % SHARDS as u8)
}

pub(crate) fn append<E: Serialize>(tx: &mut Tx<'_>, fact: Fact<'_, E>) -> Result<EventEnvelope> {
    let envelope = EventEnvelope {
        event_type: fact.event_type.to_owned(),
        schema: fact.schema,
        id: tx.new_id(),
        entity: fact.entity,
        version: fact.version,
        facility: tx.meta().scope.facility_id,
        at: tx.now(),
        trace: tx.meta().trace.clone(),
        data: serde_json::to_value(fact.data)?,
    };
    let sealed = tx.seal(fact.subject, Cell::new("outbox", "data", envelope.id.uuid()), &envelope.data)?;
    diesel::insert_into(outbox::table)
        .values((
            outbox::event_id.eq(key(envelope.id)),
            outbox::event_type.eq(&envelope.event_type),
            outbox::schema_number.eq(i32::from(envelope.schema)),
            outbox::entity_kind.eq(&envelope.entity.kind),
            outbox::entity_id.eq(key(envelope.entity.id)),
            outbox::version.eq(envelope.version),
            outbox::facility_id.eq(key(envelope.facility)),
            outbox::shard.eq(shard_of(envelope.entity.id)),
            outbox::at.eq(at(envelope.at)),
            outbox::trace.eq(envelope.trace.as_deref()),
            outbox::subject.eq(key(fact.subject)),
            outbox::data.eq(sealed),
        ))
        .execute(tx.connection())?;
    Ok(envelope)
}

/// How far a subscriber has read in one shard: by transaction first, so that a transaction that began
/// earlier and committed later is not skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// PostgreSQL's transaction id; 0 on SQLite, where ids are given in commit order.
    pub tx: i64,
    /// The row.
    pub id: i64,
}

#[derive(Clone, QueryableByName)]
struct StoredEvent {
    #[diesel(sql_type = sql::BigInt)]
    tx: i64,
    #[diesel(sql_type = sql::BigInt)]
    id: i64,
    #[diesel(sql_type = Uuid)]
    event_id: uuid::Uuid,
    #[diesel(sql_type = sql::Text)]
    event_type: String,
    #[diesel(sql_type = sql::Integer)]
    schema_number: i32,
    #[diesel(sql_type = sql::Text)]
    entity_kind: String,
    #[diesel(sql_type = Uuid)]
    entity_id: uuid::Uuid,
    #[diesel(sql_type = sql::BigInt)]
    version: i64,
    #[diesel(sql_type = Uuid)]
    facility_id: FacilityId,
    #[diesel(sql_type = Instant)]
    at: Timestamp,
    #[diesel(sql_type = sql::Nullable<sql::Text>)]
    trace: Option<String>,
    #[diesel(sql_type = sql::Binary)]
    data: Vec<u8>,
}

/// The condition on `tx` under which no running transaction can still write what sorts before a row: on PostgreSQL, to
/// be below the oldest one. Ids are given for all databases of a server together; transactions known to run in another
/// one do not count, so that a neighbour's long transaction delays nothing here.
pub(crate) fn settled(session: &mut Session<'_>) -> &'static str {
    session.connection().dialect(
        "AND tx < (SELECT coalesce(min(running), max(next)) \
             FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) AS snapshot \
             LEFT JOIN (SELECT xid::text::bigint AS running FROM pg_snapshot_xip(pg_current_snapshot()) AS xid) AS ours \
             ON NOT EXISTS (SELECT FROM pg_stat_activity AS session \
                 WHERE session.backend_xid::text::bigint = running & 4294967295 \
                 AND session.datname <> current_database())) ",
        "",
    )
}

/// The next events of a shard after `position`, at most `limit`, oldest first. Stops below the oldest
/// transaction still running, because what it writes sorts before what is already visible.
pub fn read_after(
    session: &mut Session<'_>,
    shard: i16,
    position: Position,
    limit: i64,
) -> Result<Vec<(Position, EventEnvelope)>> {
    let statement = format!(
        "SELECT tx, id, event_id, event_type, schema_number, entity_kind, entity_id, version, facility_id, at, trace, \
         data FROM outbox WHERE shard = $1 AND (tx, id) > ($2, $3) {}ORDER BY tx, id LIMIT $4",
        settled(session)
    );
    let rows: Vec<StoredEvent> = sql_query(statement)
        .bind::<sql::SmallInt, _>(shard)
        .bind::<sql::BigInt, _>(position.tx)
        .bind::<sql::BigInt, _>(position.id)
        .bind::<sql::BigInt, _>(limit)
        .cached()
        .load(session.connection())?;
    rows.into_iter().map(|row| envelope_or_unreadable(session, row)).collect()
}

/// Stands in place of the type of an event that can be opened no longer, because its subject's key was erased or
/// somebody has changed its row. Its data is null; nobody acts on it, and whoever reads goes on behind it.
pub const UNREADABLE: &str = "unreadable";

fn envelope_or_unreadable(session: &mut Session<'_>, row: StoredEvent) -> Result<(Position, EventEnvelope)> {
    let without = StoredEvent { event_type: UNREADABLE.to_owned(), data: Vec::new(), ..row.clone() };
    match envelope(session, row) {
        Err(Error::Sealed(why)) if [ERASED, DAMAGED].contains(&why) => {
            metrics::counter!("consilium_unreadable_events").increment(1);
            tracing::error!(event = %without.event_id, entity = %without.entity_id, why, "an event cannot be opened");
            Ok(with_data(without, serde_json::Value::Null))
        }
        read => read,
    }
}

/// Where a reader by time stands: at this instant, past this row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When the event happened.
    pub at: Timestamp,
    /// Its row.
    pub id: i64,
}

/// Events read by time.
#[derive(Debug)]
pub struct ReadByTime {
    /// Those that were wanted and can still be opened, oldest first.
    pub events: Vec<EventEnvelope>,
    /// Where to go on; `None` at the end.
    pub more: Option<Mark>,
}

/// Events of a facility after `from` and not after `until`, at most `limit` of them looked at. Only those whose type
/// is `wanted` are opened; those whose subject was erased are left out.
pub fn read_since(
    session: &mut Session<'_>,
    scope: Scope,
    from: Mark,
    until: Timestamp,
    limit: i64,
    wanted: impl Fn(&str) -> bool,
) -> Result<ReadByTime> {
    let rows: Vec<StoredEvent> = sql_query(
        "SELECT tx, id, event_id, event_type, schema_number, entity_kind, entity_id, version, facility_id, at, trace, \
         data FROM outbox WHERE facility_id = $1 AND (at, id) > ($2, $3) AND at <= $4 ORDER BY at, id LIMIT $5",
    )
    .bind::<Uuid, _>(scope.facility_id)
    .bind::<Instant, _>(from.at)
    .bind::<sql::BigInt, _>(from.id)
    .bind::<Instant, _>(until)
    .bind::<sql::BigInt, _>(limit)
    .cached()
    .load(session.connection())?;
    let full = i64::try_from(rows.len()).is_ok_and(|count| count >= limit);
    let more = rows.last().filter(|_| full).map(|last| Mark { at: last.at, id: last.id });
    let mut events = Vec::new();
    for row in rows.into_iter().filter(|row| wanted(&row.event_type)) {
        match envelope(session, row) {
            Ok((_, event)) => events.push(event),
            Err(Error::Sealed(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ReadByTime { events, more })
}

fn envelope(session: &mut Session<'_>, mut row: StoredEvent) -> Result<(Position, EventEnvelope)> {
    let sealed = Encrypted::from_bytes(std::mem::take(&mut row.data));
    let data = session.open(Cell::new("outbox", "data", row.event_id), &sealed)?;
    Ok(with_data(row, data))
}

fn with_data(row: StoredEvent, data: serde_json::Value) -> (Position, EventEnvelope) {
    let envelope = EventEnvelope {
        event_type: row.event_type,
        schema: u16::try_from(row.schema_number).unwrap_or(u16::MAX),
        id: Id::new(row.event_id),
        entity: EntityRef { kind: row.entity_kind, id: row.entity_id },
        version: row.version,
        facility: row.facility_id,
        at: row.at,
        trace: row.trace,
        data,
    };
    (Position { tx: row.tx, id: row.id }, envelope)
}
