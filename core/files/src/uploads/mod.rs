//! Taking files in, part by part. What is acknowledged is on disk and in the database.

mod checksum;
mod expiry;
mod turns;

use std::time::Duration;

use bytes::Bytes;
use consilium_db::{Result, Tx, records::RecordKey, timers::TimerRequest};
use consilium_kernel::{CommandMeta, Refusal, Timestamp};
use futures_util::{Stream, StreamExt as _};
use jiff::SignedDuration;
use serde_json::json;

pub use checksum::{Algorithm, Checksum};
pub use expiry::ExpiryTimer;
pub use turns::Turns;

use crate::{
    decide,
    media::{self, MediaType, PREFIX},
    model::{FileId, NewUpload, Status, StoredFile},
    refusal::FileRefusal,
    service::{Files, entity, tell, unavailable},
    spool::Intake,
    store,
};
use expiry::EXPIRY;

/// A body that sends nothing for so long has ended.
const IDLE: Duration = Duration::from_secs(30);
/// Of a long part so much is put on disk at once, so that a broken connection costs no more.
const CHECKPOINT: u64 = 4 * 1024 * 1024;

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are there for good.
    pub offset: u64,
    /// Bytes that it will have.
    pub length: u64,
    /// When it is forgotten; `None` once it is complete.
    pub expires_at: Option<Timestamp>,
    /// What the client said of it.
    pub declared: String,
}

impl From<StoredFile> for Progress {
    fn from(file: StoredFile) -> Self {
        let unfinished = file.status == Status::Uploading;
        let expires_at = unfinished.then_some(file.expires_at);
        Self { offset: file.received, length: file.length, expires_at, declared: file.declared }
    }
}

impl Files {
    /// Begins an upload.
    ///
    /// # Errors
    /// `not_found` for a consultation or thread that is not the caller's, or about no patient; `forbidden` for a purpose
    /// that is not the caller's; `file_too_large`, `file_quota`, `too_many_uploads`.
    pub async fn create(&self, meta: &CommandMeta, new: NewUpload) -> Result<StoredFile, Refusal> {
        let owner_id = meta.principal.user_id().ok_or_else(Refusal::not_found)?;
        let patient_id = self.patient_of(meta, new.purpose).await?;
        let (db, settings, again) = (self.db.clone(), self.settings.clone(), meta.clone());
        self.db
            .once(meta, async move {
                let made = db.command(&again, move |tx| {
                    let now = tx.now();
                    let day = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
                    decide::create(&new, store::usage(tx, owner_id, day)?, &settings)?;
                    let file = StoredFile {
                        id: tx.new_id(),
                        facility_id: tx.meta().scope.facility_id,
                        owner_id,
                        patient_id,
                        purpose: new.purpose,
                        status: Status::Uploading,
                        name: new.name.clone(),
                        declared: new.declared.clone(),
                        media_type: None,
                        length: new.length,
                        received: 0,
                        spooled: 0,
                        sha256: None,
                        scanned: false,
                        expires_at: now.saturating_add(settings.upload_time).unwrap_or(Timestamp::MAX),
                        created_at: now,
                        version: 1,
                    };
                    let key = RecordKey::generate().map_err(|error| unavailable(file.id, &error))?;
                    store::insert(tx, &file, &key)?;
                    tx.audit("file_upload_begun", &entity(file.id), 1)?;
                    let (entity, due_at) = (entity(file.id), file.expires_at);
                    tx.set_timer(TimerRequest { kind: EXPIRY, entity, revision: 1, due_at })?;
                    Ok(file)
                });
                Ok(made.await?)
            })
            .await
    }

    /// How far an upload of the caller is.
    pub async fn progress(&self, meta: &CommandMeta, id: FileId) -> Result<Progress, Refusal> {
        self.own(meta, id).await.map(Progress::from)
    }

