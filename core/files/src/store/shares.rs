//! Where files are shared.

use consilium_db::{
    Error, Result, Session, Tx,
    types::{at, key},
};
use consilium_kernel::{ConsultationId, RefusalKind, Timestamp, UserId};
use diesel::prelude::*;

use super::{file, file_share, files::FileRow};
use crate::model::{FileId, SharedFile};

diesel::joinable!(file_share -> file (file_id));
diesel::allow_tables_to_appear_in_same_query!(file_share, file);

type ShareRow = (UserId, Timestamp, i64);

/// The consultations in which a file is shared.
pub fn consultations(session: &mut Session<'_>, id: FileId) -> Result<Vec<ConsultationId>> {
    Ok(file_share::table
        .filter(file_share::file_id.eq(key(id)))
        .order(file_share::seq)
        .select(file_share::consultation_id)
        .load(session.connection())?)
}

/// By whom, when and at which place a file is shared in a consultation.
pub fn share_of(session: &mut Session<'_>, consultation: ConsultationId, id: FileId) -> Result<Option<ShareRow>> {
    Ok(file_share::table
        .find((key(consultation), key(id)))
        .select((file_share::shared_by, file_share::shared_at, file_share::seq))
        .first(session.connection())
        .optional()?)
}

/// Writes a share.
pub fn insert_share(tx: &mut Tx<'_>, consultation: ConsultationId, new: &SharedFile) -> Result<()> {
    diesel::insert_into(file_share::table)
        .values((
            file_share::consultation_id.eq(key(consultation)),
            file_share::file_id.eq(key(new.file.id)),
            file_share::facility_id.eq(key(new.file.facility_id)),
            file_share::shared_by.eq(key(new.shared_by)),
            file_share::shared_at.eq(at(new.shared_at)),
            file_share::seq.eq(new.seq),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Files of a consultation in the order in which they were shared, after `after_seq`, at most `limit`. Those that were
/// erased are left out.
pub fn shared_after(
    session: &mut Session<'_>,
    consultation: ConsultationId,
    after_seq: i64,
    limit: i64,
) -> Result<Vec<SharedFile>> {
    let rows: Vec<(ShareRow, FileRow)> = file_share::table
        .inner_join(file::table)
        .filter(file_share::consultation_id.eq(key(consultation)).and(file_share::seq.gt(after_seq)))
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
