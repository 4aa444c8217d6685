//! Several nodes as one: who is there (rows of PostgreSQL, renewed every second), who owns what, and the way to the
//! others over NATS. Nothing here is needed for anything to be right: the database refuses what two owners would do to
//! one entity, and what a watcher does not hear it reads. Nothing durable depends on NATS.

mod bus;
mod link;
mod membership;
mod reach;
mod view;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use consilium_db::Db;
use consilium_runtime::{EventBus, Owner, Placement, Receive, Unanswered};
use tokio::runtime::{Builder, Handle};
use uuid::Uuid;

use bus::NatsBus;
use link::Link;
use membership::Membership;
pub use reach::reach;

/// How a node takes part.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// Where NATS is: nats://user:password@host:port, several by comma. Secret.
    pub nats: String,
    /// In front of every subject, so that deployments may share a NATS server.
    pub prefix: String,
    /// What people call this node.
    pub name: String,
    /// Where it serves HTTP.
    pub address: String,
    /// Of the program.
    pub version: String,
}

/// How this node stands to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// It renews its row in time.
    pub member: bool,
    /// NATS is there.
    pub connected: bool,
    /// Its clock agrees with the database's.
    pub clock: bool,
}

/// This node's part in the cluster.
pub struct Cluster {
    membership: Arc<Membership>,
    link: Arc<Link>,
    bus: Arc<NatsBus>,
    thread: Handle,
}

/// The cluster cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The settings are wrong.
    #[error("nats.url: {0}")]
    Nats(String),
    /// The database does not let us.
    #[error("{0}")]
    Database(#[from] consilium_db::Error),
    /// The operating system does not let us.
    #[error("{0}")]
    Thread(#[from] std::io::Error),
}

impl Cluster {
    /// Joins. NATS need not be there yet; the database must.
    pub async fn join(settings: ClusterSettings, db: Db) -> Result<Arc<Self>, JoinError> {
        let thread = thread()?;
        let here = thread.clone();
        let joining = thread.spawn(async move {
            let membership = Membership::join(db.clone(), &settings).await?;
            let renewing = membership.clone();
            tokio::spawn(async move { renewing.run().await });
            let link = Link::connect(&settings, db, membership.clone()).await?;
            let bus = NatsBus::start(link.clone()).await?;
            Ok(Arc::new(Self { membership, link, bus, thread: here }))
        });
        joining.await.map_err(std::io::Error::other)?
    }

    /// The bus that reaches watchers on all nodes.
    pub fn bus(&self) -> Arc<dyn EventBus> {
        self.bus.clone()
    }

    /// How this node stands to the others.
    pub fn standing(&self) -> Standing {
        Standing {
            member: self.membership.is_member(),
            connected: self.link.is_connected(),
            clock: self.membership.clock_agrees(),
        }
    }

    /// Owns nothing from now on, and says so to the others; commands go to them.
    pub async fn leave(&self) {
        let membership = self.membership.clone();
        if self.thread.spawn(async move { membership.leave().await }).await.is_err() {
            tracing::warn!("the cluster could not be left in order");
        }
    }
}

#[async_trait]
impl Placement for Cluster {
    fn owner(&self, kind: &str, id: &str) -> Owner {
        self.membership.owner(kind, id)
    }

    fn view(&self) -> u64 {
        self.membership.number()
    }

    fn others(&self) -> Vec<Uuid> {
        self.membership.others()
    }

    async fn forward(&self, node: Uuid, kind: &'static str, command: Vec<u8>) -> Result<Vec<u8>, Unanswered> {
        self.link.request(node, kind, &command).await
    }

    fn serve(&self, kind: &'static str, receiver: Arc<dyn Receive>) {
        self.link.serve(kind, receiver);
    }
}

/// The cluster has a thread of its own: a node whose other threads are busy is not to be taken for dead.
fn thread() -> Result<Handle, std::io::Error> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("cluster".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}

/// After this long without renewing, a node is gone.
const LEASE: Duration = Duration::from_secs(5);
/// Between two renewals.
const RENEW: Duration = Duration::from_secs(1);
/// Before its row expires, a node owns nothing any more.
const MARGIN: Duration = Duration::from_secs(1);
/// Clocks that are further apart than this would send reminders at a wrong time.
const CLOCKS: Duration = Duration::from_secs(5);
