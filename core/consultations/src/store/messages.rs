//! The chat. What is written is sealed under the patient's key; a client's own id of a message is kept as a keyed hash.

use consilium_db::{
    Cell, Encrypted, Result, Session, Tx,
    types::{at, key},
};
use consilium_kernel::{ConsultationId, MessageId, Timestamp, UserId};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::tables::consultation_message as message;
use crate::model::{Consultation, Message, NewMessage};

/// What stands sealed in `content`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Content {
    client_message_id: String,
    body: String,
}

type MessageRow = (MessageId, i64, UserId, Timestamp, Encrypted<Content>);

fn cell(id: MessageId) -> Cell {
    Cell::new("consultation_message", "content", id.uuid())
}

fn client_key(session: &Session<'_>, client_message_id: &str) -> Vec<u8> {
    session.vault().index("client_message_id", client_message_id)
}

/// The message that this sender has sent under the same client id, if there is one.
pub(crate) fn message_sent_before(
    session: &mut Session<'_>,
    consultation: &Consultation,
    sender: UserId,
    new: &NewMessage,
) -> Result<Option<Message>> {
    let client_key = client_key(session, &new.client_message_id);
    let row: Option<MessageRow> = message::table
        .filter(message::consultation_id.eq(key(consultation.id)))
        .filter(message::sender_id.eq(key(sender)))
        .filter(message::client_key.eq(client_key))
        .select((message::id, message::seq, message::sender_id, message::sent_at, message::content))
        .first(session.connection())
        .optional()?;
    row.map(|row| open(session, row)).transpose()
}

pub(crate) fn insert_message(tx: &mut Tx<'_>, consultation: &Consultation, new: &Message) -> Result<()> {
    let content = Content { client_message_id: new.client_message_id.clone(), body: new.body.clone() };
    let content = tx.seal(consultation.patient_id.uuid(), cell(new.id), &content)?;
    let client_key = client_key(tx, &new.client_message_id);
    diesel::insert_into(message::table)
        .values((
            message::id.eq(key(new.id)),
            message::consultation_id.eq(key(consultation.id)),
            message::facility_id.eq(key(consultation.facility_id)),
            message::sender_id.eq(key(new.sender_id)),
            message::client_key.eq(client_key),
            message::seq.eq(new.seq),
            message::content.eq(content),
            message::sent_at.eq(at(new.sent_at)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Messages after `after_seq` in their order, at most `limit`.
pub(crate) fn messages_after(
    session: &mut Session<'_>,
    id: ConsultationId,
    after_seq: i64,
    limit: i64,
) -> Result<Vec<Message>> {
    let rows: Vec<MessageRow> = message::table
        .filter(message::consultation_id.eq(key(id)).and(message::seq.gt(after_seq)))
        .order(message::seq)
        .limit(limit)
        .select((message::id, message::seq, message::sender_id, message::sent_at, message::content))
        .load(session.connection())?;
    rows.into_iter().map(|row| open(session, row)).collect()
}

fn open(session: &mut Session<'_>, (id, seq, sender_id, sent_at, content): MessageRow) -> Result<Message> {
    let Content { client_message_id, body } = session.open(cell(id), &content)?;
    Ok(Message { id, seq, sender_id, client_message_id, body, sent_at })
}
