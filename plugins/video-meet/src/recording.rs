//! What was recorded in a space.
//!
//! "REST Resource: conferenceRecords.recordings"
//! (<https://developers.google.com/workspace/meet/api/reference/rest/v2/conferenceRecords.recordings>): a
//! recording is an MP4 file in Drive, downloaded with `GET /drive/v3/files/{file}?alt=media`.

use crate::{Meet, api::bearer, is_id};
use consilium_plugin_sdk::{
    Host, PluginError, Sensitive,
    contract::video::{Download, Recording, RecordingsListed},
};
use consilium_provider::http::encode;
use jiff::Timestamp;
use serde::Deserialize;

/// A space that was used more often has older conferences than anybody asks for.
const CONFERENCES: u32 = 25;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conferences {
    #[serde(default)]
    conference_records: Vec<Conference>,
}

#[derive(Deserialize)]
struct Conference {
    name: String,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    recordings: Vec<Recorded>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    name: String,
    #[serde(default)]
    state: String,
    start_time: Timestamp,
    end_time: Option<Timestamp>,
    drive_destination: Option<Drive>,
}

#[derive(Deserialize)]
struct Drive {
    file: String,
}

impl Meet {
    pub(crate) fn recordings_of(&self, host: &Host<'_>, space: &str) -> Result<RecordingsListed, PluginError> {
        let filter = encode(&format!("space.name = \"spaces/{space}\""));
        let url = format!("{}/conferenceRecords?filter={filter}&pageSize={CONFERENCES}", self.meet_url());
        let found: Conferences = self.api.call(host, "GET", &url, None)?;
        let mut recordings = Vec::new();
        for conference in found.conference_records {
            let Some(id) = conference.name.strip_prefix("conferenceRecords/").filter(|id| is_id(id)) else { continue };
            let url = format!("{}/conferenceRecords/{id}/recordings?pageSize=100", self.meet_url());
            let listed: Listed = self.api.call(host, "GET", &url, None)?;
            for recorded in listed.recordings {
                recordings.push(self.recording(host, recorded)?);
            }
        }
        recordings.sort_by_key(|recording| recording.started_at);
        Ok(RecordingsListed { recordings })
    }

    fn recording(&self, host: &Host<'_>, recorded: Recorded) -> Result<Recording, PluginError> {
        let file = recorded.drive_destination.map(|drive| drive.file).filter(|file| is_id(file));
        let download = match file.filter(|_| recorded.state == "FILE_GENERATED") {
            Some(file) => {
                let url = format!("{}/files/{file}?alt=media", self.config.drive_url.trim_end_matches('/'));
                let token = Sensitive::new(bearer(&self.api.token(host)?));
                Some(Download { url: Sensitive::new(url), headers: [("authorization".to_owned(), token)].into() })
            }
            None => None,
        };
        Ok(Recording {
            id: recorded.name,
            started_at: recorded.start_time,
            ended_at: recorded.end_time,
            size_bytes: None,
            media_type: Some("video/mp4".to_owned()),
            download,
        })
    }
}
