//! Taking segments in. The answer means that a segment is kept: encrypted in the store, and counted in the database.

use std::io;

use bytes::Bytes;
use consilium_db::{Result, Tx};
use consilium_files::FileId;
use consilium_kernel::{CommandMeta, Refusal};
use futures_util::{Stream, StreamExt as _, stream};
use ring::digest;

use crate::{
    commands::participant,
    decide::{self, Room, Verdict},
    model::{NewSegment, Recording, RecordingId, Segment},
    service::{RecordingSettings, Recordings, unavailable},
    store,
};

impl Recordings {
    /// Keeps a segment, if it may be kept: asked before its bytes are written anywhere, and again before it counts, so
    /// that a consent which is taken back meanwhile is heeded. The same segment again is answered as it was.
    ///
    /// # Errors
    /// `forbidden` for all but the client that records; `recording_refused`, `recording_not_started`,
    /// `recording_stopped`, `consent_missing`; `segment_missing`, `segment_differs`, `segment_too_large`,
    /// `recording_too_large`, `unsupported_recording`.
    pub async fn keep(&self, meta: &CommandMeta, id: RecordingId, new: NewSegment) -> Result<Segment, Refusal> {
        let (number, bytes) = (new.number, new.bytes.clone());
        let hashed = tokio::task::spawn_blocking(move || digest::digest(&digest::SHA256, &bytes));
        let hash = hashed.await.map_err(|_| Refusal::internal())?;
        let segment = Segment { number, length: new.bytes.len() as u64, sha256: hash.as_ref().to_vec() };
        let settings = self.settings.clone();
        let (command, asked, row) = (meta.clone(), new.clone(), segment.clone());
        let announce = move |tx: &mut Tx<'_>| {
            let (recording, verdict) = judge(tx, &command, id, &asked, &row, &settings)?;
            match verdict {
                Verdict::Known => Ok(None),
                Verdict::Next(_) => store::announce_segment(tx, &recording, &row).map(Some),
            }
        };
        let Some(object) = self.db.write(meta, announce).await? else { return Ok(segment) };
        let kept = self.put(meta, id, object, new, segment).await;
        if kept.is_err() {
            self.give_up(meta, id, object).await;
        }
        kept
    }

    /// Writes the bytes, then counts them.
    async fn put(
        &self,
        meta: &CommandMeta,
        id: RecordingId,
        object: FileId,
        new: NewSegment,
        segment: Segment,
    ) -> Result<Segment, Refusal> {
        let key = self.key(id, object).await?;
        self.depot.store(object, &key, pieces(&new.bytes)).await.map_err(|error| unavailable(id, &error))?;
        let (command, settings, row) = (meta.clone(), self.settings.clone(), segment.clone());
        let count = move |tx: &mut Tx<'_>| {
            let (mut recording, verdict) = judge(tx, &command, id, &new, &row, &settings)?;
            let Verdict::Next(media) = verdict else { return Ok(false) };
            recording.media_type = Some(media);
            recording.segments = row.number;
            recording.received += row.length;
            store::count_segment(tx, &recording, object)?;
            Ok(true)
        };
        // Not counted: the same was sent twice at once, and the other one was faster.
        if !self.db.write(meta, count).await? {
            self.give_up(meta, id, object).await;
        }
        Ok(segment)
    }

    /// Removes what was written of a segment that does not count. What cannot be removed now is when processing is done.
    async fn give_up(&self, meta: &CommandMeta, id: RecordingId, object: FileId) {
        let removed = self.depot.remove(object).await;
        let forgotten = match removed {
            Ok(()) => self.db.write(meta, move |tx| store::forget_segment(tx, object)).await.map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = forgotten {
            tracing::warn!(recording = %id, error, "a segment that does not count could not be removed yet");
        }
    }
}

/// The bytes in pieces, between which others get their turn: encrypting takes its time.
fn pieces(bytes: &Bytes) -> impl Stream<Item = io::Result<Vec<u8>>> + Unpin + use<> {
    const PIECE: usize = 256 * 1024;
    let bytes = bytes.clone();
    let begins = (0..bytes.len()).step_by(PIECE);
    Box::pin(stream::iter(begins).then(move |from| {
        let piece = bytes.slice(from..bytes.len().min(from + PIECE)).to_vec();
        async {
            tokio::task::yield_now().await;
            Ok(piece)
        }
    }))
}

/// Whether a segment may be kept as things are now. Holds the recording until commit.
fn judge(
    tx: &mut Tx<'_>,
    meta: &CommandMeta,
    id: RecordingId,
    new: &NewSegment,
    segment: &Segment,
    settings: &RecordingSettings,
) -> Result<(Recording, Verdict)> {
    let recording = store::lock(tx, id)?.ok_or_else(Refusal::not_found)?;
    let caller = participant(tx, meta, recording.consultation_id)?;
    if caller.user_id != recording.requested_by {
        return Err(Refusal::forbidden().into());
    }
    let known = store::kept_segment(tx, id, segment.number)?;
    let open = recording.closes_at.is_some_and(|closes_at| tx.now() < closes_at);
    let room = Room::of(&caller.consultation);
    let verdict = decide::keep(&recording, &room, new, (known.as_ref(), &segment.sha256, open), settings)?;
    Ok((recording, verdict))
}
