//! Dispatches as rows. Nothing medical stands in them.

use std::collections::HashMap;

use consilium_db::{
    Error, MultiBackend, Result, Session, Tx,
    types::{at, key, keys},
};
use consilium_kernel::{FacilityId, Id, PrescriptionId, Scope, Timestamp};
use diesel::{prelude::*, result::DatabaseErrorKind, result::Error as DieselError};

use super::tables::pharmacy_dispatch as table;
use crate::{
    model::{Dispatch, DispatchId, DispatchStatus},
    refusal::PrescribingRefusal,
};

/// One attempt to have a prescription dispensed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DispatchRow {
    pub id: DispatchId,
    pub facility_id: FacilityId,
    pub prescription_id: PrescriptionId,
    pub gateway: String,
    pub pharmacy_id: Option<String>,
    pub status: DispatchStatus,
    /// The pharmacy's name for it, once known.
    pub reference: Option<String>,
    pub attempts: i32,
    pub problem: Option<String>,
    pub requested_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = table)]
struct Stored {
    id: Id<crate::model::DispatchMark>,
    facility_id: FacilityId,
    prescription_id: PrescriptionId,
    gateway: String,
    pharmacy_id: Option<String>,
    status: String,
    reference: Option<String>,
    attempts: i32,
    problem: Option<String>,
    requested_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
}

impl TryFrom<Stored> for DispatchRow {
    type Error = Error;

