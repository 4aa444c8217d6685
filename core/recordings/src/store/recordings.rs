//! Recordings as rows.

use std::time::Duration;

use consilium_consultations::Part;
use consilium_db::{
    AnyConnection, Cell, ERASED, Encrypted, Error, Result, Session, Tx,
    types::{at, key, keys, maybe_at, maybe_key},
};
use consilium_files::MediaType;
use consilium_kernel::{ConsultationId, FacilityId, PatientId, Refusal, Scope, Timestamp, UserId};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};
use strum::{Display, EnumString};

use super::{provider::provider_of, recording, recording_consent as consent};
use crate::{
    model::{Consent, Recording, RecordingId, Status},
    refusal::RecordingRefusal,
};

/// What remains to be done in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Work {
    /// Join the segments.
    Join,
    /// Remove what was joined, or never counted.
    Tidy,
    /// Remove everything.
    Purge,
}

/// Work that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Of which recording.
    pub id: RecordingId,
    /// Whose rows it touches.
    pub facility: FacilityId,
    /// What.
    pub work: Work,
    /// How often it was tried before.
    pub attempts: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = recording)]
struct RecordingRow {
    id: RecordingId,
    facility_id: FacilityId,
    consultation_id: ConsultationId,
    patient_id: PatientId,
    requested_by: UserId,
    media: String,
    status: String,
    stopped_because: Option<String>,
    failed_because: Option<String>,
    text_version: String,
    media_type: Option<String>,
    segments: i64,
    received: i64,
    length: Option<i64>,
    sha256: Option<Vec<u8>>,
    duration_ms: Option<i64>,
    thumbnail: Option<Encrypted<String>>,
    processed_with: Option<String>,
    progress: i32,
    held: bool,
    agreed_in: Option<RecordingId>,
    requested_at: Timestamp,
    started_at: Option<Timestamp>,
    stopped_at: Option<Timestamp>,
    closes_at: Option<Timestamp>,
    ready_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    version: i64,
}

fn cell(column: &'static str, id: RecordingId) -> Cell {
    Cell::new("recording", column, id.uuid())
}

fn word<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::Sealed("a recording has an unknown word"))
}

impl RecordingRow {
    fn recording(self, session: &mut Session<'_>) -> Result<Recording> {
        // Of a patient who was erased, what happened can still be told.
        let thumbnail = match self.thumbnail.map(|sealed| session.open(cell("thumbnail", self.id), &sealed)) {
            Some(Err(Error::Sealed(ERASED))) => None,
            opened => opened.transpose()?,
        };
        Ok(Recording {
            consents: consents(session, self.agreed_in.unwrap_or(self.id))?,
            id: self.id,
            facility_id: self.facility_id,
            consultation_id: self.consultation_id,
            patient_id: self.patient_id,
            requested_by: self.requested_by,
            media: word(&self.media)?,
            status: word(&self.status)?,
            stopped_because: self.stopped_because.as_deref().map(word).transpose()?,
            failed_because: self.failed_because.as_deref().map(word).transpose()?,
            text_version: self.text_version,
            media_type: self
                .media_type
                .map(|name| MediaType::named(&name).ok_or(Error::Sealed("a recording has an unknown type")))
                .transpose()?,
            segments: self.segments,
            received: self.received.unsigned_abs(),
            length: self.length.map(i64::unsigned_abs),
            sha256: self.sha256,
            duration_ms: self.duration_ms,
            thumbnail,
            processed_with: self.processed_with,
            progress: self.progress,
            held: self.held,
            provider: self.agreed_in.map(|_| provider_of(session, self.id)).transpose()?,
            agreed_in: self.agreed_in,
            requested_at: self.requested_at,
            started_at: self.started_at,
            stopped_at: self.stopped_at,
            closes_at: self.closes_at,
            ready_at: self.ready_at,
            expires_at: self.expires_at,
            version: self.version,
        })
    }
}

