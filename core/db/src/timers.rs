//! Due times are rows: set and withdrawn with what they belong to, and still there after a restart.

use consilium_kernel::{EntityRef, FacilityId, TimerId, Timestamp};
use diesel::prelude::*;

use crate::{
    connection::AnyConnection,
    error::{Error, Result},
    session::{Session, Tx},
    types::{at, key},
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    timer (id) {
        id -> Uuid,
        kind -> Text,
        entity_kind -> Text,
        entity_id -> Uuid,
        revision -> BigInt,
        facility_id -> Uuid,
        due_at -> Instant,
        attempts -> Integer,
        retry_at -> Instant,
    }
}

/// A timer to set. An entity has at most one timer of a kind.
#[derive(Debug, Clone)]
pub struct TimerRequest {
    /// `reminder_24h`, `hold_expiry`, …
    pub kind: &'static str,
    /// What it is about.
    pub entity: EntityRef,
    /// Which revision of the entity it was set for.
    pub revision: i64,
    /// When it is due.
    pub due_at: Timestamp,
}

/// A timer that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimer {
    /// Its row.
    pub id: TimerId,
    /// As it was set.
    pub kind: String,
    /// What it is about.
    pub entity: EntityRef,
    /// Which revision of the entity it was set for.
    pub revision: i64,
    /// Whose rows it touches.
    pub facility_id: FacilityId,
    /// When it was due.
    pub due_at: Timestamp,
    /// How often it was tried before.
    pub attempts: i32,
}

pub(crate) fn set(tx: &mut Tx<'_>, request: TimerRequest) -> Result<()> {
    withdraw(tx.connection(), request.entity.id, &[request.kind])?;
    let (id, facility): (TimerId, _) = (tx.new_id(), tx.meta().scope.facility_id);
    diesel::insert_into(timer::table)
        .values((
            timer::id.eq(key(id)),
            timer::kind.eq(request.kind),
            timer::entity_kind.eq(&request.entity.kind),
            timer::entity_id.eq(key(request.entity.id)),
            timer::revision.eq(request.revision),
            timer::facility_id.eq(key(facility)),
            timer::due_at.eq(at(request.due_at)),
            timer::retry_at.eq(at(request.due_at)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

pub(crate) fn withdraw(connection: &mut AnyConnection, entity: uuid::Uuid, kinds: &[&str]) -> Result<()> {
    for kind in kinds {
        diesel::delete(timer::table.filter(timer::entity_id.eq(key(entity)).and(timer::kind.eq(kind))))
            .execute(connection)?;
    }
    Ok(())
}

/// Timers that are due, oldest first.
pub fn due(session: &mut Session<'_>, limit: i64) -> Result<Vec<DueTimer>> {
    type Row = (TimerId, String, String, uuid::Uuid, i64, FacilityId, Timestamp, i32);
    let now = session.now();
    let rows: Vec<Row> = timer::table
        .filter(timer::retry_at.le(at(now)))
        .order(timer::retry_at)
        .limit(limit)
        .select((
            timer::id,
            timer::kind,
            timer::entity_kind,
            timer::entity_id,
            timer::revision,
            timer::facility_id,
            timer::due_at,
            timer::attempts,
        ))
        .load(session.connection())?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, entity_kind, entity_id, revision, facility_id, due_at, attempts)| DueTimer {
            id,
            kind,
            entity: EntityRef { kind: entity_kind, id: entity_id },
            revision,
            facility_id,
            due_at,
            attempts,
        })
        .collect())
}

/// Takes the timer in the transaction that does its work. Fails with `VersionConflict` when it is gone:
/// withdrawn, or already done by somebody else.
pub fn take(tx: &mut Tx<'_>, id: TimerId) -> Result<()> {
    match diesel::delete(timer::table.find(key(id))).execute(tx.connection())? {
        1 => Ok(()),
        _ => Err(Error::VersionConflict),
    }
}

/// Puts off a timer whose work failed.
pub fn postpone(session: &mut Session<'_>, id: TimerId, retry_at: Timestamp) -> Result<()> {
    diesel::update(timer::table.find(key(id)))
        .set((timer::retry_at.eq(at(retry_at)), timer::attempts.eq(timer::attempts + 1)))
        .execute(session.connection())?;
    Ok(())
}
