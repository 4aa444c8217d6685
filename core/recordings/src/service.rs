//! The module's service, and what an operator decides about it.

use std::{sync::Arc, time::Duration};

use consilium_consultations::Part;
use consilium_db::{Db, records::RecordKey};
use consilium_files::{Depot, FileId};
use consilium_kernel::{Id, Refusal};
use tokio::sync::Notify;

use crate::{ffmpeg::Ffmpeg, model::RecordingId, refusal::RecordingRefusal, store};

/// The rules that an operator may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingSettings {
    /// Who may ask for a recording; nobody: there are none.
    pub may_ask: Vec<Part>,
    /// The version of the text that participants are shown.
    pub text_version: String,
    /// That text.
    pub text: String,
    /// Bytes of a segment at most.
    pub max_segment: u64,
    /// Bytes of a recording at most.
    pub max_recording: u64,
    /// How long after an ordinary stop segments are kept that were recorded before it.
    pub late: Duration,
    /// How long a recording is kept.
    pub retention: Duration,
    /// How long a link lives.
    pub link: Duration,
}

/// Recordings, for everybody above. Cheap to clone.
#[derive(Clone)]
pub struct Recordings {
    pub(crate) db: Db,
    pub(crate) depot: Arc<Depot>,
    pub(crate) ffmpeg: Option<Arc<Ffmpeg>>,
    pub(crate) settings: Arc<RecordingSettings>,
    pub(crate) rows_wake: Arc<Notify>,
    pub(crate) files_wake: Arc<Notify>,
    pub(crate) lists_wake: Arc<Notify>,
}

impl Recordings {
    /// Recordings whose bytes lie in `depot`, looked at by `ffmpeg` if there is one.
    pub fn new(db: Db, depot: Arc<Depot>, ffmpeg: Option<Ffmpeg>, settings: RecordingSettings) -> Self {
        Self {
            db,
            depot,
            ffmpeg: ffmpeg.map(Arc::new),
            settings: Arc::new(settings),
            rows_wake: Arc::default(),
            files_wake: Arc::default(),
            lists_wake: Arc::default(),
        }
    }

    /// The rules.
    pub fn settings(&self) -> &RecordingSettings {
        &self.settings
    }

    /// The key of one object of a recording.
    pub(crate) async fn key(&self, id: RecordingId, object: FileId) -> Result<RecordKey, Refusal> {
        let bytes = self.key_bytes(id).await?;
        RecordKey::new(object.uuid(), &bytes).map_err(|error| unavailable(id, &error))
    }

    /// The key that those of all its objects are made from.
    pub(crate) async fn key_bytes(&self, id: RecordingId) -> Result<Vec<u8>, Refusal> {
        Ok(self.db.read(move |session| store::recording_key(session, id)).await?)
    }
}

/// The object that holds the whole of a recording. Ids are unique over all kinds of things.
pub(crate) fn whole(id: RecordingId) -> FileId {
    Id::new(id.uuid())
}

/// The store does not do what it should.
pub(crate) fn unavailable(id: RecordingId, error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(recording = %id, %error, "the bytes of a recording cannot be reached");
    consilium_files::FileRefusal::Unavailable.refusal()
}

/// Nothing of a patient can be read once their key is erased.
pub(crate) fn is_erased(refusal: &Refusal) -> bool {
    *refusal == RecordingRefusal::Erased.refusal()
}
