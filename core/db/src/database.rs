//! The way to the database: reads from a pool, writes through one call that means the same on both engines.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use consilium_kernel::{Clock, CommandMeta, Ids, Refusal};
use diesel::connection::SimpleConnection;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{Semaphore, oneshot};

use crate::{
    answers::{self, Running},
    connection::{AnyConnection, DatabaseUrl, Pool, open_pool},
    error::{Error, Result},
    group_commit::{Job, Outcome, Writer},
    migrations, postgres,
    session::{Effects, Session, Tx},
    vault::{KnownKeys, Vault},
};

/// How long a read or write may wait for a connection.
const WAIT: Duration = Duration::from_secs(5);

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) pool: Pool,
    writer: Option<Writer>,
    permits: Semaphore,
    vault: Vault,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    listener: OnceLock<Listener>,
    running: Running,
}

type Listener = Box<dyn Fn(Effects) + Send + Sync>;

impl Db {
    /// Opens the database with at most `connections` connections.
    pub fn open(
        url: &DatabaseUrl,
        connections: u32,
        vault: Vault,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self> {
        let pool = open_pool(url, connections, WAIT)?;
        let writer = match url {
            DatabaseUrl::Sqlite(_) => Some(Writer::start(open_pool(url, 1, WAIT)?)?),
            DatabaseUrl::Postgres(_) => None,
        };
        Ok(Self(Arc::new(Inner {
            pool,
            writer,
            permits: Semaphore::new(connections as usize),
            vault,
            clock,
            ids,
            listener: OnceLock::new(),
            running: Running::default(),
        })))
    }

    /// Runs the migrations that have not run yet and returns their names. Blocks.
    pub fn migrate(&self) -> Result<Vec<String>> {
        migrations::run(&mut *self.0.pool.get().map_err(|_| Error::Busy)?)
    }

    /// Folds SQLite's write-ahead log into the database file, so that whoever opens it next has nothing to read again.
    /// Nothing on PostgreSQL, whose server does so by itself.
    pub async fn checkpoint(&self) -> Result<()> {
        self.on_pool(|connection| match connection {
            AnyConnection::Sqlite(sqlite) => Ok(sqlite.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?),
            AnyConnection::Postgres(_) => Ok(()),
        })
        .await
    }

    /// The one listener that hears of every commit of this process, in the committing thread: it must not block.
    ///
    /// # Errors
    /// [`Error::Setup`] when there is one already.
    pub fn on_commit(&self, listener: impl Fn(Effects) + Send + Sync + 'static) -> Result<()> {
        let second = self.0.listener.set(Box::new(listener)).is_err();
        if second { Err(Error::Setup("somebody listens to commits already".to_owned())) } else { Ok(()) }
    }

    /// The injected clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The injected source of ids.
    pub fn ids(&self) -> &Arc<dyn Ids> {
        &self.0.ids
    }

    /// For keys and blind indexes.
    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// Runs a read on a pool thread.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Session<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = self.0.clone();
        self.on_pool(move |connection| {
            let now = inner.clock.now();
            let mut session = Session::new(connection, &inner.vault, inner.ids.as_ref(), now);
            let answer = f(&mut session);
            inner.vault.remember(session.finish());
            answer
        })
        .await
    }

