//! What providers recorded, as rows.

use std::time::Duration;

use consilium_db::{
    AnyConnection, Cell, Encrypted, Error, MultiBackend, Result, Session, Tx,
    types::{at, key, keys, maybe_at},
    violates,
};
use consilium_kernel::{ConsultationId, FacilityId, PatientId, Scope, Timestamp};
use diesel::prelude::*;

use super::provider_recording as file;
use crate::{
    model::RecordingId,
    provider::{Download, FileStatus, ProviderRecording},
};

/// A file that is to be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub id: RecordingId,
    /// Whose rows it touches.
    pub facility: FacilityId,
    /// How often it was tried before.
    pub attempts: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = file)]
struct FileRow {
    id: RecordingId,
    facility_id: FacilityId,
    consultation_id: ConsultationId,
    provider: String,
    room: String,
    reference: String,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    status: String,
    problem: Option<String>,
    attempts: i32,
    retry_at: Timestamp,
    reported_at: Timestamp,
    settled_at: Option<Timestamp>,
}

impl FileRow {
    fn file(self) -> Result<ProviderRecording> {
        let status = self.status.parse().map_err(|_| Error::Sealed("a provider's recording has an unknown status"))?;
        Ok(ProviderRecording {
            id: self.id,
            facility_id: self.facility_id,
            consultation_id: self.consultation_id,
            provider: self.provider,
            room: self.room,
            reference: self.reference,
            started_at: self.started_at,
            ended_at: self.ended_at,
            status,
            problem: self.problem,
            attempts: self.attempts,
            retry_at: self.retry_at,
            reported_at: self.reported_at,
            settled_at: self.settled_at,
        })
    }
}

fn cell(id: RecordingId) -> Cell {
    Cell::new("provider_recording", "download", id.uuid())
}

/// Writes a file that is not known yet; whether it was new.
pub(crate) fn insert_file(
    tx: &mut Tx<'_>,
    new: &ProviderRecording,
    patient: PatientId,
    download: Option<&Download>,
) -> Result<bool> {
    let twin = file::table.filter(file::provider.eq(&new.provider).and(file::reference.eq(&new.reference)));
    if twin.count().get_result::<i64>(tx.connection())? > 0 {
        return Ok(false);
    }
    let sealed = download.map(|download| tx.seal(patient.uuid(), cell(new.id), download)).transpose()?;
    diesel::insert_into(file::table)
        .values((
            file::id.eq(key(new.id)),
            file::facility_id.eq(key(new.facility_id)),
            file::consultation_id.eq(key(new.consultation_id)),
            file::patient_id.eq(key(patient)),
            file::provider.eq(&new.provider),
            file::room.eq(&new.room),
            file::reference.eq(&new.reference),
            file::started_at.eq(at(new.started_at)),
            file::ended_at.eq(maybe_at(new.ended_at)),
            file::download.eq(sealed),
            file::status.eq(new.status.to_string()),
            file::attempts.eq(new.attempts),
            file::retry_at.eq(at(new.retry_at)),
            file::reported_at.eq(at(new.reported_at)),
        ))
        .execute(tx.connection())
        .map_err(|error| match violates(&error, "provider_recording") {
            // The twin was quicker: look again.
            true => Error::VersionConflict,
            false => error.into(),
        })?;
    Ok(true)
}

/// What is to be fetched now, of all facilities: the longest waiting first, without those in `busy`.
pub(crate) fn due_files(session: &mut Session<'_>, busy: &[RecordingId], limit: i64) -> Result<Vec<Waiting>> {
    let now = session.now();
    let rows: Vec<(RecordingId, FacilityId, i32)> = file::table
        .filter(file::status.eq(FileStatus::Waiting.to_string()).and(file::retry_at.le(at(now))))
        .filter(diesel::dsl::not(file::id.eq_any(keys(busy.iter().copied()))))
        .order(file::retry_at)
        .limit(limit)
        .select((file::id, file::facility_id, file::attempts))
        .load(session.connection())?;
    Ok(rows.into_iter().map(|(id, facility, attempts)| Waiting { id, facility, attempts }).collect())
}

