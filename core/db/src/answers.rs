//! Answers kept under a client's Idempotency-Key, so that a repeated request is answered and not done again.

use std::{collections::HashSet, sync::Arc, sync::Mutex};

use consilium_kernel::{CommandMeta, Refusal, Timestamp};
use diesel::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Result, violates},
    session::{Session, Tx},
    types::{at, key},
    vault::{Cell, Encrypted},
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    stored_answer (principal, key) {
        principal -> Uuid,
        key -> Text,
        body_hash -> Binary,
        answer -> Binary,
        created_at -> Instant,
    }
}

consilium_kernel::refusals! {
    /// Why a repeated request is not answered with the stored answer.
    pub enum RepeatRefusal {
        Reused: Invalid, "idempotency_key_reused", "This Idempotency-Key was used for a different request.";
        InProgress: Conflict, "in_progress", "The first request with this Idempotency-Key is still running.";
    }
}

pub(crate) fn store<R: Serialize>(tx: &mut Tx<'_>, answer: &R) -> Result<()> {
    let meta = tx.meta();
    let (Some(idempotency), Some(user)) = (&meta.idempotency, meta.principal.user_id()) else { return Ok(()) };
    let sealed = tx.seal(user.uuid(), cell(user.uuid(), &idempotency.key), answer)?;
    let now = tx.now();
    diesel::insert_into(stored_answer::table)
        .values((
            stored_answer::principal.eq(key(user)),
            stored_answer::key.eq(&idempotency.key),
            stored_answer::body_hash.eq(idempotency.body_hash.to_vec()),
            stored_answer::answer.eq(sealed),
            stored_answer::created_at.eq(at(now)),
        ))
        .execute(tx.connection())
        .map_err(|error| {
            let twin = matches!(
                &error,
                diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _)
            ) || violates(&error, "stored_answer");
            if twin { RepeatRefusal::InProgress.refusal().into() } else { crate::Error::from(error) }
        })?;
    Ok(())
}

/// The stored answer to this command, if it was done before.
pub fn find<R: DeserializeOwned + 'static>(session: &mut Session<'_>, meta: &CommandMeta) -> Result<Option<R>> {
    let (Some(idempotency), Some(user)) = (&meta.idempotency, meta.principal.user_id()) else { return Ok(None) };
    let found: Option<(Vec<u8>, Encrypted<R>)> = stored_answer::table
        .find((key(user), &idempotency.key))
        .select((stored_answer::body_hash, stored_answer::answer))
        .first(session.connection())
        .optional()?;
    match found {
        None => Ok(None),
        Some((hash, _)) if hash != idempotency.body_hash => Err(RepeatRefusal::Reused.refusal().into()),
        Some((_, sealed)) => session.open(cell(user.uuid(), &idempotency.key), &sealed).map(Some),
    }
}

/// Deletes answers older than `before`; they are replayed for 24 hours.
pub fn forget(session: &mut Session<'_>, before: Timestamp) -> Result<usize> {
    Ok(diesel::delete(stored_answer::table.filter(stored_answer::created_at.lt(at(before))))
        .execute(session.connection())?)
}

fn cell(principal: uuid::Uuid, key: &str) -> Cell {
    Cell::new("stored_answer", "answer", crate::hashed_row(&[principal.as_bytes(), key.as_bytes()]))
}

/// Keyed commands running on this node.
#[derive(Debug, Clone, Default)]
pub struct Running(Arc<Mutex<HashSet<(uuid::Uuid, String)>>>);

/// Held while a keyed command runs.
#[derive(Debug)]
pub struct RunningGuard(Option<(Running, (uuid::Uuid, String))>);

impl Running {
    /// Refuses with `in_progress` while a command with the same principal and key runs.
    pub fn enter(&self, meta: &CommandMeta) -> Result<RunningGuard, Refusal> {
        let (Some(idempotency), Some(user)) = (&meta.idempotency, meta.principal.user_id()) else {
            return Ok(RunningGuard(None));
        };
        let entry = (user.uuid(), idempotency.key.clone());
        let mut running = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !running.insert(entry.clone()) {
            return Err(RepeatRefusal::InProgress.refusal());
        }
        Ok(RunningGuard(Some((self.clone(), entry))))
    }
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        if let Some((running, entry)) = self.0.take() {
            running.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(&entry);
        }
    }
}