    /// Runs `f` in one transaction and answers after it is committed. `f` may run several times: it must do
    /// nothing but read and write through its `Tx`.
    pub async fn write<T: Send + 'static>(
        &self,
        meta: &CommandMeta,
        f: impl Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let meta = meta.clone();
        match &self.0.writer {
            Some(writer) => {
                let (sender, receiver) = oneshot::channel();
                let job = Write { db: self.0.clone(), meta, f, kept: None, effects: None, reply: Some(sender) };
                writer.submit(Box::new(job))?;
                receiver.await.map_err(|_| Error::UnknownOutcome)?
            }
            #[cfg(any(test, feature = "testing"))]
            None if crate::testing::acknowledges_early() => {
                let (db, (sender, receiver)) = (self.clone(), oneshot::channel());
                tokio::spawn(async move {
                    let inner = db.0.clone();
                    db.on_pool(move |connection| postgres::acknowledge_early(&inner, connection, &meta, &f, sender))
                        .await
                });
                receiver.await.map_err(|_| Error::UnknownOutcome)?
            }
            None => {
                let inner = self.0.clone();
                self.on_pool(move |connection| postgres::write(&inner, connection, &meta, &f)).await
            }
        }
    }

    /// `write`, with the answer kept under the command's Idempotency-Key in the same transaction.
    pub async fn command<R: Serialize + Send + 'static>(
        &self,
        meta: &CommandMeta,
        f: impl Fn(&mut Tx<'_>) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        self.write(meta, move |tx| {
            let answer = f(tx)?;
            tx.remember_answer(&answer)?;
            Ok(answer)
        })
        .await
    }

    /// Answers a repeated command with its stored answer; otherwise runs `command`, refusing twins meanwhile.
    /// `command` runs to its end even when the client goes away, and must end in [`Db::command`] with `meta`.
    pub async fn once<R, F>(&self, meta: &CommandMeta, command: F) -> Result<R, Refusal>
    where
        R: DeserializeOwned + Send + 'static,
        F: Future<Output = Result<R, Refusal>> + 'static,
    {
        if meta.idempotency.is_none() {
            return command.await;
        }
        let guard = self.0.running.enter(meta)?;
        let repeated = meta.clone();
        if let Some(answer) = self.read(move |session| answers::find(session, &repeated)).await? {
            return Ok(answer);
        }
        let (sender, receiver) = oneshot::channel();
        tokio::task::spawn_local(async move {
            let _ = sender.send(command.await);
            drop(guard);
        });
        receiver.await.unwrap_or_else(|_| Err(Refusal::unavailable()))
    }

    async fn on_pool<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = tokio::time::timeout(WAIT, self.0.permits.acquire()).await;
        let _permit = permit.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)?;
        let pool = self.0.pool.clone();
        tokio::task::spawn_blocking(move || f(&mut *pool.get().map_err(|_| Error::Busy)?))
            .await
            .map_err(|_| Error::UnknownOutcome)?
    }
}

impl Inner {
    /// Runs `f` inside the transaction that `connection` is in.
    pub(crate) fn transact<T>(
        &self,
        connection: &mut AnyConnection,
        meta: &CommandMeta,
        f: impl Fn(&mut Tx<'_>) -> Result<T>,
    ) -> Result<(T, Committed)> {
        let session = Session::new(connection, &self.vault, self.ids.as_ref(), self.clock.now());
        let mut tx = Tx::new(session, meta);
        let value = f(&mut tx)?;
        Ok((value, Committed(tx.finish())))
    }

    pub(crate) fn random(&self) -> &ring::rand::SystemRandom {
        self.vault.random()
    }

    /// Tells the process what was committed.
    pub(crate) fn announce(&self, Committed((effects, known)): Committed) {
        self.vault.remember(known);
        if let Some(listener) = self.listener.get()
            && !(effects.events.is_empty() && effects.topics.is_empty() && !effects.timers)
        {
            listener(effects);
        }
    }
}

/// What a transaction will have brought about once it is committed.
pub(crate) struct Committed((Effects, KnownKeys));

/// A write on its way through the writer thread.
struct Write<T, F> {
    db: Arc<Inner>,
    meta: CommandMeta,
    f: F,
    kept: Option<Result<T>>,
    effects: Option<Committed>,
    reply: Option<oneshot::Sender<Result<T>>>,
}

impl<T: Send, F: Fn(&mut Tx<'_>) -> Result<T> + Send> Job for Write<T, F> {
    fn run(&mut self, connection: &mut AnyConnection) -> Outcome {
        let (kept, effects, outcome) = match self.db.transact(connection, &self.meta, &self.f) {
            Ok((value, effects)) => (Ok(value), Some(effects), Outcome::Keep),
            Err(error) => (Err(error), None, Outcome::Undo),
        };
        (self.kept, self.effects) = (Some(kept), effects);
        #[cfg(any(test, feature = "testing"))]
        if crate::testing::acknowledges_early() {
            self.acknowledge_early();
        }
        outcome
    }

    fn answer(mut self: Box<Self>, committed: Result<()>) {
        if committed.is_ok()
            && let Some(effects) = self.effects.take()
        {
            self.db.announce(effects);
        }
        let result = match (committed, self.kept.take()) {
            // A refusal stands whether or not its neighbours could be committed.
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(Error::UnknownOutcome),
        };
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(result);
        }
    }
}

#[cfg(any(test, feature = "testing"))]
impl<T, F> Write<T, F> {
    fn acknowledge_early(&mut self) {
        if let (Some(reply), Some(kept)) = (self.reply.take(), self.kept.take()) {
            let _ = reply.send(kept);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
