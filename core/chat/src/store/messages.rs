//! Messages and what they said before. What is written is sealed under the conversation's subject; a client's own id
//! of a message is kept as a keyed hash.

use consilium_db::{
    Cell, Encrypted, Error, Result, Session, Tx,
    types::{at, key, maybe_at},
};
use consilium_files::FileId;
use consilium_kernel::{Id, MessageId, Timestamp, UserId};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::tables::{chat_earlier_text as earlier, chat_message as message};
use crate::{
    decide::Needle,
    model::{Conversation, EarlierText, Message, MessageHistory, MessagePage},
};

/// What stands sealed in `content`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Content {
    client_message_id: String,
    body: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<FileId>,
}

/// A message with what only the store knows of it.
pub(crate) struct Stored {
    pub(crate) message: Message,
    /// The number of the event that told what it says now.
    told_seq: i64,
    /// Grows with every change, from 1.
    version: i64,
}

/// Messages that one search opens at most.
const SEARCHED: i64 = 2_000;
/// Messages that it reads at once.
const CHUNK: i64 = 250;

#[derive(Queryable, Selectable)]
#[diesel(table_name = message)]
struct MessageRow {
    id: MessageId,
    seq: i64,
    told_seq: i64,
    sender_id: UserId,
    content: Encrypted<Content>,
    sent_at: Timestamp,
    edited_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
    version: i64,
}

impl MessageRow {
    fn open(self, session: &mut Session<'_>) -> Result<Stored> {
        let Content { client_message_id, body, attachments } = session.open(cell(self.id), &self.content)?;
        let message = Message {
            id: self.id,
            seq: self.seq,
            sender_id: self.sender_id,
            client_message_id,
            body,
            attachments,
            sent_at: self.sent_at,
            edited_at: self.edited_at,
            deleted_at: self.deleted_at,
        };
        Ok(Stored { message, told_seq: self.told_seq, version: self.version })
    }
}

/// The place that a text is bound to. It has the name that the table had when the first messages were sealed, because
/// they must still open.
fn cell(id: MessageId) -> Cell {
    Cell::new("consultation_message", "content", id.uuid())
}

fn earlier_cell(id: uuid::Uuid) -> Cell {
    Cell::new("chat_earlier_text", "content", id)
}

fn client_key(session: &Session<'_>, client_message_id: &str) -> Vec<u8> {
    session.vault().index("client_message_id", client_message_id)
}

