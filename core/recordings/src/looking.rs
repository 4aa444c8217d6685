//! What ffmpeg finds out about the whole of a recording, where there is one. A recording can be played without.

use std::io;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use consilium_db::records::RecordKey;
use consilium_files::MediaType;
use futures_util::StreamExt as _;

use crate::{
    model::{Media, RecordingId},
    service::{Recordings, whole},
};

/// The whole of a recording in the store.
pub(crate) struct Whole<'a> {
    /// Of which.
    pub(crate) id: RecordingId,
    /// What was recorded.
    pub(crate) media: Media,
    /// By its first bytes.
    pub(crate) media_type: MediaType,
    /// Its bytes.
    pub(crate) length: u64,
    /// The recording's own key.
    pub(crate) key: &'a [u8],
}

/// What ffmpeg saw.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) with: Option<&'static str>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) thumbnail: Option<String>,
}

impl Recordings {
    /// Has ffmpeg look at it.
    pub(crate) async fn look(&self, at: Whole<'_>) -> Seen {
        let Some(ffmpeg) = &self.ffmpeg else { return Seen::default() };
        let format = match at.media_type.essence() {
            "video/webm" | "video/x-matroska" => "matroska",
            _ => "mp4",
        };
        let object = whole(at.id);
        let content = || {
            let key = RecordKey::new(object.uuid(), at.key)?;
            Ok::<_, io::Error>(self.depot.read(object, key, at.length, 0..at.length).boxed())
        };
        let duration = async { ffmpeg.duration(format, content()?).await }.await;
        let picture = async { ffmpeg.picture(format, content()?).await };
        let picture = if at.media == Media::Audio { Ok(None) } else { picture.await.map(Some) };
        for error in [duration.as_ref().err(), picture.as_ref().err()].into_iter().flatten() {
            tracing::warn!(recording = %at.id, %error, "ffmpeg could not look at a recording");
        }
        let with = (duration.is_ok() || matches!(picture, Ok(Some(_)))).then_some("ffmpeg");
        let thumbnail = picture.ok().flatten().map(|picture| BASE64.encode(picture));
        Seen { with, duration_ms: duration.ok(), thumbnail }
    }
}
