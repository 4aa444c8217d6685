//! Fetches what providers recorded, and keeps it if everybody had agreed. The rows say what remains to be done.
//!
//! The id of a row is that of the recording and of the object that holds its bytes, and nobody knows the key of those
//! bytes before the recording's row is there: what a crash leaves in the store is replaced by the next try.

use std::{
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use consilium_db::{ERASED, Error, Tx, records::RecordKey, timers::TimerRequest};
use consilium_files::MediaType;
use consilium_kernel::{CommandMeta, EntityRef, FacilityId, Refusal, Timestamp};
use consilium_runtime::{DueWork, Panicked};
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::json;
use tokio::sync::Notify;

use super::{Arriving, Download, FileStatus, ProviderFiles, ProviderRecording, Unkept, Unreachable, decide::agreement};
use crate::{
    decide::container,
    facts,
    looking::{Seen, Whole},
    model::{Media, Recording, RecordingId, Status},
    service::{Recordings, whole},
    store::{self, Waiting},
    timers::EXPIRY,
};

/// The longest wait before another try.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// After so many failures in a row, about two days, it is given up.
const MOST_ATTEMPTS: i32 = 60;
/// So many bytes tell what kind of file it is.
const PREFIX: usize = 4096;

/// Fetches files of providers.
pub struct FileFetcher {
    recordings: Recordings,
    files: Arc<dyn ProviderFiles>,
}

/// Why a file is not kept.
pub enum Trouble {
    /// Whatever it was, it may pass. A code.
    Passing(String),
    /// It may not be kept.
    Refused(Unkept),
}

impl From<Panicked> for Trouble {
    fn from(_: Panicked) -> Self {
        Self::Passing("panicked".to_owned())
    }
}

impl From<Unkept> for Trouble {
    fn from(because: Unkept) -> Self {
        Self::Refused(because)
    }
}

impl From<Unreachable> for Trouble {
    fn from(Unreachable(code): Unreachable) -> Self {
        Self::Passing(code)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Sealed(ERASED) => Self::Refused(Unkept::RecordingErased),
            error => Self::Passing(Refusal::from(error).code.into_owned()),
        }
    }
}

/// A file that is in the store, before its recording is in the database.
#[derive(Clone)]
struct Fetched {
    file: ProviderRecording,
    span: (Timestamp, Timestamp),
    key: Vec<u8>,
    media: Media,
    media_type: MediaType,
    length: u64,
    sha256: Vec<u8>,
    seen: Seen,
}

impl FileFetcher {
    /// A fetcher for these recordings, from there.
    pub fn new(recordings: Recordings, files: Arc<dyn ProviderFiles>) -> Self {
        Self { recordings, files }
    }

    /// Where the file lies now: as the provider lists it, or as it was reported. Links of providers are short-lived.
    async fn find(
        &self,
        file: &ProviderRecording,
        reported: Option<Download>,
    ) -> Result<(Download, (Timestamp, Timestamp)), Trouble> {
        let listed = self.files.list(&file.provider, &file.room, file.consultation_id).await?;
        let listed = listed.into_iter().flatten().find(|listed| listed.id == file.reference);
        let (started_at, ended_at, download) = match listed {
            Some(listed) => (listed.started_at, listed.ended_at, listed.download.or(reported)),
            None => (file.started_at, file.ended_at, reported),
        };
        match (download, ended_at) {
            (Some(download), Some(ended_at)) => Ok((download, (started_at, ended_at))),
            _ => Err(Trouble::Passing("not_ready".to_owned())),
        }
    }

    /// Has the file in the store.
    async fn fetch(
        &self,
        file: &ProviderRecording,
        span: (Timestamp, Timestamp),
        arriving: Arriving,
    ) -> Result<Fetched, Trouble> {
        let (id, most) = (file.id, self.recordings.settings.max_recording);
        if arriving.length.is_some_and(|length| length > most) {
            return Err(Unkept::RecordingTooLarge.into());
        }
        let mut content = arriving.content;
        let mut begins = Vec::new();
        while begins.len() < PREFIX
            && let Some(piece) = content.next().await
        {
            begins.extend(piece.map_err(broken)?);
        }
        let media_type = container(&begins).map_err(|_| Unkept::UnsupportedRecording)?;
        let media = if media_type.essence().starts_with("audio/") { Media::Audio } else { Media::Video };
        let key = RecordKey::generate().map_err(broken)?;
        let sealing = RecordKey::new(whole(id).uuid(), &key).map_err(broken)?;
        let too_large = Arc::new(OnceLock::new());
        let content = limited(stream::iter([Ok(begins)]).chain(content), most, too_large.clone()).boxed();
        let stored = self.recordings.depot.store(whole(id), &sealing, content).await;
        if let Some(because) = too_large.get() {
            return Err(Trouble::Refused(*because));
        }
        let (length, sha256) = stored.map_err(broken)?;
        let seen = self.recordings.look(Whole { id, media, media_type, length, key: &key }).await;
        Ok(Fetched { file: file.clone(), span, key, media, media_type, length, sha256, seen })
    }

