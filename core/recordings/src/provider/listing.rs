//! Looks at what providers list, some times after a consultation: for those that tell of nothing by themselves, and for
//! webhooks that never came. Only where everybody had agreed to a recording, because nothing else could be kept.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use consilium_consultations::Consultation;
use consilium_db::{Error, Result, Tx};
use consilium_kernel::CommandMeta;
use consilium_runtime::{DueWork, Panicked};
use tokio::sync::Notify;

use super::{
    ProviderFiles, Unreachable,
    reporting::{is_media, report},
};
use crate::{
    service::Recordings,
    store::{self, Look, LookId},
};

/// How long after the end of the consultation, or after the look before. Providers need their time to finish a file.
const PAUSES: [Duration; 4] = [minutes(10), minutes(60), minutes(6 * 60), minutes(24 * 60)];

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// Has the rooms of a consultation that is over looked at.
pub(crate) fn look_later(tx: &mut Tx<'_>, consultation: &Consultation) -> Result<()> {
    let began = store::of_consultation(tx, consultation.id)?;
    if !began.iter().any(|recording| recording.started_at.is_some()) {
        return Ok(());
    }
    let mut rooms: Vec<(&str, &str)> = Vec::new();
    for choice in &consultation.videos {
        let room = (choice.provider.as_str(), choice.room.as_str());
        if !rooms.contains(&room) {
            rooms.push(room);
        }
    }
    rooms.into_iter().try_for_each(|room| store::insert_look(tx, consultation, room, minutes(10)))
}

/// Looks at what providers list.
pub struct ListReader {
    recordings: Recordings,
    files: Arc<dyn ProviderFiles>,
}

/// Why a list was not read.
pub struct Unread(String);

impl From<Panicked> for Unread {
    fn from(_: Panicked) -> Self {
        Self("panicked".to_owned())
    }
}

impl From<Unreachable> for Unread {
    fn from(Unreachable(code): Unreachable) -> Self {
        Self(code)
    }
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self(consilium_kernel::Refusal::from(error).code.into_owned())
    }
}

impl ListReader {
    /// A reader that reports to these recordings.
    pub fn new(recordings: Recordings, files: Arc<dyn ProviderFiles>) -> Self {
        Self { recordings, files }
    }
}

#[async_trait]
impl DueWork for ListReader {
    type Due = Look;
    type Id = LookId;
    type Trouble = Unread;
    const NAME: &'static str = "lists of providers";
    const AT_ONCE: usize = 1;

    fn id(due: &Look) -> LookId {
        due.id
    }

    fn wake(&self) -> &Notify {
        &self.recordings.lists_wake
    }

    async fn due(&self, busy: Vec<LookId>, limit: i64) -> Result<Vec<Look>, Error> {
        self.recordings.db.read(move |session| store::due_looks(session, &busy, limit)).await
    }

    async fn work(&self, due: &Look) -> Result<(), Unread> {
        let listed = self.files.list(&due.provider, &due.room, due.consultation_id).await?;
        let look = due.clone();
        let write = move |tx: &mut Tx<'_>| {
            let Some(consultation) = consilium_consultations::consultation(tx, look.consultation_id)? else {
                return store::next_look(tx, look.id, None);
            };
            for file in listed.iter().flatten().filter(|file| is_media(file) && file.ended_at.is_some()) {
                report(tx, &look.provider, &look.room, &consultation, file)?;
            }
            // Whoever cannot list anything now never can.
            let pause = listed.as_ref().and_then(|_| next(&look));
            store::next_look(tx, look.id, pause)
        };
        self.recordings.db.write(&CommandMeta::system(due.facility_id, "recordings"), write).await?;
        self.recordings.wake_fetcher();
        Ok(())
    }

    async fn settle(&self, due: &Look, Unread(reason): Unread) {
        tracing::warn!(provider = due.provider, reason, "what a provider has recorded could not be listed");
        let look = due.clone();
        let write = move |tx: &mut Tx<'_>| store::next_look(tx, look.id, next(&look));
        let written = self.recordings.db.write(&CommandMeta::system(due.facility_id, "recordings"), write).await;
        if let Err(error) = written {
            tracing::error!(provider = due.provider, %error, "the next look could not be noted");
        }
    }
}

/// How long until the look after this one, if there is one.
fn next(look: &Look) -> Option<Duration> {
    PAUSES.get(usize::try_from(look.number).ok()?).copied()
}
