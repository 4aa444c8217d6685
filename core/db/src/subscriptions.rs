//! How far each durable subscriber has read, and which entities it could not get past.

use consilium_kernel::EventEnvelope;
use diesel::prelude::*;

use crate::{
    cached::Cacheable,
    connection::AnyConnection,
    error::Result,
    outbox::{Position, SHARDS},
    session::{Session, Tx},
    types::{at, key},
};

diesel::table! {
    use diesel::sql_types::*;
    subscriber_cursor (subscriber, shard) {
        subscriber -> Text,
        shard -> SmallInt,
        tx -> BigInt,
        id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    parked_entity (subscriber, entity_id) {
        subscriber -> Text,
        entity_id -> Uuid,
        event_id -> Uuid,
        error -> Text,
        parked_at -> Instant,
    }
}

/// Makes sure that `subscriber` has its cursors; a new subscriber begins with the oldest event.
pub fn register(tx: &mut Tx<'_>, subscriber: &str) -> Result<()> {
    for shard in 0..SHARDS {
        diesel::sql_query(
            "INSERT INTO subscriber_cursor (subscriber, shard, tx, id) VALUES ($1, $2, -1, 0) ON CONFLICT DO NOTHING",
        )
        .bind::<diesel::sql_types::Text, _>(subscriber)
        .bind::<diesel::sql_types::SmallInt, _>(shard)
        .execute(tx.connection())?;
    }
    Ok(())
}

/// The shards in which something newer than the cursor stands.
pub fn behind(session: &mut Session<'_>, subscriber: &str) -> Result<Vec<i16>> {
    #[derive(QueryableByName)]
    struct Shard {
        #[diesel(sql_type = diesel::sql_types::SmallInt)]
        shard: i16,
    }
    let rows: Vec<Shard> = diesel::sql_query(
        "SELECT c.shard FROM subscriber_cursor c WHERE c.subscriber = $1 AND EXISTS \
         (SELECT 1 FROM outbox o WHERE o.shard = c.shard AND (o.tx, o.id) > (c.tx, c.id))",
    )
    .bind::<diesel::sql_types::Text, _>(subscriber)
    .cached()
    .load(session.connection())?;
    Ok(rows.into_iter().map(|row| row.shard).collect())
}

/// The cursor, locked for this transaction; `None` while another node works on the shard.
pub fn claim(tx: &mut Tx<'_>, subscriber: &str, shard: i16) -> Result<Option<Position>> {
    let row = subscriber_cursor::table.find((subscriber, shard)).select((subscriber_cursor::tx, subscriber_cursor::id));
    let found: Option<(i64, i64)> = match tx.connection() {
        AnyConnection::Postgres(postgres) => row.for_update().skip_locked().first(postgres).optional()?,
        AnyConnection::Sqlite(sqlite) => row.first(sqlite).optional()?,
    };
    Ok(found.map(|(tx, id)| Position { tx, id }))
}

/// Moves the cursor.
pub fn advance(tx: &mut Tx<'_>, subscriber: &str, shard: i16, to: Position) -> Result<()> {
    diesel::update(subscriber_cursor::table.find((subscriber, shard)))
        .set((subscriber_cursor::tx.eq(to.tx), subscriber_cursor::id.eq(to.id)))
        .execute(tx.connection())?;
    Ok(())
}

/// Sets an entity aside whose event the subscriber cannot digest, so that the others go on.
pub fn park(tx: &mut Tx<'_>, subscriber: &str, event: &EventEnvelope, error: &str) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(parked_entity::table)
        .values((
            parked_entity::subscriber.eq(subscriber),
            parked_entity::entity_id.eq(key(event.entity.id)),
            parked_entity::event_id.eq(key(event.id)),
            parked_entity::error.eq(error),
            parked_entity::parked_at.eq(at(now)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// The entities that `subscriber` has set aside.
pub fn parked(session: &mut Session<'_>, subscriber: &str) -> Result<Vec<uuid::Uuid>> {
    Ok(parked_entity::table
        .filter(parked_entity::subscriber.eq(subscriber))
        .select(parked_entity::entity_id)
        .load(session.connection())?)
}