/// A file that still waits, and where it was said to lie when it was reported.
pub(crate) fn waiting_file(
    session: &mut Session<'_>,
    id: RecordingId,
) -> Result<Option<(ProviderRecording, Option<Download>)>> {
    type Row = (FileRow, Option<Encrypted<Download>>);
    let row: Option<Row> = file::table
        .find(key(id))
        .filter(file::status.eq(FileStatus::Waiting.to_string()))
        .select((FileRow::as_select(), file::download))
        .first(session.connection())
        .optional()?;
    let Some((row, sealed)) = row else { return Ok(None) };
    let download = sealed.map(|sealed| session.open(cell(id), &sealed)).transpose()?;
    Ok(Some((row.file()?, download)))
}

/// A file that still waits, held until commit.
pub(crate) fn lock_file(tx: &mut Tx<'_>, id: RecordingId) -> Result<Option<ProviderRecording>> {
    let rows = file::table.find(key(id)).select(file::id);
    let held: Option<RecordingId> = match tx.connection() {
        AnyConnection::Postgres(postgres) => rows.for_update().first(postgres).optional()?,
        AnyConnection::Sqlite(sqlite) => rows.first(sqlite).optional()?,
    };
    let Some(id) = held else { return Ok(None) };
    let row: FileRow = file::table.find(key(id)).select(FileRow::as_select()).first(tx.connection())?;
    Ok(Some(row.file()?).filter(|file| file.status == FileStatus::Waiting))
}

/// Who made the recording with this id.
pub(crate) fn provider_of(session: &mut Session<'_>, id: RecordingId) -> Result<String> {
    Ok(file::table.find(key(id)).select(file::provider).first(session.connection())?)
}

/// Writes what became of a file: where it lay is forgotten, unless it is to be tried again.
pub(crate) fn settle_file(tx: &mut Tx<'_>, id: RecordingId, status: FileStatus, problem: Option<&str>) -> Result<()> {
    let now = tx.now();
    diesel::update(file::table.find(key(id)))
        .set((file::status.eq(status.to_string()), file::problem.eq(problem), file::settled_at.eq(maybe_at(Some(now)))))
        .execute(tx.connection())?;
    if status != FileStatus::Dead {
        let nothing: Option<Encrypted<Download>> = None;
        diesel::update(file::table.find(key(id))).set(file::download.eq(nothing)).execute(tx.connection())?;
    }
    Ok(())
}

/// Puts off what could not be fetched: by a second, then by twice as long each time, up to `longest`.
pub(crate) fn postpone_file(tx: &mut Tx<'_>, due: Waiting, problem: &str, longest: Duration) -> Result<()> {
    let wait = longest.min(Duration::from_secs(1 << due.attempts.clamp(0, 20)));
    let retry_at = tx.now() + wait;
    diesel::update(file::table.find(key(due.id)))
        .set((file::retry_at.eq(at(retry_at)), file::attempts.eq(due.attempts + 1), file::problem.eq(Some(problem))))
        .execute(tx.connection())?;
    Ok(())
}

/// Lets a file that was given up be tried again; its status before. `None` when there is none of this id.
pub(crate) fn retry_file(tx: &mut Tx<'_>, scope: Scope, id: RecordingId) -> Result<Option<FileStatus>> {
    let row = file::table.find(key(id)).filter(file::facility_id.eq(key(scope.facility_id)));
    let found: Option<FileRow> = row.select(FileRow::as_select()).first(tx.connection()).optional()?;
    let Some(before) = found.map(FileRow::file).transpose()? else { return Ok(None) };
    if before.status == FileStatus::Dead {
        let now = tx.now();
        diesel::update(file::table.find(key(id)))
            .set((
                file::status.eq(FileStatus::Waiting.to_string()),
                file::attempts.eq(0),
                file::retry_at.eq(at(now)),
                file::settled_at.eq(maybe_at(None)),
            ))
            .execute(tx.connection())?;
    }
    Ok(Some(before.status))
}

/// Files of the facility, newest first; those of `status` only, and from before `before`.
pub(crate) fn list_files(
    session: &mut Session<'_>,
    scope: Scope,
    status: Option<FileStatus>,
    before: Option<RecordingId>,
    limit: i64,
) -> Result<Vec<ProviderRecording>> {
    let mut query = file::table
        .filter(file::facility_id.eq(key(scope.facility_id)))
        .order(file::id.desc())
        .limit(limit)
        .select(FileRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(status) = status {
        query = query.filter(file::status.eq(status.to_string()));
    }
    if let Some(before) = before {
        query = query.filter(file::id.lt(key(before)));
    }
    let rows: Vec<FileRow> = query.load(session.connection())?;
    rows.into_iter().map(FileRow::file).collect()
}
