//! Files as rows. What they are called stands sealed under the key of whom they are about, and so does the key of their
//! bytes.

use std::time::Duration;

use consilium_db::{
    Cell, Encrypted, Error, Result, Session, Tx,
    types::{at, key, keys, maybe_key},
};
use consilium_kernel::{ConsultationId, FacilityId, PatientId, Scope, ThreadId, Timestamp, UserId};
use diesel::{prelude::*, sql_query, sql_types as sql};
use serde::{Deserialize, Serialize};

use super::file;
use crate::{
    decide::Usage,
    media::MediaType,
    model::{FileId, Purpose, Status, StoredFile},
    refusal::FileRefusal,
};

/// What stands sealed in `label`.
#[derive(Serialize, Deserialize)]
pub struct Label {
    name: String,
    declared: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = file)]
pub struct FileRow {
    id: FileId,
    facility_id: FacilityId,
    owner_id: UserId,
    patient_id: Option<PatientId>,
    consultation_id: Option<ConsultationId>,
    thread_id: Option<ThreadId>,
    status: String,
    media_type: Option<String>,
    length: i64,
    received: i64,
    spooled: i64,
    sha256: Option<Vec<u8>>,
    label: Encrypted<Label>,
    scanned: bool,
    expires_at: Timestamp,
    created_at: Timestamp,
    version: i64,
}

fn cell(column: &'static str, id: FileId) -> Cell {
    Cell::new("file", column, id.uuid())
}

/// Patients are erased by their key: then their files are there, and can be read no more.
fn erased(error: Error) -> Error {
    match error {
        Error::Sealed("its key was erased") => FileRefusal::Erased.refusal().into(),
        other => other,
    }
}

impl FileRow {
    pub(super) fn file(self, session: &mut Session<'_>) -> Result<StoredFile> {
        let label = session.open(cell("label", self.id), &self.label).map_err(erased)?;
        let known = |what| Error::Sealed(what);
        Ok(StoredFile {
            id: self.id,
            facility_id: self.facility_id,
            owner_id: self.owner_id,
            patient_id: self.patient_id,
            purpose: match (self.consultation_id, self.thread_id, self.patient_id) {
                (Some(consultation_id), _, _) => Purpose::Consultation { consultation_id },
                (None, Some(thread_id), _) => Purpose::Thread { thread_id },
                (None, None, Some(_)) => Purpose::Record,
                (None, None, None) => Purpose::Credential,
            },
            status: self.status.parse().map_err(|_| known("a file has an unknown status"))?,
            name: label.name,
            declared: label.declared,
            media_type: self
                .media_type
                .map(|name| MediaType::named(&name).ok_or(known("a file has an unknown type")))
                .transpose()?,
            length: self.length.unsigned_abs(),
            received: self.received.unsigned_abs(),
            spooled: self.spooled.unsigned_abs(),
            sha256: self.sha256,
            scanned: self.scanned,
            expires_at: self.expires_at,
            created_at: self.created_at,
            version: self.version,
        })
    }
}

