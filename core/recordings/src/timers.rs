//! What happens when its time has come: a stopped recording is processed, one that was kept long enough is deleted.

use async_trait::async_trait;
use consilium_db::{
    Result, Tx,
    timers::{self, DueTimer},
};
use consilium_kernel::{CommandMeta, Id};
use consilium_runtime::TimerHandler;

use crate::{
    facts, holds,
    model::{Recording, RecordingId, Status},
    service::Recordings,
    store::{self, Work},
};

/// The kind of timer after which no late segments are kept.
pub(crate) const CLOSING: &str = "recording_closing";
/// The kind of timer of the end of retention.
pub(crate) const EXPIRY: &str = "recording_expiry";

/// Fires for recordings.
pub struct RecordingTimer(Recordings);

impl RecordingTimer {
    /// A handler for these recordings.
    pub fn new(recordings: Recordings) -> Self {
        Self(recordings)
    }
}

#[async_trait]
impl TimerHandler for RecordingTimer {
    fn kinds(&self) -> &'static [&'static str] {
        &[CLOSING, EXPIRY]
    }

    async fn fire(&self, timer: DueTimer) -> Result<()> {
        let meta = CommandMeta::system(timer.facility_id, "timer");
        let fire = move |tx: &mut Tx<'_>| {
            timers::take(tx, timer.id)?;
            let id: RecordingId = Id::new(timer.entity.id);
            let Some(recording) = store::lock(tx, id)? else { return Ok(()) };
            match (timer.kind.as_str(), recording.status) {
                (CLOSING, Status::Stopped) => close(tx, &recording),
                (EXPIRY, Status::Ready | Status::Failed) if !recording.held => holds::remove(tx, &recording),
                _ => Ok(()),
            }
        };
        self.0.db.write(&meta, fire).await?;
        self.0.rows_wake.notify_one();
        Ok(())
    }
}

/// Nothing more comes: what there is is joined in the background.
fn close(tx: &mut Tx<'_>, before: &Recording) -> Result<()> {
    let after = Recording { status: Status::Processing, version: before.version + 1, ..before.clone() };
    store::save(tx, before, &after)?;
    store::set_work(tx, after.id, Some(Work::Join))?;
    facts::tell_progress(tx, &after)
}