    fn try_from(row: Stored) -> Result<Self> {
        Ok(Self {
            status: row.status.parse().map_err(|_| Error::Sealed("a dispatch has an unknown status"))?,
            id: row.id,
            facility_id: row.facility_id,
            prescription_id: row.prescription_id,
            gateway: row.gateway,
            pharmacy_id: row.pharmacy_id,
            reference: row.reference,
            attempts: row.attempts,
            problem: row.problem,
            requested_at: row.requested_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

impl DispatchRow {
    /// As readers see it.
    pub fn seen(self) -> Dispatch {
        Dispatch {
            id: self.id.uuid(),
            gateway: self.gateway,
            pharmacy_id: self.pharmacy_id,
            status: self.status,
            attempts: self.attempts,
            problem: self.problem,
            requested_at: self.requested_at,
            updated_at: self.updated_at,
        }
    }
}

/// One dispatch.
pub(crate) fn dispatch(session: &mut Session<'_>, id: DispatchId) -> Result<Option<DispatchRow>> {
    let row: Option<Stored> =
        table::table.find(key(id)).select(Stored::as_select()).first(session.connection()).optional()?;
    row.map(DispatchRow::try_from).transpose()
}

/// The dispatch that a gateway knows by this reference.
pub(crate) fn dispatch_by_reference(
    session: &mut Session<'_>,
    gateway: &str,
    reference: &str,
) -> Result<Option<DispatchRow>> {
    let row: Option<Stored> = table::table
        .filter(table::gateway.eq(gateway).and(table::reference.eq(reference)))
        .select(Stored::as_select())
        .first(session.connection())
        .optional()?;
    row.map(DispatchRow::try_from).transpose()
}

/// Whether something is on its way to this gateway whose reference is not known yet.
pub(crate) fn has_queued(session: &mut Session<'_>, gateway: &str) -> Result<bool> {
    let queued: Option<DispatchId> = table::table
        .filter(table::gateway.eq(gateway).and(table::status.eq(DispatchStatus::Queued.to_string())))
        .select(table::id)
        .first(session.connection())
        .optional()?;
    Ok(queued.is_some())
}

/// The latest dispatch of a prescription.
pub(crate) fn latest_dispatch(session: &mut Session<'_>, of: PrescriptionId) -> Result<Option<DispatchRow>> {
    let row: Option<Stored> = table::table
        .filter(table::prescription_id.eq(key(of)))
        .order(table::id.desc())
        .select(Stored::as_select())
        .first(session.connection())
        .optional()?;
    row.map(DispatchRow::try_from).transpose()
}

/// The latest dispatch of each of these prescriptions.
pub(super) fn latest_of(
    session: &mut Session<'_>,
    of: impl Iterator<Item = PrescriptionId>,
) -> Result<HashMap<PrescriptionId, DispatchRow>> {
    let rows: Vec<Stored> = table::table
        .filter(table::prescription_id.eq_any(keys(of)))
        .order(table::id)
        .select(Stored::as_select())
        .load(session.connection())?;
    // Later rows replace earlier ones.
    rows.into_iter().map(|row| DispatchRow::try_from(row).map(|row| (row.prescription_id, row))).collect()
}

/// The facility's dispatches that are as far as this, after `after`, the oldest first.
pub(crate) fn with_status(
    session: &mut Session<'_>,
    scope: Scope,
    status: DispatchStatus,
    after: Option<DispatchId>,
    limit: i64,
) -> Result<Vec<DispatchRow>> {
    let mut query = table::table
        .filter(table::facility_id.eq(key(scope.facility_id)).and(table::status.eq(status.to_string())))
        .order(table::id)
        .limit(limit)
        .select(Stored::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(table::id.gt(key(after)));
    }
    let rows: Vec<Stored> = query.load(session.connection())?;
    rows.into_iter().map(DispatchRow::try_from).collect()
}

/// Writes a new dispatch. Refuses with `already_sent` while the prescription has one that goes on.
pub(crate) fn insert_dispatch(tx: &mut Tx<'_>, new: &DispatchRow) -> Result<()> {
    diesel::insert_into(table::table)
        .values((
            table::id.eq(key(new.id)),
            table::facility_id.eq(key(new.facility_id)),
            table::prescription_id.eq(key(new.prescription_id)),
            table::gateway.eq(&new.gateway),
            table::pharmacy_id.eq(new.pharmacy_id.as_deref()),
            table::status.eq(new.status.to_string()),
            table::reference.eq(new.reference.as_deref()),
            table::attempts.eq(new.attempts),
            table::problem.eq(new.problem.as_deref()),
            table::requested_at.eq(at(new.requested_at)),
            table::updated_at.eq(at(new.updated_at)),
            table::version.eq(new.version),
        ))
        .execute(tx.connection())
        .map_err(|error| match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
                PrescribingRefusal::AlreadySent.refusal().into()
            }
            other => Error::from(other),
        })?;
    Ok(())
}

/// Writes what changed since `before`; fails with `VersionConflict` when somebody else did.
pub(crate) fn save_dispatch(tx: &mut Tx<'_>, before: &DispatchRow, after: &DispatchRow) -> Result<()> {
    let changed = diesel::update(table::table.find(key(before.id)).filter(table::version.eq(before.version)))
        .set((
            table::status.eq(after.status.to_string()),
            table::reference.eq(after.reference.as_deref()),
            table::problem.eq(after.problem.as_deref()),
            table::updated_at.eq(at(after.updated_at)),
            table::version.eq(after.version),
        ))
        .execute(tx.connection())?;
    if changed == 1 { Ok(()) } else { Err(Error::VersionConflict) }
}

/// Counts an attempt to hand over a queued dispatch, before it is made.
pub(crate) fn attempted(tx: &mut Tx<'_>, id: DispatchId) -> Result<()> {
    diesel::update(table::table.find(key(id)).filter(table::status.eq(DispatchStatus::Queued.to_string())))
        .set(table::attempts.eq(table::attempts + 1))
        .execute(tx.connection())?;
    Ok(())
}

/// Notes what went wrong last.
pub(crate) fn note_problem(tx: &mut Tx<'_>, id: DispatchId, problem: &str) -> Result<()> {
    diesel::update(table::table.find(key(id))).set(table::problem.eq(problem)).execute(tx.connection())?;
    Ok(())
}
