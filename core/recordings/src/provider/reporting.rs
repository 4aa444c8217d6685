//! A provider says that it has recorded something: the row from which everything else follows.

use consilium_consultations::{Consultation, consultation_in_room};
use consilium_db::{Result, Tx};
use consilium_kernel::EntityRef;
use serde_json::json;
use tracing::warn;

use super::{FileStatus, ProviderRecording, Reported};
use crate::{service::Recordings, store};

impl Recordings {
    /// Takes a provider's report in, to be worked on once this transaction is committed. A file that is known is
    /// not taken in again; one from a room that no consultation was held in is left alone, which is audited.
    pub fn provider_reported(&self, tx: &mut Tx<'_>, provider: &str, room: &str, reported: &Reported) -> Result<()> {
        match consultation_in_room(tx, provider, room)? {
            Some(_) if !is_media(reported) => ignore(tx, provider, reported, "not_media"),
            Some(consultation) => report(tx, provider, room, &consultation, reported),
            None => ignore(tx, provider, reported, "unknown_room"),
        }
    }

    /// Has those who work on files of providers look at once.
    pub fn wake_fetcher(&self) {
        self.files_wake.notify_one();
    }
}

/// Transcripts, captions and chats are files of providers too, and no recordings.
pub(super) fn is_media(reported: &Reported) -> bool {
    let media = reported.media_type.as_deref();
    media.is_none_or(|media| media.starts_with("video/") || media.starts_with("audio/"))
}

/// Writes the row of a file that is not known yet.
pub(super) fn report(
    tx: &mut Tx<'_>,
    provider: &str,
    room: &str,
    of: &Consultation,
    reported: &Reported,
) -> Result<()> {
    let now = tx.now();
    let file = ProviderRecording {
        id: tx.new_id(),
        facility_id: of.facility_id,
        consultation_id: of.id,
        provider: provider.to_owned(),
        room: room.to_owned(),
        reference: reported.id.clone(),
        started_at: reported.started_at,
        ended_at: reported.ended_at,
        status: FileStatus::Waiting,
        problem: None,
        attempts: 0,
        retry_at: now,
        reported_at: now,
        settled_at: None,
    };
    store::insert_file(tx, &file, of.patient_id, reported.download.as_ref()).map(|_| ())
}

fn ignore(tx: &mut Tx<'_>, provider: &str, reported: &Reported, because: &str) -> Result<()> {
    warn!(provider, because, "what a provider recorded is ignored");
    let detail = json!({"provider": provider, "reference": reported.id, "reason": because});
    let entity = EntityRef::new("provider_recording", uuid::Uuid::nil());
    tx.audit_with("provider_recording_ignored", &entity, 0, &detail)
}