fn consents(session: &mut Session<'_>, id: RecordingId) -> Result<Vec<Consent>> {
    type Row = (UserId, String, String, String, Timestamp);
    let rows: Vec<Row> = consent::table
        .filter(consent::recording_id.eq(key(id)))
        .order(consent::id)
        .select((consent::user_id, consent::role, consent::decision, consent::text_version, consent::decided_at))
        .load(session.connection())?;
    rows.into_iter()
        .map(|(user_id, role, decision, text_version, decided_at)| {
            let role: Part = word(&role)?;
            Ok(Consent { user_id, role, decision: word(&decision)?, text_version, decided_at })
        })
        .collect()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes a new one with the key of its bytes. 409 `already_recording` when there is a live one.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Recording, recording_key: &[u8]) -> Result<()> {
    let sealed = tx.seal(new.patient_id.uuid(), cell("recording_key", new.id), &recording_key.to_vec())?;
    let inserted = diesel::insert_into(recording::table)
        .values((
            recording::id.eq(key(new.id)),
            recording::facility_id.eq(key(new.facility_id)),
            recording::consultation_id.eq(key(new.consultation_id)),
            recording::patient_id.eq(key(new.patient_id)),
            recording::requested_by.eq(key(new.requested_by)),
            recording::media.eq(new.media.to_string()),
            recording::status.eq(new.status.to_string()),
            recording::text_version.eq(&new.text_version),
            recording::recording_key.eq(sealed),
            recording::segments.eq(new.segments),
            recording::received.eq(signed(new.received)),
            recording::progress.eq(new.progress),
            recording::held.eq(new.held),
            recording::agreed_in.eq(maybe_key(new.agreed_in)),
            recording::media_type.eq(new.media_type.map(MediaType::essence)),
            recording::requested_at.eq(at(new.requested_at)),
            recording::attempts.eq(0),
            recording::retry_at.eq(at(new.requested_at)),
            recording::version.eq(new.version),
        ))
        .execute(tx.connection());
    match inserted {
        Ok(_) => Ok(()),
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            Err(RecordingRefusal::AlreadyRecording.refusal().into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes where it stands; fails with `VersionConflict` when it is not as `before` any more.
pub(crate) fn save(tx: &mut Tx<'_>, before: &Recording, after: &Recording) -> Result<()> {
    let row = recording::table.find(key(after.id)).filter(recording::version.eq(before.version));
    let changed = diesel::update(row)
        .set((
            recording::status.eq(after.status.to_string()),
            recording::stopped_because.eq(after.stopped_because.map(|word| word.to_string())),
            recording::failed_because.eq(after.failed_because.map(|word| word.to_string())),
            recording::length.eq(after.length.map(signed)),
            recording::sha256.eq(after.sha256.clone()),
            recording::duration_ms.eq(after.duration_ms),
            recording::processed_with.eq(after.processed_with.clone()),
            recording::progress.eq(after.progress),
            recording::held.eq(after.held),
            recording::started_at.eq(maybe_at(after.started_at)),
            recording::stopped_at.eq(maybe_at(after.stopped_at)),
            recording::closes_at.eq(maybe_at(after.closes_at)),
            recording::ready_at.eq(maybe_at(after.ready_at)),
            recording::expires_at.eq(maybe_at(after.expires_at)),
            recording::version.eq(after.version),
        ))
        .execute(tx.connection())?;
    if changed != 1 {
        return Err(Error::VersionConflict);
    }
    if after.thumbnail != before.thumbnail {
        let (subject, cell) = (after.patient_id.uuid(), cell("thumbnail", after.id));
        let sealed = after.thumbnail.as_ref().map(|picture| tx.seal(subject, cell, picture)).transpose()?;
        diesel::update(recording::table.find(key(after.id)))
            .set(recording::thumbnail.eq(sealed))
            .execute(tx.connection())?;
    }
    Ok(())
}

/// A recording, held until commit: what is decided about one is decided one after the other.
pub(crate) fn lock(tx: &mut Tx<'_>, id: RecordingId) -> Result<Option<Recording>> {
    let rows = recording::table.find(key(id)).select(recording::id);
    let held: Option<RecordingId> = match tx.connection() {
        AnyConnection::Postgres(postgres) => rows.for_update().first(postgres).optional()?,
        AnyConnection::Sqlite(sqlite) => rows.first(sqlite).optional()?,
    };
    let Some(id) = held else { return Ok(None) };
    let row = recording::table.find(key(id)).select(RecordingRow::as_select());
    let row: RecordingRow = row.first(tx.connection())?;
    row.recording(tx).map(Some)
}

/// A recording of the facility.
pub(crate) fn find(session: &mut Session<'_>, scope: Scope, id: RecordingId) -> Result<Option<Recording>> {
    let row: Option<RecordingRow> = recording::table
        .find(key(id))
        .filter(recording::facility_id.eq(key(scope.facility_id)))
        .select(RecordingRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(|row| row.recording(session)).transpose()
}

/// The recordings of a consultation, oldest first.
pub(crate) fn of_consultation(session: &mut Session<'_>, id: ConsultationId) -> Result<Vec<Recording>> {
    let rows: Vec<RecordingRow> = recording::table
        .filter(recording::consultation_id.eq(key(id)))
        .order(recording::id)
        .select(RecordingRow::as_select())
        .load(session.connection())?;
    rows.into_iter().map(|row| row.recording(session)).collect()
}

/// The recording of a consultation that goes on or was asked for.
pub(crate) fn live(session: &mut Session<'_>, id: ConsultationId) -> Result<Option<RecordingId>> {
    let live = [Status::Requested, Status::Recording].map(|status| status.to_string());
    Ok(recording::table
        .filter(recording::consultation_id.eq(key(id)))
        .filter(recording::status.eq_any(live.to_vec()))
        .select(recording::id)
        .first(session.connection())
        .optional()?)
}

/// The key of its bytes. 404 `recording_erased` once its patient's records are.
pub(crate) fn recording_key(session: &mut Session<'_>, id: RecordingId) -> Result<Vec<u8>> {
    let sealed: Option<Encrypted<Vec<u8>>> =
        recording::table.find(key(id)).select(recording::recording_key).first(session.connection()).optional()?;
    let sealed = sealed.ok_or_else(Refusal::not_found)?;
    session.open(cell("recording_key", id), &sealed).map_err(|error| match error {
        Error::Sealed(ERASED) => RecordingRefusal::Erased.refusal().into(),
        other => other,
    })
}

/// How far processing is.
pub(crate) fn set_progress(tx: &mut Tx<'_>, id: RecordingId, progress: i32) -> Result<()> {
    diesel::update(recording::table.find(key(id))).set(recording::progress.eq(progress)).execute(tx.connection())?;
    Ok(())
}

/// What remains to be done now.
pub(crate) fn set_work(tx: &mut Tx<'_>, id: RecordingId, work: Option<Work>) -> Result<()> {
    let now = tx.now();
    diesel::update(recording::table.find(key(id)))
        .set((
            recording::work.eq(work.map(|work| work.to_string())),
            recording::attempts.eq(0),
            recording::retry_at.eq(at(now)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// This was done; something else may have come up meanwhile.
pub(crate) fn finish_work(tx: &mut Tx<'_>, id: RecordingId, done: Work) -> Result<()> {
    let row = recording::table.find(key(id)).filter(recording::work.eq(done.to_string()));
    diesel::update(row).set(recording::work.eq(None::<String>)).execute(tx.connection())?;
    Ok(())
}

/// What is to be done now, of all facilities: the longest waiting first, without those in `busy`.
pub(crate) fn due(session: &mut Session<'_>, busy: &[RecordingId], limit: i64) -> Result<Vec<Due>> {
    let now = session.now();
    let rows: Vec<(RecordingId, FacilityId, Option<String>, i32)> = recording::table
        .filter(recording::work.is_not_null())
        .filter(recording::retry_at.le(at(now)))
        .filter(diesel::dsl::not(recording::id.eq_any(keys(busy.iter().copied()))))
        .order(recording::retry_at)
        .limit(limit)
        .select((recording::id, recording::facility_id, recording::work, recording::attempts))
        .load(session.connection())?;
    let read = |(id, facility, work, attempts): (_, _, Option<String>, _)| {
        Ok(Due { id, facility, work: word(work.as_deref().unwrap_or_default())?, attempts })
    };
    rows.into_iter().map(read).collect()
}

/// Puts off what could not be done: by a second, then by twice as long each time, up to `longest`.
pub(crate) fn postpone(tx: &mut Tx<'_>, due: Due, longest: Duration) -> Result<()> {
    let wait = longest.min(Duration::from_secs(1 << due.attempts.clamp(0, 20)));
    let retry_at = tx.now() + wait;
    diesel::update(recording::table.find(key(due.id)))
        .set((recording::retry_at.eq(at(retry_at)), recording::attempts.eq(due.attempts + 1)))
        .execute(tx.connection())?;
    Ok(())
}
