//! Files, out of the configuration, with what they must know of the rest.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use consilium_consultations::Consultations;
use consilium_db::Db;
use consilium_files::{Antivirus, Depot, FileSettings, Files, Place, Relations, S3Access};
use consilium_kernel::{CommandMeta, PatientId, Refusal, RefusalKind, Role};
use consilium_messaging::Messaging;
use consilium_scheduling::Scheduling;
use jiff::SignedDuration;

use crate::config::Config;

/// Who meets whom.
struct Meetings {
    consultations: Consultations,
    messaging: Messaging,
    scheduling: Scheduling,
}

#[async_trait]
impl Relations for Meetings {
    async fn takes_part(&self, meta: &CommandMeta, place: Place) -> Result<Option<PatientId>, Refusal> {
        let patient = match place {
            Place::Consultation(id) => self
                .consultations
                .consultation(meta, id)
                .await
                .map(|found| found.part_of(&meta.principal).map(|_| found.patient_id)),
            Place::Thread(id) => self.messaging.thread(meta, id).await.map(|found| found.thread.patient_id),
            Place::Verification(_) => Ok(None), // who sees it is known by the role
        };
        match patient {
            Ok(patient) => Ok(patient),
            Err(refusal) if refusal.kind == RefusalKind::NotFound => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    async fn treats(&self, meta: &CommandMeta, patient: PatientId) -> Result<bool, Refusal> {
        // Records are the doctors': others see what is shown in a consultation in which they take part.
        match meta.principal.user() {
            Some(user) if user.role == Role::Doctor => self.scheduling.treats(meta, patient).await,
            _ => Ok(false),
        }
    }
}

/// The module.
pub fn files(
    config: &Config,
    db: &Db,
    consultations: &Consultations,
    messaging: &Messaging,
    scheduling: &Scheduling,
) -> anyhow::Result<Files> {
    let relations =
        Meetings { consultations: consultations.clone(), messaging: messaging.clone(), scheduling: scheduling.clone() };
    let set = &config.files;
    let s3 = S3Access {
        endpoint: set.s3_endpoint.clone(),
        region: set.s3_region.clone(),
        access_key_id: set.s3_access_key_id.clone(),
        secret_access_key: set.s3_secret_access_key.clone(),
    };
    let url = match set.url.as_str() {
        "" => {
            let folder = std::path::absolute(beside(config, "files"))?;
            let url = url::Url::from_file_path(&folder);
            url.map_err(|()| anyhow::anyhow!("{} is no folder", folder.display()))?.to_string()
        }
        set => set.to_owned(),
    };
    let depot = Depot::open(&url, &s3).map_err(|error| anyhow::anyhow!("files.url: {error}"))?;
    let mib = |mib: u32| u64::from(mib) * 1024 * 1024;
    let folder = match set.upload_directory.as_str() {
        "" => beside(config, "uploads"),
        set => set.into(),
    };
    let settings = FileSettings {
        max_file: mib(set.max_file_mib),
        max_account_day: mib(set.max_account_day_mib),
        max_chunk: mib(set.max_chunk_mib),
        upload_time: SignedDuration::from_hours(i64::from(set.upload_hours)),
        ..FileSettings::in_folder(folder)
    };
    Ok(Files::new(db.clone(), Arc::new(relations), depot, antivirus(config)?, settings)?)
}

/// The scanner, if there is one.
pub fn antivirus(config: &Config) -> anyhow::Result<Option<Antivirus>> {
    let set = &config.files;
    let patience = Duration::from_secs(set.antivirus_seconds);
    let named = Some(set.antivirus.as_str()).filter(|text| !text.is_empty());
    let made = named.map(|text| Antivirus::at(text, patience)).transpose();
    made.map_err(|error| anyhow::anyhow!("files.antivirus: {error}"))
}

/// Beside the SQLite file, or else beside the keys.
fn beside(config: &Config, name: &str) -> std::path::PathBuf {
    let file = config.database.url.strip_prefix("sqlite://").unwrap_or(&config.keys.directory);
    Path::new(file).with_file_name(name)
}
