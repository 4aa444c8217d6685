//! Transactions on PostgreSQL: retried when they only lost a race, settled when the connection is lost at commit.

use std::time::Duration;

use consilium_kernel::CommandMeta;
use diesel::{
    connection::TransactionManager,
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
    sql_query, sql_types as sql,
};
use ring::rand::SecureRandom;

use crate::{
    cached::Cacheable,
    connection::AnyConnection,
    database::Inner,
    error::{Error, Result, is_passing},
    session::Tx,
};

type Manager = <AnyConnection as Connection>::TransactionManager;

/// Tries of one transaction that loses races.
const TRIES: u32 = 8;

pub(crate) fn write<T>(
    db: &Inner,
    connection: &mut AnyConnection,
    meta: &CommandMeta,
    f: &impl Fn(&mut Tx<'_>) -> Result<T>,
) -> Result<T> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match try_once(db, connection, meta, f) {
            Err(Error::Database(error)) if lost_a_race(&error) && attempt < TRIES => {
                std::thread::sleep(backoff(db, attempt));
            }
            other => return other,
        }
    }
}

/// Answers before it commits: what must never happen, for the kill test to find out.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn acknowledge_early<T>(
    db: &Inner,
    connection: &mut AnyConnection,
    meta: &CommandMeta,
    f: &impl Fn(&mut Tx<'_>) -> Result<T>,
    reply: tokio::sync::oneshot::Sender<Result<T>>,
) -> Result<()> {
    let mut reply = Some(reply);
    let told = std::cell::RefCell::new(&mut reply);
    let committed = write(db, connection, meta, &|tx: &mut Tx<'_>| {
        let value = f(tx)?;
        if let Some(reply) = told.borrow_mut().take() {
            let _ = reply.send(Ok(value));
        }
        std::thread::sleep(Duration::from_millis(50));
        Ok(())
    });
    match (committed, reply) {
        (Err(error), Some(reply)) => {
            let _ = reply.send(Err(error));
            Ok(())
        }
        (committed, _) => committed,
    }
}

fn try_once<T>(
    db: &Inner,
    connection: &mut AnyConnection,
    meta: &CommandMeta,
    f: &impl Fn(&mut Tx<'_>) -> Result<T>,
) -> Result<T> {
    Manager::begin_transaction(connection)?;
    let (value, effects) = match db.transact(connection, meta, f) {
        Ok(done) => done,
        Err(error) => {
            let _ = Manager::rollback_transaction(connection);
            return Err(error);
        }
    };
    let transaction = transaction_id(connection)?;
    match Manager::commit_transaction(connection) {
        Ok(()) => {}
        Err(error) if lost_a_race(&error) || !is_passing(&error) => return Err(error.into()),
        Err(_) => settle(db, transaction)?,
    }
    db.announce(effects);
    Ok(value)
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = sql::Nullable<sql::Text>)]
    value: Option<String>,
}

/// The id of the running transaction, `None` when it has written nothing.
fn transaction_id(connection: &mut AnyConnection) -> Result<Option<String>> {
    let asked = sql_query("SELECT pg_current_xact_id_if_assigned()::text AS value").cached();
    Ok(asked.get_result::<Answer>(connection)?.value)
}

/// Finds out, on another connection, whether a transaction whose COMMIT went unanswered was committed.
fn settle(db: &Inner, transaction: Option<String>) -> Result<()> {
    let Some(transaction) = transaction else { return Ok(()) };
    for attempt in 1..=TRIES {
        std::thread::sleep(backoff(db, attempt));
        let Ok(mut connection) = db.pool.get() else { continue };
        let status = sql_query("SELECT pg_xact_status($1::text::xid8) AS value")
            .bind::<sql::Text, _>(&transaction)
            .get_result::<Answer>(&mut *connection);
        match status.ok().and_then(|answer| answer.value).as_deref() {
            Some("committed") => return Ok(()),
            Some("aborted") => return Err(Error::Busy),
            _ => {}
        }
    }
    Err(Error::UnknownOutcome)
}

fn lost_a_race(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        // Somebody else made this subject's data key first; the next try finds it.
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
            info.constraint_name().is_some_and(|name| name.starts_with("data_key"))
        }
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => info.message().contains("deadlock detected"),
        _ => false,
    }
}

/// 2 ms doubling to 256 ms, of which a random half is waited.
fn backoff(db: &Inner, attempt: u32) -> Duration {
    let mut byte = [0u8];
    let _ = db.random().fill(&mut byte);
    let full = 2u64 << attempt.min(7);
    Duration::from_millis(full / 2 + full * u64::from(byte[0]) / 512)
}