/// The message that this sender has sent under the same client id, if there is one.
pub(crate) fn sent_before(
    session: &mut Session<'_>,
    conversation: &Conversation,
    sender: UserId,
    client_message_id: &str,
) -> Result<Option<Message>> {
    let client_key = client_key(session, client_message_id);
    let row: Option<MessageRow> = message::table
        .filter(message::conversation_id.eq(key(conversation.id)))
        .filter(message::sender_id.eq(key(sender)))
        .filter(message::client_key.eq(client_key))
        .select(MessageRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(|row| Ok(row.open(session)?.message)).transpose()
}

pub(crate) fn insert(tx: &mut Tx<'_>, conversation: &Conversation, new: &Message) -> Result<()> {
    let content = seal(tx, conversation, new)?;
    let client_key = client_key(tx, &new.client_message_id);
    diesel::insert_into(message::table)
        .values((
            message::id.eq(key(new.id)),
            message::conversation_kind.eq(<&str>::from(conversation.kind)),
            message::conversation_id.eq(key(conversation.id)),
            message::facility_id.eq(key(conversation.facility_id)),
            message::sender_id.eq(key(new.sender_id)),
            message::client_key.eq(client_key),
            message::seq.eq(new.seq),
            message::told_seq.eq(new.seq),
            message::content.eq(content),
            message::sent_at.eq(at(new.sent_at)),
            message::version.eq(1_i64),
        ))
        .execute(tx.connection())?;
    Ok(())
}

fn seal(tx: &mut Tx<'_>, conversation: &Conversation, of: &Message) -> Result<Encrypted<Content>> {
    let content = Content {
        client_message_id: of.client_message_id.clone(),
        body: of.body.clone(),
        attachments: of.attachments.clone(),
    };
    tx.seal(conversation.subject, cell(of.id), &content)
}

/// One message of this conversation.
pub(crate) fn find(session: &mut Session<'_>, conversation: &Conversation, id: MessageId) -> Result<Option<Stored>> {
    let row: Option<MessageRow> = message::table
        .find(key(id))
        .filter(message::conversation_id.eq(key(conversation.id)))
        .select(MessageRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(|row| row.open(session)).transpose()
}

/// The numbers of all events that told what a message says, or said.
pub(crate) fn told(session: &mut Session<'_>, stored: &Stored) -> Result<Vec<i64>> {
    let mut told: Vec<i64> = earlier::table
        .filter(earlier::message_id.eq(key(stored.message.id)))
        .order(earlier::number)
        .select(earlier::told_seq)
        .load(session.connection())?;
    told.push(stored.told_seq);
    Ok(told)
}

/// Writes `after` in the place of `before`, whose text goes into the history. Fails with `VersionConflict` when
/// somebody else changed it meanwhile.
pub(crate) fn replace(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    before: &Stored,
    after: &Message,
    told_seq: i64,
) -> Result<()> {
    let was = &before.message;
    let content = seal(tx, conversation, after)?;
    let changed = diesel::update(message::table.find(key(after.id)).filter(message::version.eq(before.version)))
        .set((
            message::content.eq(content),
            message::told_seq.eq(told_seq),
            message::edited_at.eq(maybe_at(after.edited_at)),
            message::deleted_at.eq(maybe_at(after.deleted_at)),
            message::version.eq(before.version + 1),
        ))
        .execute(tx.connection())?;
    if changed != 1 {
        return Err(Error::VersionConflict);
    }
    let (id, now): (Id<()>, _) = (tx.new_id(), tx.now());
    let text = tx.seal(conversation.subject, earlier_cell(id.uuid()), &was.body)?;
    diesel::insert_into(earlier::table)
        .values((
            earlier::id.eq(key(id)),
            earlier::message_id.eq(key(was.id)),
            earlier::number.eq(before.version),
            earlier::facility_id.eq(key(conversation.facility_id)),
            earlier::told_seq.eq(before.told_seq),
            earlier::content.eq(text),
            earlier::written_at.eq(at(was.edited_at.unwrap_or(was.sent_at))),
            earlier::replaced_at.eq(at(now)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// A message and what it said before; of one that was deleted, only when. `None` when it is not of this conversation.
pub fn history(
    session: &mut Session<'_>,
    conversation: &Conversation,
    id: MessageId,
) -> Result<Option<MessageHistory>> {
    type Row = (Id<()>, Encrypted<String>, Timestamp, Timestamp);
    let Some(Stored { message, .. }) = find(session, conversation, id)? else { return Ok(None) };
    let rows: Vec<Row> = earlier::table
        .filter(earlier::message_id.eq(key(id)))
        .order(earlier::number)
        .select((earlier::id, earlier::content, earlier::written_at, earlier::replaced_at))
        .load(session.connection())?;
    let readable = message.deleted_at.is_none();
    let texts = rows.into_iter().map(|(id, content, written_at, replaced_at)| {
        let body = readable.then(|| session.open(earlier_cell(id.uuid()), &content)).transpose()?;
        Ok(EarlierText { body, written_at, replaced_at })
    });
    let earlier = texts.collect::<Result<_>>()?;
    Ok(Some(MessageHistory { message, earlier }))
}

fn rows_after(session: &mut Session<'_>, id: uuid::Uuid, after_seq: i64, limit: i64) -> Result<Vec<MessageRow>> {
    Ok(message::table
        .filter(message::conversation_id.eq(key(id)).and(message::seq.gt(after_seq)))
        .order(message::seq)
        .limit(limit)
        .select(MessageRow::as_select())
        .load(session.connection())?)
}

/// Messages after `after_seq` in their order, at most `limit`.
pub fn messages_after(session: &mut Session<'_>, id: uuid::Uuid, after_seq: i64, limit: i64) -> Result<MessagePage> {
    let mut rows = rows_after(session, id, after_seq, limit + 1)?;
    let more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or_default());
    let items = rows.into_iter().map(|row| Ok(row.open(session)?.message)).collect::<Result<Vec<_>>>()?;
    let next_after_seq = items.last().filter(|_| more).map(|message| message.seq);
    Ok(MessagePage { items, next_after_seq })
}

/// Messages after `after_seq` that contain `needle`, at most `limit`. Opens a bounded number of them: a page may be
/// empty and still have a next one.
pub fn search(
    session: &mut Session<'_>,
    id: uuid::Uuid,
    needle: &Needle,
    after_seq: i64,
    limit: i64,
) -> Result<MessagePage> {
    let (mut after, mut items) = (after_seq, Vec::new());
    for _ in 0..SEARCHED / CHUNK {
        let rows = rows_after(session, id, after, CHUNK)?;
        let last = (rows.len() as i64) < CHUNK;
        for row in rows.into_iter() {
            let found = row.open(session)?.message;
            after = found.seq;
            if found.text().is_some_and(|text| needle.is_in(text)) {
                items.push(found);
                if items.len() as i64 == limit {
                    return Ok(MessagePage { items, next_after_seq: Some(after) });
                }
            }
        }
        if last {
            return Ok(MessagePage { items, next_after_seq: None });
        }
    }
    Ok(MessagePage { items, next_after_seq: Some(after) })
}

/// How many messages of others stand after `read_seq`.
pub fn unread(session: &mut Session<'_>, id: uuid::Uuid, user: UserId, read_seq: i64) -> Result<i64> {
    Ok(message::table
        .filter(message::conversation_id.eq(key(id)))
        .filter(message::seq.gt(read_seq))
        .filter(message::sender_id.ne(key(user)))
        .filter(message::deleted_at.is_null())
        .count()
        .get_result(session.connection())?)
}

/// How many messages a conversation has, without those that were deleted.
pub fn count(session: &mut Session<'_>, id: uuid::Uuid) -> Result<i64> {
    Ok(message::table
        .filter(message::conversation_id.eq(key(id)))
        .filter(message::deleted_at.is_null())
        .count()
        .get_result(session.connection())?)
}