/// Writes a new one with the key of its bytes.
pub fn insert(tx: &mut Tx<'_>, new: &StoredFile, file_key: &[u8]) -> Result<()> {
    let subject = new.subject();
    let label = Label { name: new.name.clone(), declared: new.declared.clone() };
    let label = tx.seal(subject, cell("label", new.id), &label)?;
    let file_key = tx.seal(subject, cell("file_key", new.id), &file_key.to_vec())?;
    diesel::insert_into(file::table)
        .values((
            file::id.eq(key(new.id)),
            file::facility_id.eq(key(new.facility_id)),
            file::owner_id.eq(key(new.owner_id)),
            file::patient_id.eq(maybe_key(new.patient_id)),
            file::consultation_id.eq(maybe_key(new.purpose.consultation())),
            file::thread_id.eq(maybe_key(new.purpose.thread())),
            file::status.eq(new.status.to_string()),
            file::length.eq(signed(new.length)),
            file::received.eq(0_i64),
            file::spooled.eq(0_i64),
            file::label.eq(label),
            file::file_key.eq(file_key),
            file::scanned.eq(false),
            file::attempts.eq(0),
            file::retry_at.eq(at(new.created_at)),
            file::expires_at.eq(at(new.expires_at)),
            file::created_at.eq(at(new.created_at)),
            file::version.eq(new.version),
        ))
        .execute(tx.connection())?;
    Ok(())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A file of the facility.
pub fn find(session: &mut Session<'_>, scope: Scope, id: FileId) -> Result<Option<StoredFile>> {
    let row: Option<FileRow> = file::table
        .find(key(id))
        .filter(file::facility_id.eq(key(scope.facility_id)))
        .select(FileRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(|row| row.file(session)).transpose()
}

/// The key of its bytes.
pub fn file_key(session: &mut Session<'_>, id: FileId) -> Result<Vec<u8>> {
    let sealed: Option<Encrypted<Vec<u8>>> =
        file::table.find(key(id)).select(file::file_key).first(session.connection()).optional()?;
    let sealed = sealed.ok_or_else(consilium_kernel::Refusal::not_found)?;
    session.open(cell("file_key", id), &sealed).map_err(erased)
}

#[derive(QueryableByName)]
struct UsageRow {
    #[diesel(sql_type = sql::BigInt)]
    day: i64,
    #[diesel(sql_type = sql::BigInt)]
    unfinished: i64,
}

/// What an account has begun since `since`, and what of all it began is unfinished.
pub fn usage(session: &mut Session<'_>, owner: UserId, since: Timestamp) -> Result<Usage> {
    let row: UsageRow = sql_query(
        "SELECT CAST(COALESCE(SUM(CASE WHEN created_at > $1 THEN length ELSE 0 END), 0) AS BIGINT) AS day, \
         COUNT(CASE WHEN status = 'uploading' THEN 1 END) AS unfinished \
         FROM file WHERE (created_at > $1 OR status = 'uploading') AND owner_id = $2",
    )
    .bind::<consilium_db::types::Instant, _>(since)
    .bind::<consilium_db::types::Uuid, _>(owner)
    .get_result(session.connection())?;
    Ok(Usage { day: row.day.unsigned_abs(), unfinished: row.unfinished })
}

/// More of it is there: from what `before` says to this many bytes, on disk as that many. False when somebody else
/// has changed it meanwhile.
pub fn grow(
    tx: &mut Tx<'_>,
    before: &StoredFile,
    received: u64,
    spooled: u64,
    media: Option<MediaType>,
) -> Result<bool> {
    let row = file::table
        .find(key(before.id))
        .filter(file::status.eq(Status::Uploading.to_string()))
        .filter(file::received.eq(signed(before.received)));
    let changed = diesel::update(row)
        .set((
            file::received.eq(signed(received)),
            file::spooled.eq(signed(spooled)),
            file::media_type.eq(media.map(MediaType::essence)),
        ))
        .execute(tx.connection())?;
    Ok(changed == 1)
}

/// All of it is there; it is to be processed from now on.
pub fn finish_upload(tx: &mut Tx<'_>, id: FileId) -> Result<()> {
    let now = tx.now();
    diesel::update(file::table.find(key(id)))
        .set((
            file::status.eq(Status::Scanning.to_string()),
            file::retry_at.eq(at(now)),
            file::version.eq(file::version + 1),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// A file that is to be processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub id: FileId,
    /// Whose rows it touches.
    pub facility: FacilityId,
    /// Where it stands.
    pub status: Status,
}

/// Files to be processed now, of all facilities: the longest waiting first, without those in `busy`.
pub fn due(session: &mut Session<'_>, busy: &[FileId], limit: i64) -> Result<Vec<Due>> {
    let now = session.now();
    let waiting = [Status::Scanning, Status::Deleted].map(|status| status.to_string());
    let rows: Vec<(FacilityId, FileId, String)> = file::table
        .filter(file::status.eq_any(waiting.to_vec()))
        .filter(file::retry_at.le(at(now)))
        .filter(diesel::dsl::not(file::id.eq_any(keys(busy.iter().copied()))))
        .order(file::retry_at)
        .limit(limit)
        .select((file::facility_id, file::id, file::status))
        .load(session.connection())?;
    let known = |text: &str| text.parse().map_err(|_| Error::Sealed("a file has an unknown status"));
    rows.into_iter().map(|(facility, id, status)| Ok(Due { facility, id, status: known(&status)? })).collect()
}

/// Puts off a file that could not be processed: by a second, then by twice as long each time, up to `longest`.
pub fn postpone(tx: &mut Tx<'_>, id: FileId, longest: Duration) -> Result<()> {
    let attempts: i32 = file::table.find(key(id)).select(file::attempts).first(tx.connection())?;
    let wait = longest.min(Duration::from_secs(1 << attempts.clamp(0, 20)));
    let retry_at = tx.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
    diesel::update(file::table.find(key(id)))
        .set((file::retry_at.eq(at(retry_at)), file::attempts.eq(attempts + 1)))
        .execute(tx.connection())?;
    Ok(())
}

/// Nothing of it can be read any more: its bytes are to go, and then its row.
pub fn abandon(tx: &mut Tx<'_>, id: FileId) -> Result<()> {
    diesel::update(file::table.find(key(id)))
        .set((file::status.eq(Status::Deleted.to_string()), file::version.eq(file::version + 1)))
        .execute(tx.connection())?;
    Ok(())
}

/// What processing came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is in the store.
    Stored { sha256: Vec<u8>, scanned: bool },
    /// Its bytes are to go.
    Infected,
}

/// Writes what processing came to, unless the file was deleted meanwhile.
pub fn settle(tx: &mut Tx<'_>, before: &StoredFile, outcome: &Outcome) -> Result<StoredFile> {
    let (status, sha256, scanned) = match outcome {
        Outcome::Stored { sha256, scanned } => (Status::Available, Some(sha256.clone()), *scanned),
        Outcome::Infected => (Status::Infected, None, true),
    };
    let row = file::table
        .find(key(before.id))
        .filter(file::status.eq(Status::Scanning.to_string()))
        .filter(file::version.eq(before.version));
    let changed = diesel::update(row)
        .set((
            file::status.eq(status.to_string()),
            file::sha256.eq(sha256.clone()),
            file::scanned.eq(scanned),
            file::spooled.eq(0_i64),
            file::version.eq(before.version + 1),
        ))
        .execute(tx.connection())?;
    if changed != 1 {
        return Err(Error::VersionConflict);
    }
    Ok(StoredFile { status, sha256, scanned, spooled: 0, version: before.version + 1, ..before.clone() })
}

/// Its owner has given it up; the bytes are to go before the row does.
pub fn mark_deleted(tx: &mut Tx<'_>, before: &StoredFile) -> Result<()> {
    let now = tx.now();
    let row = file::table.find(key(before.id)).filter(file::version.eq(before.version));
    let changed = diesel::update(row)
        .set((
            file::status.eq(Status::Deleted.to_string()),
            file::retry_at.eq(at(now)),
            file::version.eq(before.version + 1),
        ))
        .execute(tx.connection())?;
    if changed == 1 { Ok(()) } else { Err(Error::VersionConflict) }
}

/// Forgets a file in this state. False when there is none.
pub fn forget(tx: &mut Tx<'_>, id: FileId, status: Status) -> Result<bool> {
    let row = file::table.find(key(id)).filter(file::status.eq(status.to_string()));
    Ok(diesel::delete(row).execute(tx.connection())? == 1)
}

/// Of these files, those whose bytes still lie in the folder of uploads.
pub fn spooled(session: &mut Session<'_>, ids: &[FileId]) -> Result<Vec<FileId>> {
    let lying = [Status::Uploading, Status::Scanning].map(|status| status.to_string());
    Ok(file::table
        .filter(file::id.eq_any(keys(ids.iter().copied())))
        .filter(file::status.eq_any(lying.to_vec()))
        .select(file::id)
        .load(session.connection())?)
}
