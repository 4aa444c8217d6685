//! Recordings, out of the configuration.

use std::time::Duration;

use async_trait::async_trait;
use consilium_consultations::Part;
use consilium_db::Db;
use consilium_files::Files;
use consilium_kernel::ConsultationId;
use consilium_plugin_host::{CallError, PluginHost, contract::video};
use consilium_recordings::{
    Arriving, Download, Ffmpeg, ProviderFiles, RecordingSettings, Recordings, Reported, Unreachable,
};

use crate::config::Config;

/// The module; its bytes lie where files do.
pub fn recordings(config: &Config, db: &Db, files: &Files) -> anyhow::Result<Recordings> {
    let set = &config.recordings;
    let ffmpeg = Ffmpeg::find(&set.ffmpeg, Duration::from_secs(set.ffmpeg_seconds));
    if ffmpeg.is_none() {
        tracing::info!("there is no ffmpeg: recordings have neither duration nor thumbnail");
    }
    Ok(Recordings::new(db.clone(), files.depot(), ffmpeg, settings(config)?))
}

/// The rules.
///
/// # Errors
/// When `recordings.may_ask` names what nobody can be.
pub fn settings(config: &Config) -> anyhow::Result<RecordingSettings> {
    let set = &config.recordings;
    let mib = |mib: u32| u64::from(mib) * 1024 * 1024;
    let parts: Result<Vec<Part>, _> =
        set.may_ask.iter().filter(|word| !word.is_empty()).map(|word| word.parse::<Part>()).collect();
    let wrong = |_| anyhow::anyhow!("recordings.may_ask: names doctor, patient, second_doctor, nurse and interpreter");
    Ok(RecordingSettings {
        may_ask: parts.map_err(wrong)?,
        text_version: set.consent_version.clone(),
        text: set.consent_text.clone(),
        max_segment: mib(set.max_segment_mib),
        max_recording: mib(set.max_recording_mib),
        late: Duration::from_secs(u64::from(set.late_segments_seconds)),
        retention: Duration::from_secs(u64::from(set.retention_days) * 24 * 3600),
        link: Duration::from_secs(u64::from(set.link_minutes) * 60),
    })
}

/// The files of the plugins of kind `video`.
pub struct PluginFiles(pub PluginHost);

#[async_trait]
impl ProviderFiles for PluginFiles {
    async fn list(
        &self,
        provider: &str,
        room: &str,
        consultation: ConsultationId,
    ) -> Result<Option<Vec<Reported>>, Unreachable> {
        let ask = video::Recordings { room: room.to_owned(), consultation_id: consultation.to_string() };
        match self.0.call(provider, ask).await {
            Ok(listed) => Ok(Some(listed.recordings)),
            Err(CallError::Plugin(said)) if said.code == "not_supported" => Ok(None),
            Err(error) => Err(unreachable(&error)),
        }
    }

    async fn fetch(&self, provider: &str, from: &Download) -> Result<Arriving, Unreachable> {
        let arriving = self.0.download(provider, from).await.map_err(|error| unreachable(&error))?;
        Ok(Arriving { length: arriving.length, content: arriving.content })
    }
}

fn unreachable(error: &CallError) -> Unreachable {
    Unreachable(error.code().to_owned())
}
