//! What documents are said to be, as rows beside their files.

use std::collections::HashMap;

use consilium_db::{
    Error, Result, Session, Tx,
    types::{at, key},
};
use consilium_files::FileId;
use consilium_kernel::{DoctorId, Timestamp};
use diesel::prelude::*;

use crate::model::CredentialKind;

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    credential (file_id) {
        file_id -> Uuid,
        facility_id -> Uuid,
        doctor_id -> Uuid,
        kind -> Text,
        submitted_at -> Instant,
    }
}

/// What a doctor's documents are, and since when, by their files.
pub(crate) fn of_doctor(
    session: &mut Session<'_>,
    doctor: DoctorId,
) -> Result<HashMap<FileId, (CredentialKind, Timestamp)>> {
    let rows: Vec<(FileId, String, Timestamp)> = credential::table
        .filter(credential::doctor_id.eq(key(doctor)))
        .select((credential::file_id, credential::kind, credential::submitted_at))
        .load(session.connection())?;
    let known = |kind: &str| kind.parse().map_err(|_| Error::Sealed("a credential has an unknown kind"));
    rows.into_iter().map(|(file, kind, when)| Ok((file, (known(&kind)?, when)))).collect()
}

/// Writes a new one, submitted now.
pub(crate) fn insert(tx: &mut Tx<'_>, doctor: DoctorId, file: FileId, kind: CredentialKind) -> Result<()> {
    let (facility, now) = (tx.meta().scope.facility_id, tx.now());
    diesel::insert_into(credential::table)
        .values((
            credential::file_id.eq(key(file)),
            credential::facility_id.eq(key(facility)),
            credential::doctor_id.eq(key(doctor)),
            credential::kind.eq(kind.to_string()),
            credential::submitted_at.eq(at(now)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Forgets one of a doctor.
pub(crate) fn forget(tx: &mut Tx<'_>, doctor: DoctorId, file: FileId) -> Result<()> {
    diesel::delete(credential::table.find(key(file)).filter(credential::doctor_id.eq(key(doctor))))
        .execute(tx.connection())?;
    Ok(())
}
