//! What happens to a file once all of it is there, in the background: scanned, moved to the store, or removed.

use std::{io, time::Duration};

use async_trait::async_trait;
use consilium_db::{Error, Tx};
use consilium_kernel::{CommandMeta, FacilityId, Refusal, Scope};
use consilium_runtime::{DueWork, DueWorker, Panicked, Shutdown};
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    antivirus::Verdict,
    model::{FileId, Status, StoredFile},
    refusal::FileRefusal,
    service::{Files, entity, tell},
    store::{self, Due, Outcome},
};

/// The longest wait before another try.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Processes files.
pub struct FileWorker(Files);

/// Why a file is not processed.
pub enum Trouble {
    /// Whatever it was, it may pass.
    Passing(String),
    /// There is nothing to be done any more.
    Gone,
    /// Its key is gone, and with it the file.
    Erased,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Passing(error.to_string())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::VersionConflict => Self::Gone,
            Error::Refused(refusal) => refusal.into(),
            error => Self::Passing(error.to_string()),
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            refusal if refusal == FileRefusal::Erased.refusal() => Self::Erased,
            refusal if refusal == Refusal::not_found() => Self::Gone,
            refusal => Self::Passing(refusal.to_string()),
        }
    }
}

impl From<Panicked> for Trouble {
    fn from(_: Panicked) -> Self {
        Self::Passing("a panic".to_owned())
    }
}

#[async_trait]
impl DueWork for FileWorker {
    type Due = Due;
    type Id = FileId;
    type Trouble = Trouble;
    const NAME: &'static str = "files";
    const AT_ONCE: usize = 4;

    fn id(due: &Due) -> FileId {
        due.id
    }

    fn wake(&self) -> &Notify {
        &self.0.wake
    }

    async fn due(&self, busy: Vec<FileId>, limit: i64) -> Result<Vec<Due>, Error> {
        self.0.db.read(move |session| store::due(session, &busy, limit)).await
    }

    async fn work(&self, due: &Due) -> Result<(), Trouble> {
        self.process(due.facility, due.id, due.status).await
    }

    /// What cannot be processed is tried again later, ever less often; what is erased goes.
    async fn settle(&self, due: &Due, trouble: Trouble) {
        let (facility, id) = (due.facility, due.id);
        let reason = match trouble {
            Trouble::Gone => return,
            Trouble::Erased => None,
            Trouble::Passing(reason) => Some(reason),
        };
        if let Some(reason) = &reason {
            tracing::warn!(file = %id, reason, "a file could not be processed and is put off");
            metrics::counter!("consilium_file_failures_total").increment(1);
        }
        let (meta, passing) = (system(facility), reason.is_some());
        let written = self.0.db.write(&meta, move |tx| {
            if passing { store::postpone(tx, id, LONGEST_WAIT) } else { store::abandon(tx, id) }
        });
        if let Err(error) = written.await {
            tracing::error!(file = %id, %error, "a file could not be put off");
        }
    }
}

impl FileWorker {
    /// A worker for these files.
    pub fn new(files: Files) -> Self {
        Self(files)
    }

    /// Looks every `tick`, and when woken, until the server ends. At first it removes what a crash has left.
    pub async fn run(self, tick: Duration, shutdown: Shutdown) {
        if let Err(trouble) = self.tidy().await {
            tracing::warn!(error = %trouble, "what is left of old uploads could not be removed");
        }
        DueWorker::new(self).run(tick, shutdown).await;
    }

    async fn process(&self, facility: FacilityId, id: FileId, status: Status) -> Result<(), Trouble> {
        let files = &self.0;
        if status == Status::Deleted {
            return self.purge(facility, id).await;
        }
        let scope = Scope::of(facility);
        let file = files.db.read(move |session| store::find(session, scope, id)).await?.ok_or(Trouble::Gone)?;
        let outcome = match self.scan(&file).await? {
            Some(Verdict::Infected(signature)) => {
                tracing::warn!(file = %id, signature, "an infected file was removed");
                self.close(&file, Outcome::Infected, Some(signature)).await?;
                files.spool.remove(id).await;
                return Ok(());
            }
            scanned => {
                let (key, content) = (files.key(id).await?, files.spool.read(&file, files.key(id).await?));
                let (length, sha256) = files.depot.store(id, &key, content).await?;
                if length != file.length {
                    return Err(Trouble::Passing(format!("{length} bytes of {} were found", file.length)));
                }
                Outcome::Stored { sha256, scanned: scanned.is_some() }
            }
        };
        match self.close(&file, outcome, None).await {
            // Deleted meanwhile: the purge, which is due now, removes the object too.
            Err(Trouble::Gone) => Ok(()),
            Err(trouble) => Err(trouble),
            Ok(()) => {
                files.spool.remove(id).await;
                Ok(())
            }
        }
    }

    async fn scan(&self, file: &StoredFile) -> Result<Option<Verdict>, Trouble> {
        let Some(antivirus) = &self.0.antivirus else { return Ok(None) };
        let content = self.0.spool.read(file, self.0.key(file.id).await?);
        let verdict = antivirus.scan(content).await;
        let result = match &verdict {
            Ok(Verdict::Clean) => "clean",
            Ok(Verdict::Infected(_)) => "infected",
            Err(_) => "failed",
        };
        metrics::counter!("consilium_file_scans_total", "result" => result).increment(1);
        Ok(Some(verdict?))
    }

    async fn close(&self, file: &StoredFile, outcome: Outcome, signature: Option<String>) -> Result<(), Trouble> {
        let (meta, file) = (system(file.facility_id), file.clone());
        let settle = move |tx: &mut Tx<'_>| {
            let settled = store::settle(tx, &file, &outcome)?;
            if let Some(signature) = &signature {
                let detail = json!({"signature": signature, "owner_id": file.owner_id});
                tx.audit_with("file_scan", &entity(file.id), settled.version, &detail)?;
            }
            let event = if settled.status == Status::Infected { "file_infected" } else { "file_stored" };
            tell(tx, event, &settled)
        };
        Ok(self.0.db.write(&meta, settle).await?)
    }

    /// Removes the bytes of a deleted file, then its row.
    async fn purge(&self, facility: FacilityId, id: FileId) -> Result<(), Trouble> {
        self.0.depot.remove(id).await?;
        self.0.spool.remove(id).await;
        self.0.db.write(&system(facility), move |tx| store::forget(tx, id, Status::Deleted)).await?;
        Ok(())
    }

    /// Removes what lies in the folder of uploads and belongs to nothing.
    pub(crate) async fn tidy(&self) -> Result<(), Error> {
        let lying = self.0.spool.lying().await.map_err(|error| Error::Setup(error.to_string()))?;
        for some in lying.chunks(500) {
            let asked = some.to_vec();
            let kept = self.0.db.read(move |session| store::spooled(session, &asked)).await?;
            for id in some.iter().filter(|id| !kept.contains(id)) {
                self.0.spool.remove(*id).await;
            }
        }
        Ok(())
    }
}

fn system(facility: FacilityId) -> CommandMeta {
    CommandMeta::system(facility, "files")
}
