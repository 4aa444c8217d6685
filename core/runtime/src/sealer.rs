//! Seals the audit log once a second, on one node at a time.

use std::time::Duration;

use consilium_db::{
    Db, Result,
    audit::{self, Head},
    leases,
};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY};

use crate::tasks::Shutdown;

/// How often the sealer works.
#[derive(Debug, Clone)]
pub struct SealerSettings {
    /// Between two blocks.
    pub every: Duration,
    /// Between two lines in the log that name the head.
    pub announce_every: Duration,
}

impl Default for SealerSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(1), announce_every: Duration::from_secs(60) }
    }
}

/// The sealer of this node.
pub struct Sealer {
    db: Db,
    holder: uuid::Uuid,
    settings: SealerSettings,
}

/// How long a sealer that died keeps the others from sealing.
const LEASE: Duration = Duration::from_secs(15);

impl Sealer {
    /// A sealer that competes for the lease as `holder`.
    pub fn new(db: Db, holder: uuid::Uuid, settings: SealerSettings) -> Self {
        Self { db, holder, settings }
    }

    /// Seals until the server ends, and once more then.
    pub async fn run(&self, mut shutdown: Shutdown) {
        let mut announced: Option<tokio::time::Instant> = None;
        loop {
            let going_on = shutdown.sleep(self.settings.every).await;
            match self.seal().await {
                Ok(Some(head)) => {
                    let due = announced.is_none_or(|at| at.elapsed() >= self.settings.announce_every);
                    if due || !going_on {
                        announce(&head);
                        announced = Some(tokio::time::Instant::now());
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the audit log could not be sealed"),
            }
            if !going_on {
                return;
            }
        }
    }

    /// Seals what is committed; `None` while another node holds the lease.
    pub async fn seal(&self) -> Result<Option<Head>> {
        let holder = self.holder;
        let meta = CommandMeta::system(DEFAULT_FACILITY, "sealer");
        self.db
            .write(&meta, move |tx| match leases::acquire(tx, "audit_sealer", holder, LEASE)? {
                Some(_) => audit::seal(tx).map(Some),
                None => Ok(None),
            })
            .await
    }
}

/// The head goes to the log and the metrics, out of reach of whoever can change the database: cutting off the
/// newest blocks shows against it.
fn announce(head: &Head) {
    let hash: String = head.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    tracing::info!(height = head.height, hash, "audit log sealed");
    metrics::gauge!("consilium_audit_height").set(head.height as f64);
    metrics::gauge!("consilium_audit_head", "hash" => hash).set(head.height as f64);
}