    /// Writes the recording, if it may be kept as things are now.
    async fn keep(&self, fetched: Fetched) -> Result<(), Trouble> {
        let (meta, settings) = (system(fetched.file.facility_id), self.recordings.settings.clone());
        let keep = move |tx: &mut Tx<'_>| {
            let Some(file) = store::lock_file(tx, fetched.file.id)? else { return Ok(Ok(())) };
            // Held until commit, so that whoever takes their consent back comes before this or after it.
            for recording in store::of_consultation(tx, file.consultation_id)? {
                store::lock(tx, recording.id)?;
            }
            let recordings = store::of_consultation(tx, file.consultation_id)?;
            let agreed = match judge(tx, &file, fetched.span, &recordings, settings.late)? {
                Ok(agreed) => agreed,
                Err(because) => return Ok(Err(because)),
            };
            let now = tx.now();
            let recording = fetched.recording(agreed, now, now + settings.retention);
            store::insert(tx, &Recording { thumbnail: None, ..recording.clone() }, &fetched.key)?;
            store::save(tx, &Recording { thumbnail: None, ..recording.clone() }, &recording)?;
            store::settle_file(tx, file.id, FileStatus::Kept, None)?;
            let (entity, revision, due_at) = (recording.entity(), recording.version, now + settings.retention);
            tx.set_timer(TimerRequest { kind: EXPIRY, entity, revision, due_at })?;
            facts::tell(tx, &recording, "recording_ready", None)?;
            Ok(Ok(()))
        };
        Ok(self.recordings.db.write(&meta, keep).await??)
    }

    /// Nothing of it stays; the row says why.
    async fn give_up(&self, due: Waiting, status: FileStatus, problem: &str) -> Result<(), Error> {
        // First the bytes: as long as the row waits, whoever comes next removes them.
        self.recordings.depot.remove(whole(due.id)).await.map_err(|error| Error::Setup(error.to_string()))?;
        let problem = problem.to_owned();
        let settle = move |tx: &mut Tx<'_>| {
            let Some(file) = store::lock_file(tx, due.id)? else { return Ok(()) };
            store::settle_file(tx, due.id, status, Some(&problem))?;
            let action =
                if status == FileStatus::Dead { "provider_recording_dead" } else { "provider_recording_refused" };
            let detail = json!({
                "provider": file.provider, "reference": file.reference, "reason": problem,
                "consultation_id": file.consultation_id,
            });
            tx.audit_with(action, &EntityRef::new("provider_recording", due.id.uuid()), 1, &detail)
        };
        self.recordings.db.write(&system(due.facility), settle).await
    }
}

#[async_trait]
impl DueWork for FileFetcher {
    type Due = Waiting;
    type Id = RecordingId;
    type Trouble = Trouble;
    const NAME: &'static str = "recordings of providers";
    const AT_ONCE: usize = 2;

    fn id(due: &Waiting) -> RecordingId {
        due.id
    }

    fn wake(&self) -> &Notify {
        &self.recordings.files_wake
    }

    async fn due(&self, busy: Vec<RecordingId>, limit: i64) -> Result<Vec<Waiting>, Error> {
        self.recordings.db.read(move |session| store::due_files(session, &busy, limit)).await
    }

    async fn work(&self, due: &Waiting) -> Result<(), Trouble> {
        let (id, db) = (due.id, &self.recordings.db);
        let Some((file, reported)) = db.read(move |session| store::waiting_file(session, id)).await? else {
            return Ok(());
        };
        // What may not be kept is not even asked for.
        if let Some(ended_at) = file.ended_at {
            self.ask(&file, (file.started_at, ended_at)).await?;
        }
        let (from, span) = self.find(&file, reported).await?;
        self.ask(&file, span).await?;
        let arriving = self.files.fetch(&file.provider, &from).await?;
        let fetched = self.fetch(&file, span, arriving).await?;
        self.keep(fetched).await?;
        metrics::counter!("consilium_provider_recordings_total", "result" => "kept").increment(1);
        Ok(())
    }

