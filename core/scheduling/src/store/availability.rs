//! The `availability` table.

use consilium_db::{
    AnyConnection, Error, Result, Session, Tx,
    types::{at, key, keys},
};
use consilium_kernel::{DoctorId, Scope};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};

use super::{one_row, schema::availability};
use crate::availability::VersionedAvailability;

/// A doctor's availability, if it was ever set.
pub(crate) fn find(session: &mut Session<'_>, doctor_id: DoctorId) -> Result<Option<VersionedAvailability>> {
    let row: Option<(i64, String)> = availability::table
        .find(key(doctor_id))
        .select((availability::version, availability::rules))
        .first(session.connection())
        .optional()?;
    row.map(|(version, rules)| read(version, &rules)).transpose()
}

/// The availabilities of these doctors, those never set left out.
pub(crate) fn of_doctors(
    session: &mut Session<'_>,
    scope: Scope,
    doctors: &[DoctorId],
) -> Result<Vec<(DoctorId, VersionedAvailability)>> {
    let all = availability::table
        .filter(availability::facility_id.eq(key(scope.facility_id)))
        .select((availability::doctor_id, availability::version, availability::rules))
        .into_boxed();
    let wanted = match doctors {
        // The usual case, and without a list it is prepared only once.
        [one] => all.filter(availability::doctor_id.eq(key(*one))),
        several => all.filter(availability::doctor_id.eq_any(keys(several.iter().copied()))),
    };
    let rows: Vec<(DoctorId, i64, String)> = wanted.load(session.connection())?;
    rows.into_iter().map(|(id, version, rules)| Ok((id, read(version, &rules)?))).collect()
}

/// The availabilities of all doctors of the facility.
pub(crate) fn of_facility(session: &mut Session<'_>, scope: Scope) -> Result<Vec<(DoctorId, VersionedAvailability)>> {
    let rows: Vec<(DoctorId, i64, String)> = availability::table
        .filter(availability::facility_id.eq(key(scope.facility_id)))
        .select((availability::doctor_id, availability::version, availability::rules))
        .load(session.connection())?;
    rows.into_iter().map(|(id, version, rules)| Ok((id, read(version, &rules)?))).collect()
}

/// The version as it is now, 0 when never set. On PostgreSQL whoever asked holds the row until commit, so that
/// bookings of one doctor stand in line there even when two nodes take them; SQLite has one writer anyway.
pub(crate) fn lock(tx: &mut Tx<'_>, doctor_id: DoctorId) -> Result<i64> {
    let rows = availability::table.find(key(doctor_id)).select(availability::version);
    let version: Option<i64> = match tx.connection() {
        AnyConnection::Postgres(postgres) => rows.for_update().first(postgres).optional()?,
        AnyConnection::Sqlite(sqlite) => rows.first(sqlite).optional()?,
    };
    Ok(version.unwrap_or(0))
}

/// Writes version `set.version`, which must follow on the stored one.
pub(crate) fn put(tx: &mut Tx<'_>, doctor_id: DoctorId, set: &VersionedAvailability) -> Result<()> {
    let (scope, now) = (tx.meta().scope, tx.now());
    let rules = serde_json::to_string(&set.availability)?;
    if set.version == 1 {
        let inserted = diesel::insert_into(availability::table)
            .values((
                availability::doctor_id.eq(key(doctor_id)),
                availability::facility_id.eq(key(scope.facility_id)),
                availability::time_zone.eq(set.availability.time_zone.name()),
                availability::rules.eq(rules),
                availability::version.eq(set.version),
                availability::updated_at.eq(at(now)),
            ))
            .execute(tx.connection());
        return match inserted {
            Ok(_) => Ok(()),
            Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Err(Error::VersionConflict),
            Err(error) => Err(error.into()),
        };
    }
    let changed = diesel::update(
        availability::table
            .find(key(doctor_id))
            .filter(availability::facility_id.eq(key(scope.facility_id)))
            .filter(availability::version.eq(set.version - 1)),
    )
    .set((
        availability::time_zone.eq(set.availability.time_zone.name()),
        availability::rules.eq(rules),
        availability::version.eq(set.version),
        availability::updated_at.eq(at(now)),
    ))
    .execute(tx.connection())?;
    one_row(changed)
}

fn read(version: i64, rules: &str) -> Result<VersionedAvailability> {
    Ok(VersionedAvailability { version, availability: serde_json::from_str(rules)? })
}
