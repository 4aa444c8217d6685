//! What consultations, threads and verifications do with files: each in a transaction of theirs.

use consilium_db::{Result, Session, Tx};
use consilium_kernel::{MessageId, PatientId, Refusal};

use crate::{
    decide,
    model::{FileId, Place, SharedFile, Status, StoredFile},
    refusal::FileRefusal,
    service::tell,
    store,
};

/// Shows a file of the caller to whoever takes part in `place` with `patient`, if it is about one, for as long as the
/// message that it is attached to stands, if it is. `publish` tells that it was, and answers the number of the event. One
/// that is shared already is answered again and told to nobody.
///
/// # Errors
/// `not_found` for what is not the caller's or about somebody else; `file_not_ready`, `file_infected`.
pub fn share(
    tx: &mut Tx<'_>,
    place: Place,
    patient: Option<PatientId>,
    id: FileId,
    message: Option<MessageId>,
    publish: impl FnOnce(&mut Tx<'_>, &SharedFile) -> Result<i64>,
) -> Result<SharedFile> {
    let (scope, user) = (tx.meta().scope, tx.meta().principal.user_id());
    let file = store::find(tx, scope, id)?.ok_or_else(Refusal::not_found)?;
    decide::share(&file, user, patient)?;
    if let Some((shared_by, shared_at, seq)) = store::share_of(tx, place, id)? {
        if message.is_none() {
            store::keep_share(tx, place, id)?; // whatever becomes of the message that it came with
        }
        return Ok(SharedFile { file, shared_by, shared_at, seq });
    }
    let mut shared = SharedFile { shared_by: file.owner_id, file, shared_at: tx.now(), seq: 0 };
    shared.seq = publish(tx, &shared)?;
    store::insert_share(tx, place, message, &shared)?;
    Ok(shared)
}

/// Shows what is attached to a message no longer.
pub fn withdraw(tx: &mut Tx<'_>, message: MessageId) -> Result<()> {
    store::forget_shares(tx, message)
}

/// Shows a file of the caller's in `place` no longer, and deletes it: its bytes go in the background.
///
/// # Errors
/// `not_found` for what is not the caller's or not shown there; `file_is_shared` when it is also shown elsewhere.
pub fn take_back(tx: &mut Tx<'_>, place: Place, id: FileId) -> Result<()> {
    let (scope, user) = (tx.meta().scope, tx.meta().principal.user_id());
    let own = store::find(tx, scope, id)?.filter(|file| user == Some(file.owner_id) && file.status != Status::Deleted);
    let file = own.ok_or_else(Refusal::not_found)?;
    if !store::forget_share(tx, place, id)? {
        return Err(Refusal::not_found().into());
    }
    if !store::places(tx, id)?.is_empty() {
        return Err(FileRefusal::Shared.refusal().into());
    }
    store::mark_deleted(tx, &file)?;
    tell(tx, "file_deleted", &StoredFile { status: Status::Deleted, version: file.version + 1, ..file })
}

/// What was shared in a place after `after_seq`, in that order.
pub fn shared(session: &mut Session<'_>, place: Place, after_seq: i64, limit: i64) -> Result<Vec<SharedFile>> {
    store::shared_after(session, place, after_seq, limit)
}