    /// What cannot be fetched is tried again later, ever less often, and given up after two days.
    async fn settle(&self, due: &Waiting, trouble: Trouble) {
        let (due, recording) = (*due, due.id);
        let written = match trouble {
            Trouble::Refused(because) => {
                let reason = because.to_string();
                tracing::warn!(%recording, reason, "what a provider recorded is not kept");
                metrics::counter!("consilium_provider_recordings_total", "result" => "refused").increment(1);
                self.give_up(due, FileStatus::Refused, &reason).await
            }
            Trouble::Passing(reason) if due.attempts >= MOST_ATTEMPTS => {
                tracing::error!(%recording, reason, "what a provider recorded could not be fetched and is given up");
                metrics::counter!("consilium_provider_recordings_total", "result" => "dead").increment(1);
                self.give_up(due, FileStatus::Dead, &reason).await
            }
            Trouble::Passing(reason) => {
                tracing::warn!(%recording, reason, "what a provider recorded could not be fetched and is put off");
                metrics::counter!("consilium_provider_recordings_total", "result" => "failed").increment(1);
                let postpone = move |tx: &mut Tx<'_>| store::postpone_file(tx, due, &reason, LONGEST_WAIT);
                self.recordings.db.write(&system(due.facility), postpone).await
            }
        };
        if let Err(error) = written {
            tracing::error!(%recording, %error, "what became of a provider's recording could not be noted");
        }
    }
}

impl FileFetcher {
    /// Whether it may be kept as things are now.
    async fn ask(&self, file: &ProviderRecording, span: (Timestamp, Timestamp)) -> Result<(), Trouble> {
        let (file, late) = (file.clone(), self.recordings.settings.late);
        let asked = self.recordings.db.read(move |session| {
            let recordings = store::of_consultation(session, file.consultation_id)?;
            Ok(judge(session, &file, span, &recordings, late)?.map(|_| ()))
        });
        Ok(asked.await??)
    }
}

/// Under which recording's consents the file was made.
fn judge<'a>(
    session: &mut consilium_db::Session<'_>,
    file: &ProviderRecording,
    span: (Timestamp, Timestamp),
    recordings: &'a [Recording],
    closing: Duration,
) -> Result<Result<&'a Recording, Unkept>, Error> {
    let there = consilium_consultations::there_between(session, file.consultation_id, span)?;
    Ok(agreement(recordings, span, &there, closing))
}

impl Fetched {
    fn recording(&self, agreed: &Recording, now: Timestamp, expires_at: Timestamp) -> Recording {
        let of = (agreed.facility_id, agreed.consultation_id, agreed.patient_id);
        let asked = Recording::requested(self.file.id, of, agreed.requested_by, self.media, &agreed.text_version, now);
        Recording {
            status: Status::Ready,
            consents: agreed.consents.clone(),
            media_type: Some(self.media_type),
            received: self.length,
            length: Some(self.length),
            sha256: Some(self.sha256.clone()),
            duration_ms: self.seen.duration_ms,
            thumbnail: self.seen.thumbnail.clone(),
            processed_with: Some(self.seen.with.unwrap_or("none").to_owned()),
            progress: 100,
            provider: Some(self.file.provider.clone()),
            agreed_in: Some(agreed.id),
            requested_at: agreed.requested_at,
            started_at: Some(self.span.0),
            stopped_at: Some(self.span.1),
            ready_at: Some(now),
            expires_at: Some(expires_at),
            ..asked
        }
    }
}

/// What comes, up to `most` bytes; then why it ends is in `because`.
fn limited(
    content: impl Stream<Item = io::Result<Vec<u8>>>,
    most: u64,
    because: Arc<OnceLock<Unkept>>,
) -> impl Stream<Item = io::Result<Vec<u8>>> {
    let mut length = 0;
    content.map(move |piece| {
        let piece = piece?;
        length += piece.len() as u64;
        if length > most {
            let _ = because.set(Unkept::RecordingTooLarge);
            return Err(io::Error::other("too large"));
        }
        Ok(piece)
    })
}

/// The exchange broke off, or the store does not do what it should.
fn broken(error: io::Error) -> Trouble {
    tracing::warn!(%error, "a provider's recording broke off");
    Trouble::Passing("broken_off".to_owned())
}

fn system(facility: FacilityId) -> CommandMeta {
    CommandMeta::system(facility, "recordings")
}