    /// Adds a part that begins at `offset`, of `bytes` bytes if that is known. What breaks off is kept as far as it
    /// came, unless it has a checksum: then all of it is kept or nothing.
    ///
    /// # Errors
    /// `upload_offset`, `upload_busy`, `upload_finished`; `chunk_too_large`, `upload_overflow`; `checksum_mismatch`;
    /// `active_content`, `unsupported_file_type` and `unsupported_credential_type` end the upload.
    pub async fn append<E>(
        &self,
        meta: &CommandMeta,
        id: FileId,
        offset: u64,
        bytes: Option<u64>,
        mut checksum: Option<Checksum>,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Progress, Refusal> {
        // Somebody else's upload must not be interrupted.
        self.own(meta, id).await?;
        let mut turn = self.turns.take(id).await.ok_or(FileRefusal::Busy)?;
        let mut file = self.own(meta, id).await?;
        decide::append(&file, offset, bytes, &self.settings)?;
        let broken = |error| unavailable(id, &error);
        let mut intake = self.spool.write(&file, self.key(id).await?).await.map_err(broken)?;
        let (mut taken, mut unsaved, mut cut) = (0, 0, None);
        loop {
            let next = tokio::select! {
                biased;
                () = turn.overtaken() => { cut = Some(FileRefusal::Busy); break }
                next = tokio::time::timeout(IDLE, body.next()) => next,
            };
            let piece = match next {
                Ok(None) => break,
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(_))) | Err(_) => {
                    cut = Some(FileRefusal::Interrupted);
                    break;
                }
            };
            taken += piece.len() as u64;
            unsaved += piece.len() as u64;
            if taken > self.settings.max_chunk {
                return Err(FileRefusal::ChunkTooLarge.refusal());
            }
            if offset + taken > file.length {
                return Err(FileRefusal::Overflow.refusal());
            }
            if let Some(checksum) = &mut checksum {
                checksum.update(&piece);
            }
            intake = intake.take(&piece).await.map_err(broken)?;
            if checksum.is_none() && unsaved >= CHECKPOINT {
                (intake, file) = self.save(meta, file, intake).await?;
                unsaved = 0;
            }
        }
        if let Some(checksum) = checksum {
            if let Some(cut) = cut {
                return Err(cut.refusal());
            }
            if !checksum.holds() {
                return Err(FileRefusal::Checksum.refusal());
            }
        }
        if unsaved > 0 {
            (_, file) = self.save(meta, file, intake).await?;
        }
        cut.map_or_else(|| Ok(file.into()), |cut| Err(cut.refusal()))
    }

    /// Puts what was taken in on disk, then into the row; the last part completes the upload.
    async fn save(
        &self,
        meta: &CommandMeta,
        before: StoredFile,
        intake: Intake,
    ) -> Result<(Intake, StoredFile), Refusal> {
        let id = before.id;
        let (intake, received, spooled) = intake.sync().await.map_err(|error| unavailable(id, &error))?;
        let complete = received == before.length;
        let media_type = match self.recognise(&before, received, spooled).await? {
            Ok(media_type) => media_type,
            Err(refusal) => {
                self.give_up(meta, &before, refusal).await?;
                return Err(refusal.refusal());
            }
        };
        let row = before.clone();
        let grown = self.db.write(meta, move |tx| {
            let grown = store::grow(tx, &row, received, spooled, media_type)?;
            if grown && complete {
                store::finish_upload(tx, id)?;
                tx.withdraw_timers(id.uuid(), &[EXPIRY])?;
                tx.audit("file_uploaded", &entity(id), row.version + 1)?;
            }
            Ok(grown)
        });
        if !grown.await? {
            return Err(FileRefusal::Offset.refusal());
        }
        let mut file = StoredFile { received, spooled, media_type, ..before };
        if complete {
            (file.status, file.version) = (Status::Scanning, file.version + 1);
            self.wake.notify_one();
        }
        Ok((intake, file))
    }

    /// What it is, as soon as enough is there; text is looked at to its end.
    async fn recognise(
        &self,
        file: &StoredFile,
        received: u64,
        spooled: u64,
    ) -> Result<Result<Option<MediaType>, FileRefusal>, Refusal> {
        let (id, complete) = (file.id, received == file.length);
        let broken = |error| unavailable(id, &error);
        let mut known = file.media_type;
        if known.is_none() && received >= PREFIX.min(file.length) {
            let prefix = self.spool.prefix(id, spooled, self.key(id).await?).await.map_err(broken)?;
            match media::recognise(&prefix, complete) {
                Ok(media_type) => known = Some(media_type),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        if complete
            && known.is_some_and(MediaType::is_text)
            && !self.spool.is_text(id, spooled, self.key(id).await?).await.map_err(broken)?
        {
            return Ok(Err(FileRefusal::Unsupported));
        }
        Ok(known.map_or(Ok(()), |media| decide::fits(file.purpose, media)).map(|()| known))
    }

    /// Forgets an upload whose content is not accepted.
    async fn give_up(&self, meta: &CommandMeta, file: &StoredFile, because: FileRefusal) -> Result<(), Refusal> {
        let (id, version) = (file.id, file.version);
        let forget = move |tx: &mut Tx<'_>| {
            store::forget(tx, id, Status::Uploading)?;
            tx.withdraw_timers(id.uuid(), &[EXPIRY])?;
            tx.audit_with("file_refused", &entity(id), version, &json!({"code": because.refusal().code}))
        };
        self.db.write(meta, forget).await?;
        self.spool.remove(id).await;
        Ok(())
    }

    /// Ends an upload, or deletes a file that is shared nowhere.
    ///
    /// # Errors
    /// `file_is_shared`.
    pub async fn delete(&self, meta: &CommandMeta, id: FileId) -> Result<(), Refusal> {
        self.own(meta, id).await?;
        let _turn = self.turns.take(id).await.ok_or(FileRefusal::Busy)?;
        let file = self.own(meta, id).await?;
        let row = file.clone();
        let delete = move |tx: &mut Tx<'_>| match decide::delete(&row, !store::places(tx, id)?.is_empty())? {
            Some(_) => {
                store::mark_deleted(tx, &row)?;
                let gone = StoredFile { status: Status::Deleted, version: row.version + 1, ..row.clone() };
                tell(tx, "file_deleted", &gone)
            }
            None => {
                store::forget(tx, id, row.status)?;
                tx.withdraw_timers(id.uuid(), &[EXPIRY])?;
                tx.audit("file_upload_ended", &entity(id), row.version)
            }
        };
        self.db.write(meta, delete).await?;
        if file.status == Status::Uploading {
            self.spool.remove(id).await;
        }
        self.wake.notify_one();
        Ok(())
    }
}
