//! What administrators see of the files of providers.

use consilium_db::{Tx, inbox::InboxRefusal};
use consilium_kernel::{CommandMeta, EntityRef, Refusal, not_a_cursor, page_limit};

use super::{FileStatus, ProviderRecording};
use crate::{model::RecordingId, service::Recordings, store};

/// A part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRecordingPage {
    /// The newest first.
    pub items: Vec<ProviderRecording>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

impl Recordings {
    /// What providers recorded in the facility, the newest first.
    ///
    /// # Errors
    /// `not_a_cursor`, `out_of_range`.
    pub async fn provider_recordings(
        &self,
        meta: &CommandMeta,
        status: Option<FileStatus>,
        cursor: Option<&str>,
        limit: Option<i64>,
    ) -> Result<ProviderRecordingPage, Refusal> {
        let (scope, limit) = (meta.scope, page_limit(limit)?);
        let before: Option<RecordingId> = cursor.map(str::parse).transpose().map_err(|_| not_a_cursor())?;
        let read = self.db.read(move |session| store::list_files(session, scope, status, before, limit + 1));
        let mut items = read.await.map_err(Refusal::from)?;
        let size = usize::try_from(limit).unwrap_or_default();
        let more = items.len() > size;
        items.truncate(size);
        let next_cursor = items.last().filter(|_| more).map(|last| last.id.to_string());
        Ok(ProviderRecordingPage { items, next_cursor })
    }

    /// Has a file that was given up fetched again.
    ///
    /// # Errors
    /// `not_found`; `not_dead` for one that was not given up.
    pub async fn retry_provider_recording(&self, meta: &CommandMeta, id: RecordingId) -> Result<(), Refusal> {
        let scope = meta.scope;
        let retry = move |tx: &mut Tx<'_>| match store::retry_file(tx, scope, id)? {
            None => Err(Refusal::not_found().into()),
            Some(FileStatus::Dead) => {
                tx.audit("provider_recording_retried", &EntityRef::new("provider_recording", id.uuid()), 1)
            }
            Some(_) => Err(InboxRefusal::NotDead.refusal().into()),
        };
        self.db.command(meta, retry).await.map_err(Refusal::from)?;
        self.wake_fetcher();
        Ok(())
    }
}
