//! Live topics: numbered without gaps, so that a client knows what it missed.

use consilium_kernel::Timestamp;
use diesel::{prelude::*, sql_query, sql_types as sql};
use serde::{Deserialize, Serialize};

use crate::{
    cached::Cacheable,
    error::Result,
    session::{Session, Tx},
    types,
    vault::{Cell, Encrypted},
};

diesel::table! {
    use diesel::sql_types::*;
    topic_head (topic) {
        topic -> Text,
        seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    topic_event (topic, seq) {
        topic -> Text,
        seq -> BigInt,
        event -> Text,
        at -> Instant,
        subject -> Uuid,
        data -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::Uuid;
    installation (id) {
        id -> SmallInt,
        epoch -> Uuid,
    }
}

/// One event of a live topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicEvent {
    /// `consultation:<uuid>`, …
    pub topic: String,
    /// Counts from 1 without gaps.
    pub seq: i64,
    /// Past tense: `message_sent`.
    pub event: String,
    /// When it was committed.
    pub at: Timestamp,
    /// The event's body.
    pub data: serde_json::Value,
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = sql::BigInt)]
    seq: i64,
}

pub(crate) fn append<T: Serialize>(
    tx: &mut Tx<'_>,
    topic: &str,
    event: &str,
    subject: uuid::Uuid,
    data: &T,
) -> Result<TopicEvent> {
    let data = serde_json::to_value(data)?;
    let head: Head = sql_query(
        "INSERT INTO topic_head (topic, seq) VALUES ($1, 1) \
         ON CONFLICT (topic) DO UPDATE SET seq = topic_head.seq + 1 RETURNING seq",
    )
    .bind::<sql::Text, _>(topic)
    .cached()
    .get_result(tx.connection())?;
    let sealed = tx.seal(subject, cell(topic, head.seq), &data)?;
    let at = tx.now();
    diesel::insert_into(topic_event::table)
        .values((
            topic_event::topic.eq(topic),
            topic_event::seq.eq(head.seq),
            topic_event::event.eq(event),
            topic_event::at.eq(types::at(at)),
            topic_event::subject.eq(types::key(subject)),
            topic_event::data.eq(sealed),
        ))
        .execute(tx.connection())?;
    Ok(TopicEvent { topic: topic.to_owned(), seq: head.seq, event: event.to_owned(), at, data })
}

/// Gives an event that was appended before another body, under the same number.
pub(crate) fn amend<T: Serialize>(tx: &mut Tx<'_>, topic: &str, seq: i64, subject: uuid::Uuid, data: &T) -> Result<()> {
    let sealed = tx.seal(subject, cell(topic, seq), &serde_json::to_value(data)?)?;
    diesel::update(topic_event::table.find((topic, seq)))
        .set((topic_event::subject.eq(types::key(subject)), topic_event::data.eq(sealed)))
        .execute(tx.connection())?;
    Ok(())
}

/// The number of the newest event of `topic`; 0 when it has none.
pub fn head(session: &mut Session<'_>, topic: &str) -> Result<i64> {
    let seq = topic_head::table.find(topic).select(topic_head::seq).first(session.connection()).optional()?;
    Ok(seq.unwrap_or(0))
}

/// Events of `topic` after `after_seq`, oldest first, at most `limit`.
pub fn read_after(session: &mut Session<'_>, topic: &str, after_seq: i64, limit: i64) -> Result<Vec<TopicEvent>> {
    let rows: Vec<(i64, String, Timestamp, Encrypted<serde_json::Value>)> = topic_event::table
        .filter(topic_event::topic.eq(topic).and(topic_event::seq.gt(after_seq)))
        .order(topic_event::seq)
        .limit(limit)
        .select((topic_event::seq, topic_event::event, topic_event::at, topic_event::data))
        .load(session.connection())?;
    rows.into_iter()
        .map(|(seq, event, at, sealed)| {
            let data = session.open(cell(topic, seq), &sealed)?;
            Ok(TopicEvent { topic: topic.to_owned(), seq, event, at, data })
        })
        .collect()
}

/// Changes when a backup is restored: numbers seen before mean nothing any more.
pub fn epoch(session: &mut Session<'_>) -> Result<uuid::Uuid> {
    Ok(installation::table.find(1).select(installation::epoch).first(session.connection())?)
}

/// The cell of one topic event; its row is a hash, because its key is a text and a number.
fn cell(topic: &str, seq: i64) -> Cell {
    Cell::new("topic_event", "data", crate::hashed_row(&[topic.as_bytes(), &seq.to_le_bytes()]))
}
