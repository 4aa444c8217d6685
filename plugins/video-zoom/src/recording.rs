//! Cloud recordings.
//!
//! "Cloud Recording", "Get meeting recordings" (<https://developers.zoom.us/docs/api/meetings/>): `GET
//! /meetings/{meetingId}/recordings?include_fields=download_access_token`; files are fetched from
//! `download_url` with that token as bearer.

use crate::Zoom;
use consilium_plugin_sdk::{
    Host, PluginError, Sensitive,
    contract::video::{Download, Recording, RecordingsListed},
};
use jiff::Timestamp;
use serde::Deserialize;

/// How long a download token lives, in seconds; Zoom allows up to a week.
const TOKEN_SECONDS: u32 = 3600;

#[derive(Deserialize)]
pub(crate) struct Listed {
    #[serde(default)]
    pub(crate) recording_files: Vec<File>,
    #[serde(default)]
    download_access_token: Option<Sensitive>,
}

/// One of `recording_files`, here and in the webhook `recording.completed`.
#[derive(Deserialize)]
pub(crate) struct File {
    #[serde(default)]
    id: String,
    recording_start: Timestamp,
    /// Empty while the recording runs.
    #[serde(default)]
    recording_end: String,
    #[serde(default)]
    file_type: String,
    #[serde(default)]
    file_size: u64,
    download_url: Option<Sensitive>,
    #[serde(default)]
    status: String,
}

impl Zoom {
    pub(crate) fn recordings_of(&self, host: &Host<'_>, meeting: &str) -> Result<RecordingsListed, PluginError> {
        let path = format!("/meetings/{meeting}/recordings?include_fields=download_access_token&ttl={TOKEN_SECONDS}");
        let listed: Listed = match self.api.get(host, &path) {
            // Nothing was recorded, or it was deleted.
            Err(none) if none.code == "zoom_not_found" => return Ok(RecordingsListed { recordings: Vec::new() }),
            other => other?,
        };
        let Listed { recording_files, download_access_token } = listed;
        let mut recordings: Vec<Recording> =
            recording_files.into_iter().filter_map(|file| file.recording(download_access_token.as_ref())).collect();
        recordings.sort_by_key(|recording| recording.started_at);
        Ok(RecordingsListed { recordings })
    }
}

impl File {
    /// Sound, picture, chat and captions; none for what is only a list of events.
    pub(crate) fn recording(self, token: Option<&Sensitive>) -> Option<Recording> {
        let media_type = match self.file_type.as_str() {
            "MP4" => "video/mp4",
            "M4A" => "audio/mp4",
            "TRANSCRIPT" | "CC" => "text/vtt",
            "CHAT" => "text/plain",
            _ => return None,
        };
        let completed = self.status == "completed";
        let download = match (self.download_url, token) {
            (Some(url), Some(token)) if completed => {
                let bearer = Sensitive::new(format!("Bearer {}", token.expose()));
                Some(Download { url, headers: [("authorization".to_owned(), bearer)].into() })
            }
            _ => None,
        };
        Some(Recording {
            id: self.id,
            started_at: self.recording_start,
            ended_at: self.recording_end.parse().ok(),
            size_bytes: Some(self.file_size).filter(|size| *size > 0),
            media_type: Some(media_type.to_owned()),
            download,
        })
    }
}
