//! Forgets uploads that were never finished.

use async_trait::async_trait;
use consilium_db::{
    Result, Tx,
    timers::{self, DueTimer},
};
use consilium_kernel::{CommandMeta, Id};
use consilium_runtime::TimerHandler;

use crate::{
    model::{FileId, Status},
    service::{Files, entity},
    store,
};

/// The kind of timer of an unfinished upload.
pub const EXPIRY: &str = "file_upload_expiry";

/// Fires when an upload has taken too long.
pub struct ExpiryTimer(Files);

impl ExpiryTimer {
    /// A handler for these files.
    pub fn new(files: Files) -> Self {
        Self(files)
    }
}

#[async_trait]
impl TimerHandler for ExpiryTimer {
    fn kinds(&self) -> &'static [&'static str] {
        &[EXPIRY]
    }

    async fn fire(&self, timer: DueTimer) -> Result<()> {
        let meta = CommandMeta::system(timer.facility_id, "timer");
        let id: FileId = Id::new(timer.entity.id);
        let forget = move |tx: &mut Tx<'_>| {
            timers::take(tx, timer.id)?;
            let forgotten = store::forget(tx, id, Status::Uploading)?;
            if forgotten {
                tx.audit("file_upload_expired", &entity(id), timer.revision)?;
            }
            Ok(forgotten)
        };
        if self.0.db.write(&meta, forget).await? {
            self.0.spool.remove(id).await;
        }
        Ok(())
    }
}
