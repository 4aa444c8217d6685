//! Playing recordings: by a link for one account's session, for minutes. Each request for content is audited before it
//! is answered, with the range that it asked for.

use std::ops::Range;

use consilium_db::Tx;
use consilium_files::{Content, Link};
use consilium_kernel::{CommandMeta, Refusal, Timestamp};
use serde_json::json;

use crate::{
    commands::participant,
    model::{Recording, RecordingId, Status},
    refusal::RecordingRefusal,
    service::{Recordings, whole},
    store,
};

/// Keeps links to recordings from being mistaken for others.
const LINK: &str = "recording_link";

/// A recording that may be played.
pub struct Playback {
    /// What it is.
    pub recording: Recording,
    /// Bytes of it.
    pub length: u64,
}

impl Recordings {
    /// A link to the content, for the caller alone, as long as their session lives and for some minutes.
    ///
    /// # Errors
    /// `not_found` for all but those who take part, administrators included; `recording_not_ready`.
    pub async fn link(&self, meta: &CommandMeta, id: RecordingId) -> Result<(String, Timestamp), Refusal> {
        let user = meta.principal.user().ok_or_else(Refusal::not_found)?;
        let playable = self.open(meta, id).await?;
        let expires_at = self.db.clock().now() + self.settings.link;
        let link = Link { object: id.uuid(), user: user.user_id, session: user.session_id, expires_at };
        let (entity, version) = (playable.recording.entity(), playable.recording.version);
        self.db.write(meta, move |tx| tx.audit("recording_linked", &entity, version)).await?;
        Ok((link.seal(self.db.vault(), LINK), expires_at))
    }

    /// What a link says. Whether its session lives is for the caller to find out.
    ///
    /// # Errors
    /// `link_invalid`, `link_expired`.
    pub fn check_link(&self, id: RecordingId, text: &str) -> Result<Link, Refusal> {
        Ok(Link::open(self.db.vault(), LINK, id.uuid(), text, self.db.clock().now())?)
    }

    /// A recording that the caller may play.
    ///
    /// # Errors
    /// As of [`Recordings::link`].
    pub async fn open(&self, meta: &CommandMeta, id: RecordingId) -> Result<Playback, Refusal> {
        let command = meta.clone();
        let found = self.db.read(move |session| {
            let recording = store::find(session, command.scope, id)?.ok_or_else(Refusal::not_found)?;
            participant(session, &command, recording.consultation_id)?;
            Ok(recording)
        });
        let recording = found.await?;
        match (recording.status, recording.length) {
            (Status::Ready, Some(length)) => Ok(Playback { recording, length }),
            _ => Err(RecordingRefusal::NotReady.refusal()),
        }
    }

    /// A range of the content. That it is played is written down first.
    pub async fn play(&self, meta: &CommandMeta, playback: Playback, range: Range<u64>) -> Result<Content, Refusal> {
        let Playback { recording, length } = playback;
        let (id, version, entity) = (recording.id, recording.version, recording.entity());
        let key = self.key(id, whole(id)).await?;
        let detail = json!({"from": range.start, "to": range.end, "of": length});
        self.db.write(meta, move |tx: &mut Tx<'_>| tx.audit_with("play_recording", &entity, version, &detail)).await?;
        Ok(Box::pin(self.depot.read(whole(id), key, length, range)))
    }
}
