//! The module's service.

use std::{io, sync::Arc};

use consilium_db::{Db, Result, Tx, outbox::Fact, records::RecordKey};
use consilium_kernel::{EntityRef, Refusal};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    access::Relations,
    antivirus::Antivirus,
    depot::Depot,
    model::{FileId, StoredFile},
    refusal::FileRefusal,
    settings::FileSettings,
    spool::Spool,
    store,
    uploads::Turns,
};

/// Files, for everybody above. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    pub(crate) db: Db,
    pub(crate) relations: Arc<dyn Relations>,
    pub(crate) spool: Arc<Spool>,
    pub(crate) depot: Arc<Depot>,
    pub(crate) antivirus: Option<Arc<Antivirus>>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) settings: Arc<FileSettings>,
}

impl Files {
    /// Files in `depot`, looked at by `antivirus` if there is one.
    ///
    /// # Errors
    /// When there can be no folder for uploads.
    pub fn new(
        db: Db,
        relations: Arc<dyn Relations>,
        depot: Depot,
        antivirus: Option<Antivirus>,
        settings: FileSettings,
    ) -> io::Result<Self> {
        Ok(Self {
            db,
            relations,
            spool: Arc::new(Spool::open(settings.uploads.clone())?),
            depot: Arc::new(depot),
            antivirus: antivirus.map(Arc::new),
            turns: Arc::default(),
            wake: Arc::default(),
            settings: Arc::new(settings),
        })
    }

    /// The limits and places.
    pub fn settings(&self) -> &FileSettings {
        &self.settings
    }

    /// Where finished files are kept, and what else is kept beside them.
    pub fn depot(&self) -> Arc<Depot> {
        self.depot.clone()
    }

    pub(crate) async fn key(&self, id: FileId) -> Result<RecordKey, Refusal> {
        let bytes = self.db.read(move |session| store::file_key(session, id)).await?;
        RecordKey::new(id.uuid(), &bytes).map_err(|error| unavailable(id, &error))
    }
}

/// How events and the audit log name a file.
pub(crate) fn entity(id: FileId) -> EntityRef {
    EntityRef::new("file", id.uuid())
}

/// Disk or store do not do what they should.
pub(crate) fn unavailable(id: FileId, error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(file = %id, %error, "the bytes of a file cannot be reached");
    FileRefusal::Unavailable.refusal()
}

/// Writes an event, and tells the owner of it.
pub(crate) fn tell(tx: &mut Tx<'_>, event_type: &'static str, file: &StoredFile) -> Result<()> {
    let data = ids(file);
    let subject = file.subject();
    tx.emit(Fact { entity: entity(file.id), version: file.version, event_type, schema: 1, subject, data: &data })?;
    tx.publish(&format!("user:{}", file.owner_id), event_type, file.owner_id.uuid(), &data)?;
    Ok(())
}

/// What events say of a file: nothing that a person wrote.
fn ids(file: &StoredFile) -> Value {
    json!({
        "file_id": file.id, "owner_id": file.owner_id, "patient_id": file.patient_id,
        "consultation_id": file.purpose.consultation(), "thread_id": file.purpose.thread(), "status": file.status, "kind": file.media_type.map(|media| media.kind()),
        "size_bytes": file.length,
    })
}
