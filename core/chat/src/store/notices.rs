//! What waits for whom, and what they were told of.

use consilium_db::{
    Error, Result, Session, Tx,
    types::{key, maybe_at},
};
use consilium_kernel::{FacilityId, Id, Timestamp, UserId};
use diesel::prelude::*;

use super::tables::chat_notice as notice;
use crate::model::{Conversation, ConversationKind};

/// One reader of one conversation.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) id: uuid::Uuid,
    pub(crate) kind: ConversationKind,
    pub(crate) conversation_id: uuid::Uuid,
    facility_id: FacilityId,
    pub(crate) user_id: UserId,
    /// The newest message that they have not read, while they are still to be told.
    pub(crate) waiting_seq: Option<i64>,
    /// The newest message that they were told of and have not read.
    pub(crate) told_seq: Option<i64>,
    /// When they were last told.
    pub(crate) told_at: Option<Timestamp>,
    /// Whether there is a row.
    pub(crate) is_stored: bool,
}

type Row = (Id<()>, String, Id<()>, FacilityId, UserId, Option<i64>, Option<i64>, Option<Timestamp>);

impl Notice {
    fn of(row: Row) -> Result<Self> {
        let (id, kind, conversation_id, facility_id, user_id, waiting_seq, told_seq, told_at) = row;
        Ok(Self {
            id: id.uuid(),
            kind: kind.parse().map_err(|_| Error::Sealed("a conversation is of an unknown kind"))?,
            conversation_id: conversation_id.uuid(),
            facility_id,
            user_id,
            waiting_seq,
            told_seq,
            told_at,
            is_stored: true,
        })
    }
}

const COLUMNS: (
    notice::id,
    notice::conversation_kind,
    notice::conversation_id,
    notice::facility_id,
    notice::user_id,
    notice::waiting_seq,
    notice::told_seq,
    notice::told_at,
) = (
    notice::id,
    notice::conversation_kind,
    notice::conversation_id,
    notice::facility_id,
    notice::user_id,
    notice::waiting_seq,
    notice::told_seq,
    notice::told_at,
);

/// By its id. Nobody else changes it until the transaction ends: what it is changed to depends on what was read.
pub(crate) fn notice(tx: &mut Tx<'_>, id: uuid::Uuid) -> Result<Option<Notice>> {
    let row = notice::table.find(key(id));
    diesel::update(row).set(notice::waiting_seq.eq(notice::waiting_seq)).execute(tx.connection())?;
    notice_as_it_is(tx, id)
}

/// By its id, as it is now.
pub(crate) fn notice_as_it_is(session: &mut Session<'_>, id: uuid::Uuid) -> Result<Option<Notice>> {
    let row = notice::table.find(key(id));
    let found: Option<Row> = row.select(COLUMNS).first(session.connection()).optional()?;
    found.map(Notice::of).transpose()
}

/// The reader's, kept from others like that, or a new one for which nothing waits.
pub(crate) fn notice_of(tx: &mut Tx<'_>, conversation: &Conversation, user: UserId) -> Result<Notice> {
    let id: Option<Id<()>> = notice::table
        .filter(notice::conversation_id.eq(key(conversation.id)))
        .filter(notice::user_id.eq(key(user)))
        .select(notice::id)
        .first(tx.connection())
        .optional()?;
    let found = match id {
        Some(id) => notice(tx, id.uuid())?,
        None => None,
    };
    Ok(found.unwrap_or_else(|| Notice {
        id: tx.new_id::<()>().uuid(),
        kind: conversation.kind,
        conversation_id: conversation.id,
        facility_id: conversation.facility_id,
        user_id: user,
        waiting_seq: None,
        told_seq: None,
        told_at: None,
        is_stored: false,
    }))
}

/// Writes it.
pub(crate) fn save_notice(tx: &mut Tx<'_>, saved: &Notice) -> Result<()> {
    let id = saved.id;
    let values = (
        notice::waiting_seq.eq(saved.waiting_seq),
        notice::told_seq.eq(saved.told_seq),
        notice::told_at.eq(maybe_at(saved.told_at)),
    );
    if saved.is_stored {
        diesel::update(notice::table.find(key(id))).set(values).execute(tx.connection())?;
        return Ok(());
    }
    diesel::insert_into(notice::table)
        .values((
            notice::id.eq(key(id)),
            notice::conversation_kind.eq(<&str>::from(saved.kind)),
            notice::conversation_id.eq(key(saved.conversation_id)),
            notice::facility_id.eq(key(saved.facility_id)),
            notice::user_id.eq(key(saved.user_id)),
            values,
        ))
        .execute(tx.connection())?;
    Ok(())
}
