//! A patient's row, and the tokens by which staff find it.

use consilium_db::{
    Cell, Encrypted, Error, Result, Session, Tx,
    types::{at, key, maybe_key},
};
use consilium_kernel::{FacilityId, PatientId, Scope, Timestamp, UserId};
use diesel::{dsl::exists, prelude::*};

use super::tables::{patient as table, patient_name_token as token};
use crate::model::{Patient, Profile};

type Row = (PatientId, FacilityId, Option<UserId>, Encrypted<Profile>, Timestamp, i64);

/// One patient, in any facility, with everything that is known. The caller answers for who may see it.
pub fn patient(session: &mut Session<'_>, id: PatientId) -> Result<Option<Patient>> {
    let row: Option<Row> = table::table
        .find(key(id))
        .select((table::id, table::facility_id, table::user_id, table::profile, table::created_at, table::version))
        .first(session.connection())
        .optional()?;
    row.map(|row| open(session, row)).transpose()
}

/// One patient of this facility.
pub fn in_scope(session: &mut Session<'_>, scope: Scope, id: PatientId) -> Result<Option<Patient>> {
    Ok(patient(session, id)?.filter(|found| found.facility_id == scope.facility_id))
}

/// Patients of this facility whose names have a word beginning with every one of `prefixes`, newest first.
pub fn search(session: &mut Session<'_>, scope: Scope, prefixes: &[Vec<u8>], limit: i64) -> Result<Vec<Patient>> {
    let mut query = table::table
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .select((table::id, table::facility_id, table::user_id, table::profile, table::created_at, table::version))
        .order(table::id.desc())
        .limit(limit)
        .into_boxed::<consilium_db::MultiBackend>();
    for prefix in prefixes {
        query = query.filter(exists(
            token::table
                .filter(token::facility_id.eq(key(scope.facility_id)))
                .filter(token::patient_id.eq(table::id))
                .filter(token::token.eq(prefix.clone())),
        ));
    }
    let rows: Vec<Row> = query.load(session.connection())?;
    rows.into_iter().map(|row| open(session, row)).collect()
}

/// Writes a new patient of the command's facility.
pub fn insert(tx: &mut Tx<'_>, id: PatientId, user_id: Option<UserId>, profile: Profile) -> Result<Patient> {
    let (now, facility_id) = (tx.now(), tx.meta().scope.facility_id);
    let sealed = tx.seal(id.uuid(), cell(id), &profile)?;
    diesel::insert_into(table::table)
        .values((
            table::id.eq(key(id)),
            table::facility_id.eq(key(facility_id)),
            table::user_id.eq(maybe_key(user_id)),
            table::profile.eq(sealed),
            table::created_at.eq(at(now)),
            table::version.eq(1_i64),
        ))
        .execute(tx.connection())?;
    let written = assemble((id, facility_id, user_id, now, 1), profile);
    write_tokens(tx, &written)?;
    Ok(written)
}

/// Replaces the profile that was read as `before`.
pub fn update(tx: &mut Tx<'_>, before: &Patient, profile: Profile) -> Result<Patient> {
    let id = before.id;
    let version = before.version + 1;
    let sealed = tx.seal(id.uuid(), cell(id), &profile)?;
    let changed = diesel::update(table::table.find(key(id)).filter(table::version.eq(before.version)))
        .set((table::profile.eq(sealed), table::version.eq(version)))
        .execute(tx.connection())?;
    if changed != 1 {
        return Err(Error::VersionConflict);
    }
    let after = assemble((id, before.facility_id, before.user_id, before.created_at, version), profile);
    if (&after.given_name, &after.family_name) != (&before.given_name, &before.family_name) {
        diesel::delete(token::table.filter(token::patient_id.eq(key(id)))).execute(tx.connection())?;
        write_tokens(tx, &after)?;
    }
    Ok(after)
}

fn write_tokens(tx: &mut Tx<'_>, of: &Patient) -> Result<()> {
    for prefix in tx.vault().prefix_tokens(&format!("{} {}", of.given_name, of.family_name)) {
        diesel::insert_into(token::table)
            .values((
                token::patient_id.eq(key(of.id)),
                token::token.eq(prefix),
                token::facility_id.eq(key(of.facility_id)),
            ))
            .execute(tx.connection())?;
    }
    Ok(())
}

fn cell(id: PatientId) -> Cell {
    Cell::new("patient", "profile", id.uuid())
}

fn open(session: &mut Session<'_>, (id, facility_id, user_id, sealed, created_at, version): Row) -> Result<Patient> {
    let profile = session.open(cell(id), &sealed)?;
    Ok(assemble((id, facility_id, user_id, created_at, version), profile))
}

fn assemble(
    (id, facility_id, user_id, created_at, version): (PatientId, FacilityId, Option<UserId>, Timestamp, i64),
    profile: Profile,
) -> Patient {
    Patient {
        id,
        user_id,
        facility_id,
        given_name: profile.given_name,
        family_name: profile.family_name,
        birth_date: profile.birth_date,
        gender: profile.gender,
        phone: profile.phone,
        address: profile.address,
        blood_type: profile.blood_type,
        allergies: profile.allergies,
        conditions: profile.conditions,
        emergency_contact: profile.emergency_contact,
        created_at,
        version,
    }
}
