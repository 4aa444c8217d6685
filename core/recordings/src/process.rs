//! What happens to a recording in the background: its segments are joined and looked at, what is not needed any more is
//! removed. The rows say what remains to be done, so that it goes on after a restart.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use consilium_db::{Error, Tx, timers::TimerRequest};
use consilium_kernel::{CommandMeta, FacilityId, Refusal};
use consilium_runtime::{DueWork, Panicked};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;

use crate::{
    facts,
    looking::{Seen, Whole},
    model::{FailReason, Recording, RecordingId, Status},
    service::{Recordings, is_erased, whole},
    store::{self, Due, Work},
    timers::EXPIRY,
};

/// The longest wait before another try.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// After so many failures in a row, about two days, it is given up.
const MOST_ATTEMPTS: i32 = 60;
/// How often progress is told while bytes are joined.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// What joining is of the whole, in percent.
const JOINED: i32 = 90;

/// Works on recordings.
pub struct RecordingWorker(Recordings);

/// Why something is not done.
pub enum Trouble {
    /// Whatever it was, it may pass.
    Passing(String),
    /// Nothing of it can be read any more.
    Erased,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Passing(error.to_string())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Refusal::from(error).into()
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        if is_erased(&refusal) { Self::Erased } else { Self::Passing(refusal.to_string()) }
    }
}

/// What processing came to.
#[derive(Clone)]
enum Outcome {
    Ready { length: u64, sha256: Vec<u8>, seen: Seen },
    Failed(FailReason),
}

impl RecordingWorker {
    /// A worker for these recordings.
    pub fn new(recordings: Recordings) -> Self {
        Self(recordings)
    }
}

impl From<Panicked> for Trouble {
    fn from(_: Panicked) -> Self {
        Self::Passing("a panic".to_owned())
    }
}

#[async_trait]
impl DueWork for RecordingWorker {
    type Due = Due;
    type Id = RecordingId;
    type Trouble = Trouble;
    const NAME: &'static str = "recordings";
    const AT_ONCE: usize = 2;

    fn id(due: &Due) -> RecordingId {
        due.id
    }

    fn wake(&self) -> &Notify {
        &self.0.rows_wake
    }

    async fn due(&self, busy: Vec<RecordingId>, limit: i64) -> Result<Vec<Due>, Error> {
        self.0.db.read(move |session| store::due(session, &busy, limit)).await
    }

    async fn work(&self, due: &Due) -> Result<(), Trouble> {
        match due.work {
            Work::Join => {
                let outcome = self.join(*due).await?;
                self.finish(*due, outcome).await
            }
            Work::Tidy | Work::Purge => self.remove(*due).await,
        }
    }

    /// What cannot be done is tried again later, ever less often; what cannot be processed at all has failed.
    async fn settle(&self, due: &Due, trouble: Trouble) {
        let due = *due;
        let failed = match trouble {
            Trouble::Erased => Some(FailReason::Erased),
            Trouble::Passing(reason) => {
                tracing::warn!(recording = %due.id, reason, "a recording could not be worked on and is put off");
                metrics::counter!("consilium_recording_failures_total").increment(1);
                (due.attempts >= MOST_ATTEMPTS).then_some(FailReason::NotProcessed)
            }
        };
        let written = match failed.filter(|_| due.work == Work::Join) {
            Some(because) => self.finish(due, Outcome::Failed(because)).await.map_err(|_| ()),
            None => {
                let postpone = move |tx: &mut Tx<'_>| store::postpone(tx, due, LONGEST_WAIT);
                self.0.db.write(&system(due.facility), postpone).await.map_err(|_| ())
            }
        };
        if written.is_err() {
            tracing::error!(recording = %due.id, "a recording could not be put off");
        }
    }
}

