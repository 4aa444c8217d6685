//! Recordings by LiveKit's egress service: what is asked for, and what came of it.

use crate::{
    LiveKit,
    api::{Egress, File},
    presign::{Bucket, presigned},
};
use consilium_plugin_sdk::{
    PluginError, Sensitive,
    contract::video::{Download, Recording},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Statuses after which the file is complete (`EgressStatus` of `livekit_egress.proto`).
const FINISHED: [&str; 2] = ["EGRESS_COMPLETE", "EGRESS_LIMIT_REACHED"];

impl LiveKit {
    /// A `RoomCompositeEgressRequest`: everybody in one picture, as MP4.
    pub(crate) fn egress_request(&self, room: &str) -> Result<Value, PluginError> {
        let Some(recording) = &self.config.recording else {
            return Err(PluginError::permanent("recording_not_configured", "the plugin has no settings for recording"));
        };
        // The egress service fills in {time}.
        let mut file = json!({"file_type": "MP4", "filepath": format!("{}{room}-{{time}}", recording.prefix)});
        if let (Some(s3), Some(file)) = (&recording.s3, file.as_object_mut()) {
            let upload = json!({
                "access_key": s3.access_key,
                "secret": "{{secret:s3_secret}}",
                "region": s3.region,
                "endpoint": s3.endpoint.trim_end_matches('/'),
                "bucket": s3.bucket,
                "force_path_style": true,
            });
            file.insert("s3".to_owned(), upload);
        }
        Ok(json!({
            "room_name": room,
            "layout": recording.layout,
            "audio_only": recording.audio_only,
            "file_outputs": [file],
        }))
    }

    /// The files of one egress; while there is none, the egress itself, so that a running recording
    /// shows.
    pub(crate) fn recordings_of(&self, egress: &Egress, now: Timestamp) -> Result<Vec<Recording>, PluginError> {
        let finished = FINISHED.contains(&egress.status.as_str());
        if matches!(egress.status.as_str(), "EGRESS_FAILED" | "EGRESS_ABORTED") {
            return Ok(Vec::new());
        }
        if egress.file_results.is_empty() {
            return Ok(vec![Recording {
                id: egress.egress_id.clone(),
                started_at: nanoseconds(egress.started_at)?.unwrap_or(now),
                ended_at: nanoseconds(egress.ended_at)?,
                size_bytes: None,
                media_type: Some(self.media_type().to_owned()),
                download: None,
            }]);
        }
        let files = egress.file_results.iter().enumerate();
        files.map(|(number, file)| self.recording_of(egress, number, file, finished, now)).collect()
    }

    fn recording_of(
        &self,
        egress: &Egress,
        number: usize,
        file: &File,
        finished: bool,
        now: Timestamp,
    ) -> Result<Recording, PluginError> {
        let id = if number == 0 { egress.egress_id.clone() } else { format!("{}/{number}", egress.egress_id) };
        let started_at = nanoseconds(file.started_at)?.or(nanoseconds(egress.started_at)?).unwrap_or(now);
        let ended_at = nanoseconds(file.ended_at)?.or(nanoseconds(egress.ended_at)?);
        let download = if finished { self.download(&file.filename, now) } else { None };
        Ok(Recording {
            id,
            started_at,
            ended_at,
            size_bytes: u64::try_from(file.size).ok().filter(|size| *size > 0),
            media_type: Some(self.media_type().to_owned()),
            download,
        })
    }

    fn media_type(&self) -> &'static str {
        let audio_only = self.config.recording.as_ref().is_some_and(|recording| recording.audio_only);
        if audio_only { "audio/mp4" } else { "video/mp4" }
    }

    /// A link that works for a while without any header.
    fn download(&self, object: &str, now: Timestamp) -> Option<Download> {
        let s3 = self.config.recording.as_ref()?.s3.as_ref()?;
        let secret = self.s3_secret.as_ref()?;
        let bucket = Bucket {
            endpoint: s3.endpoint.trim_end_matches('/'),
            region: &s3.region,
            name: &s3.bucket,
            access_key: &s3.access_key,
            secret: secret.expose(),
        };
        let url = presigned(&bucket, object, now, s3.link_lifetime_seconds)?;
        Some(Download { url: Sensitive::new(url), headers: BTreeMap::new() })
    }
}

/// A time from Unix nanoseconds; 0 is none.
pub(crate) fn nanoseconds(time: i64) -> Result<Option<Timestamp>, PluginError> {
    if time == 0 {
        return Ok(None);
    }
    let invalid = |_| PluginError::retryable("livekit_answer_invalid", "a time is out of range");
    Timestamp::from_nanosecond(i128::from(time)).map(Some).map_err(invalid)
}
