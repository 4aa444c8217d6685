//! SQLite's one writer: drains what is queued into one transaction and commits it once.
//!
//! Each job runs under a savepoint of its own, so that a refused one undoes only itself. Nobody is
//! answered before the commit. When the commit or the disk fails, the jobs are run again one by one,
//! so that one impossible write does not take its neighbours with it.

use diesel::{
    connection::{AnsiTransactionManager, TransactionManager},
    prelude::*,
    result::Error as DieselError,
};
use tokio::sync::mpsc;

use crate::{
    connection::{AnyConnection, Pool},
    error::{Error, Result},
};

/// Jobs that may wait; past this, writers are told that the database is busy.
const QUEUE: usize = 4_096;
/// Jobs committed together at most.
const BATCH: usize = 256;

type Manager = <AnyConnection as Connection>::TransactionManager;

/// A queued write.
pub(crate) trait Job: Send {
    /// Runs inside a transaction and keeps its own result. May be called again after a failed commit.
    fn run(&mut self, connection: &mut AnyConnection) -> Outcome;
    /// Answers whoever waits: with the kept result when `committed` is ok, with the error otherwise.
    fn answer(self: Box<Self>, committed: Result<()>);
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its changes stand.
    Keep,
    /// Its changes must be undone; everybody else's stand.
    Undo,
}

/// The way to the writer thread.
#[derive(Clone)]
pub(crate) struct Writer(mpsc::Sender<Box<dyn Job>>);

impl Writer {
    /// Starts the writer thread; it ends when the last handle is gone and the queue is empty.
    pub(crate) fn start(pool: Pool) -> Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || run(&pool, receiver))
            .map_err(|error| Error::Setup(format!("the writer thread cannot start: {error}")))?;
        Ok(Self(sender))
    }

    /// Queues a job, or gives it back as `Busy`.
    pub(crate) fn submit(&self, job: Box<dyn Job>) -> Result<()> {
        self.0.try_send(job).map_err(|_| Error::Busy)
    }
}

fn run(pool: &Pool, mut receiver: mpsc::Receiver<Box<dyn Job>>) {
    let mut jobs = Vec::with_capacity(BATCH);
    while receiver.blocking_recv_many(&mut jobs, BATCH) > 0 {
        metrics::histogram!("consilium_commit_batch_size").record(jobs.len() as f64);
        let mut connection = match pool.get() {
            Ok(connection) => connection,
            Err(error) => {
                tracing::error!(%error, "no connection for the writer");
                jobs.drain(..).for_each(|job| job.answer(Err(Error::Busy)));
                continue;
            }
        };
        match commit_together(&mut connection, &mut jobs) {
            Ok(()) => jobs.drain(..).for_each(|job| job.answer(Ok(()))),
            Err(error) => {
                tracing::warn!(%error, jobs = jobs.len(), "a batch could not be committed; its writes run one by one");
                for job in jobs.drain(..) {
                    commit_alone(&mut connection, job);
                }
            }
        }
    }
}

fn commit_together(connection: &mut AnyConnection, jobs: &mut [Box<dyn Job>]) -> Result<(), DieselError> {
    in_transaction(connection, |connection| {
        for job in jobs.iter_mut() {
            under_savepoint(connection, job.as_mut())?;
        }
        Ok(())
    })
}

fn commit_alone(connection: &mut AnyConnection, mut job: Box<dyn Job>) {
    let committed = in_transaction(connection, |connection| under_savepoint(connection, job.as_mut()));
    job.answer(committed.map_err(Error::from));
}

/// `BEGIN IMMEDIATE` … `COMMIT`. A deferred transaction that turns into a writer fails with "locked" whatever the timeout.
fn in_transaction(
    connection: &mut AnyConnection,
    body: impl FnOnce(&mut AnyConnection) -> Result<(), DieselError>,
) -> Result<(), DieselError> {
    match connection {
        AnyConnection::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?,
        AnyConnection::Postgres(_) => return Err(DieselError::BrokenTransactionManager),
    }
    match body(connection).and_then(|()| Manager::commit_transaction(connection)) {
        Ok(()) => Ok(()),
        Err(error) => {
            // After a full disk SQLite may have rolled back already; the connection must be clean either way.
            if let Err(rollback) = Manager::rollback_transaction(connection) {
                tracing::warn!(error = %rollback, "rollback after a failed commit");
                let _ = diesel::sql_query("ROLLBACK").execute(connection);
            }
            Err(error)
        }
    }
}

fn under_savepoint(connection: &mut AnyConnection, job: &mut dyn Job) -> Result<(), DieselError> {
    Manager::begin_transaction(connection)?;
    match job.run(connection) {
        Outcome::Keep => Manager::commit_transaction(connection),
        Outcome::Undo => Manager::rollback_transaction(connection),
    }
}