impl RecordingWorker {
    /// Joins the segments into one object, however often it is begun anew.
    async fn join(&self, due: Due) -> Result<Outcome, Trouble> {
        let (recordings, id) = (&self.0, due.id);
        let scope = consilium_kernel::Scope::of(due.facility);
        let read = move |session: &mut consilium_db::Session<'_>| {
            Ok((store::find(session, scope, id)?, store::kept_segments(session, id)?))
        };
        let (Some(recording), segments) = recordings.db.read(read).await? else {
            return Ok(Outcome::Failed(FailReason::NothingRecorded));
        };
        if segments.is_empty() {
            return Ok(Outcome::Failed(FailReason::NothingRecorded));
        }
        let total: u64 = segments.iter().map(|(_, length)| length).sum();
        let mut parts = Vec::new();
        for (object, length) in segments {
            parts.push((object, recordings.key(id, object).await?, length));
        }
        let done = Arc::new(AtomicU64::new(0));
        let (depot, counted) = (recordings.depot.clone(), done.clone());
        let content = stream::iter(parts)
            .flat_map(move |(object, key, length)| depot.read(object, key, length, 0..length).boxed())
            .map(move |piece| {
                let piece = piece?;
                counted.fetch_add(piece.len() as u64, Ordering::Relaxed);
                Ok(piece.to_vec())
            });
        let key = recordings.key(id, whole(id)).await?;
        let stored = std::pin::pin!(recordings.depot.store(whole(id), &key, content));
        let (length, sha256) = self.telling(&recording, &done, total, stored).await?;
        if length != total {
            return Err(Trouble::Passing(format!("{length} bytes of {total} were found")));
        }
        self.tell(&recording, JOINED).await?;
        let Some(media_type) = recording.media_type else {
            return Ok(Outcome::Ready { length, sha256, seen: Seen::default() });
        };
        let key = recordings.key_bytes(id).await?;
        let seen = recordings.look(Whole { id, media: recording.media, media_type, length, key: &key }).await;
        Ok(Outcome::Ready { length, sha256, seen })
    }

    /// Waits for `work`, and tells now and then how far it is.
    async fn telling<T>(
        &self,
        recording: &Recording,
        done: &AtomicU64,
        total: u64,
        mut work: impl Future<Output = io::Result<T>> + Unpin,
    ) -> Result<T, Trouble> {
        let mut told = 0;
        loop {
            tokio::select! {
                finished = &mut work => return Ok(finished?),
                () = tokio::time::sleep(TELL_EVERY) => {}
            }
            let share = done.load(Ordering::Relaxed).saturating_mul(JOINED.unsigned_abs().into()) / total.max(1);
            let progress = i32::try_from(share).unwrap_or(JOINED).min(JOINED - 1);
            if progress > told {
                told = progress;
                self.tell(recording, progress).await?;
            }
        }
    }

    async fn tell(&self, recording: &Recording, progress: i32) -> Result<(), Trouble> {
        let after = Recording { progress, ..recording.clone() };
        let tell = move |tx: &mut Tx<'_>| {
            store::set_progress(tx, after.id, progress)?;
            facts::tell_progress(tx, &after)
        };
        Ok(self.0.db.write(&system(recording.facility_id), tell).await?)
    }

    /// Writes what processing came to; segments go next, unless nothing came of them.
    async fn finish(&self, due: Due, outcome: Outcome) -> Result<(), Trouble> {
        let retention = self.0.settings.retention;
        let finish = move |tx: &mut Tx<'_>| {
            let found = store::lock(tx, due.id)?.filter(|found| found.status == Status::Processing);
            let Some(before) = found else { return Ok(()) };
            let now = tx.now();
            let expires_at = now + retention;
            let mut after = Recording { expires_at: Some(expires_at), version: before.version + 1, ..before.clone() };
            let event_type = match outcome.clone() {
                Outcome::Ready { length, sha256, seen } => {
                    (after.status, after.ready_at, after.progress) = (Status::Ready, Some(now), 100);
                    (after.length, after.sha256) = (Some(length), Some(sha256));
                    (after.duration_ms, after.thumbnail) = (seen.duration_ms, seen.thumbnail);
                    after.processed_with = Some(seen.with.unwrap_or("none").to_owned());
                    store::set_work(tx, after.id, Some(Work::Tidy))?;
                    "recording_ready"
                }
                Outcome::Failed(because) => {
                    (after.status, after.failed_because) = (Status::Failed, Some(because));
                    store::set_work(tx, after.id, None)?;
                    "recording_failed"
                }
            };
            store::save(tx, &before, &after)?;
            let (entity, revision) = (after.entity(), after.version);
            tx.set_timer(TimerRequest { kind: EXPIRY, entity, revision, due_at: expires_at })?;
            facts::tell(tx, &after, event_type, None)
        };
        self.0.db.write(&system(due.facility), finish).await?;
        self.0.rows_wake.notify_one();
        Ok(())
    }

    /// Removes segments, and of a deleted recording everything.
    async fn remove(&self, due: Due) -> Result<(), Trouble> {
        let id = due.id;
        for object in self.0.db.read(move |session| store::objects(session, id)).await? {
            self.0.depot.remove(object).await?;
        }
        if due.work == Work::Purge {
            self.0.depot.remove(whole(id)).await?;
        }
        let forget = move |tx: &mut Tx<'_>| {
            // A recording that was deleted meanwhile is purged next.
            store::forget_segments(tx, id)?;
            store::finish_work(tx, id, due.work)
        };
        Ok(self.0.db.write(&system(due.facility), forget).await?)
    }
}

fn system(facility: FacilityId) -> CommandMeta {
    CommandMeta::system(facility, "recordings")
}
