//! Where files are shared.

use consilium_db::{
    Error, Result, Session, Tx,
    types::{at, key, maybe_key},
};
use consilium_kernel::{Id, MessageId, RefusalKind, Timestamp, UserId};
use diesel::prelude::*;

use super::{file, file_share, files::FileRow};
use crate::model::{FileId, Place, SharedFile};

diesel::joinable!(file_share -> file (file_id));
diesel::allow_tables_to_appear_in_same_query!(file_share, file);

type ShareRow = (UserId, Timestamp, i64);

/// Where a file is shared.
pub fn places(session: &mut Session<'_>, id: FileId) -> Result<Vec<Place>> {
    let rows: Vec<(String, Id<()>)> = file_share::table
        .filter(file_share::file_id.eq(key(id)))
        .order((file_share::shared_at, file_share::seq))
        .select((file_share::conversation_kind, file_share::conversation_id))
        .load(session.connection())?;
    let place = |(kind, id): (String, Id<()>)| match kind.as_str() {
        "consultation" => Ok(Place::Consultation(Id::new(id.uuid()))),
        "thread" => Ok(Place::Thread(Id::new(id.uuid()))),
        "verification" => Ok(Place::Verification(Id::new(id.uuid()))),
        _ => Err(Error::Sealed("a file is shared in an unknown kind of conversation")),
    };
    rows.into_iter().map(place).collect()
}

/// By whom, when and with which number a file is shared in a place.
pub fn share_of(session: &mut Session<'_>, place: Place, id: FileId) -> Result<Option<ShareRow>> {
    Ok(file_share::table
        .find((key(place.id()), key(id)))
        .select((file_share::shared_by, file_share::shared_at, file_share::seq))
        .first(session.connection())
        .optional()?)
}

/// Writes a share.
pub fn insert_share(tx: &mut Tx<'_>, place: Place, message: Option<MessageId>, new: &SharedFile) -> Result<()> {
    diesel::insert_into(file_share::table)
        .values((
            file_share::conversation_kind.eq(place.kind()),
            file_share::conversation_id.eq(key(place.id())),
            file_share::file_id.eq(key(new.file.id)),
            file_share::facility_id.eq(key(new.file.facility_id)),
            file_share::shared_by.eq(key(new.shared_by)),
            file_share::shared_at.eq(at(new.shared_at)),
            file_share::seq.eq(new.seq),
            file_share::message_id.eq(maybe_key(message)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Lets a share stand by itself, without the message that made it.
pub fn keep_share(tx: &mut Tx<'_>, place: Place, id: FileId) -> Result<()> {
    diesel::update(file_share::table.find((key(place.id()), key(id))))
        .set(file_share::message_id.eq(maybe_key(None::<MessageId>)))
        .execute(tx.connection())?;
    Ok(())
}

/// Forgets one share. False when there is none.
pub fn forget_share(tx: &mut Tx<'_>, place: Place, id: FileId) -> Result<bool> {
    Ok(diesel::delete(file_share::table.find((key(place.id()), key(id)))).execute(tx.connection())? == 1)
}

/// Forgets the shares that a message made.
pub fn forget_shares(tx: &mut Tx<'_>, message: MessageId) -> Result<()> {
    diesel::delete(file_share::table.filter(file_share::message_id.eq(maybe_key(Some(message)))))
        .execute(tx.connection())?;
    Ok(())
}

/// Files of a place in the order in which they were shared, after `after_seq`, at most `limit`. Those that were
/// erased are left out.
pub fn shared_after(session: &mut Session<'_>, place: Place, after_seq: i64, limit: i64) -> Result<Vec<SharedFile>> {
    let rows: Vec<(ShareRow, FileRow)> = file_share::table
        .inner_join(file::table)
        .filter(file_share::conversation_id.eq(key(place.id())).and(file_share::seq.gt(after_seq)))
        .order(file_share::seq)
        .limit(limit)
        .select(((file_share::shared_by, file_share::shared_at, file_share::seq), FileRow::as_select()))
        .load(session.connection())?;
    let mut found = Vec::new();
    for ((shared_by, shared_at, seq), row) in rows {
        match row.file(session) {
            Ok(file) => found.push(SharedFile { file, shared_by, shared_at, seq }),
            Err(Error::Refused(refusal)) if refusal.kind == RefusalKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
