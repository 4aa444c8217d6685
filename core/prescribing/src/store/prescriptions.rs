//! Prescriptions as rows: ids, times and the signature in plain columns, the document sealed.

use consilium_db::{
    Cell, Encrypted, Error, MultiBackend, Result, Session, Tx,
    types::{at, key, keys, maybe_at},
};
use consilium_kernel::{ConsultationId, DoctorId, FacilityId, PatientId, PrescriptionId, Scope, Timestamp};
use diesel::prelude::*;

use super::{
    dispatches::{latest_dispatch, latest_of},
    tables::prescription as table,
};
use crate::{
    document::SignedDocument,
    model::{Prescription, Signature},
};

/// A prescription without its content.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = table)]
pub(crate) struct PrescriptionRow {
    pub id: PrescriptionId,
    pub facility_id: FacilityId,
    pub consultation_id: ConsultationId,
    pub doctor_id: DoctorId,
    pub patient_id: PatientId,
    pub issued_at: Timestamp,
    pub content: Encrypted<String>,
    pub signature: Vec<u8>,
    pub signing_key: String,
    pub withdrawn_at: Option<Timestamp>,
    pub version: i64,
}

/// One prescription of this facility.
pub(crate) fn row(session: &mut Session<'_>, scope: Scope, id: PrescriptionId) -> Result<Option<PrescriptionRow>> {
    Ok(table::table
        .find(key(id))
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .select(PrescriptionRow::as_select())
        .first(session.connection())
        .optional()?)
}

/// The prescription with this code, in any facility: the code is all that whoever asks needs to know.
pub(crate) fn by_code(session: &mut Session<'_>, index: &[u8]) -> Result<Option<PrescriptionRow>> {
    Ok(table::table
        .filter(table::code_index.eq(index.to_vec()))
        .select(PrescriptionRow::as_select())
        .first(session.connection())
        .optional()?)
}

/// The text that was signed, and the signature.
pub(crate) fn content(session: &mut Session<'_>, row: &PrescriptionRow) -> Result<(String, Signature)> {
    let text = session.open(cell(row.id), &row.content)?;
    Ok((text, Signature { key: row.signing_key.clone(), bytes: row.signature.clone() }))
}

/// One prescription of this facility with everything.
pub(crate) fn prescription(
    session: &mut Session<'_>,
    scope: Scope,
    id: PrescriptionId,
) -> Result<Option<(PrescriptionRow, Prescription)>> {
    let Some(row) = row(session, scope, id)? else { return Ok(None) };
    let dispatch = latest_dispatch(session, id)?;
    let whole = whole(session, &row, dispatch)?;
    Ok(Some((row, whole)))
}

/// A row with what is sealed in it and its latest dispatch.
pub(crate) fn whole(
    session: &mut Session<'_>,
    row: &PrescriptionRow,
    dispatch: Option<super::DispatchRow>,
) -> Result<Prescription> {
    let (text, signature) = content(session, row)?;
    Ok(Prescription {
        document: serde_json::from_str(&text)?,
        signature,
        withdrawn_at: row.withdrawn_at,
        dispatch: dispatch.map(super::DispatchRow::seen),
        version: row.version,
    })
}

/// The prescriptions of a consultation older than `before`, the newest first.
pub(crate) fn of_consultation(
    session: &mut Session<'_>,
    scope: Scope,
    consultation: ConsultationId,
    before: Option<PrescriptionId>,
    limit: i64,
) -> Result<Vec<Prescription>> {
    let mut query = table::table
        .filter(table::consultation_id.eq(key(consultation)))
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .order(table::id.desc())
        .limit(limit)
        .select(PrescriptionRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(before) = before {
        query = query.filter(table::id.lt(key(before)));
    }
    let rows: Vec<PrescriptionRow> = query.load(session.connection())?;
    let mut dispatches = latest_of(session, rows.iter().map(|row| row.id))?;
    rows.iter().map(|row| whole(session, row, dispatches.remove(&row.id))).collect()
}

/// The patient's newest prescriptions that were issued after `since` and not withdrawn.
pub(crate) fn of_patient(
    session: &mut Session<'_>,
    scope: Scope,
    patient: PatientId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Prescription>> {
    let rows: Vec<PrescriptionRow> = table::table
        .filter(table::patient_id.eq(key(patient)))
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .filter(table::issued_at.gt(at(since)))
        .filter(table::withdrawn_at.is_null())
        .order(table::id.desc())
        .limit(limit)
        .select(PrescriptionRow::as_select())
        .load(session.connection())?;
    all(session, &rows)
}

/// What was prescribed in these consultations and not withdrawn, the oldest first.
pub(crate) fn of_consultations(
    session: &mut Session<'_>,
    scope: Scope,
    consultations: &[ConsultationId],
    limit: i64,
) -> Result<Vec<Prescription>> {
    let rows: Vec<PrescriptionRow> = table::table
        .filter(table::consultation_id.eq_any(keys(consultations.iter().copied())))
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .filter(table::withdrawn_at.is_null())
        .order(table::id)
        .limit(limit)
        .select(PrescriptionRow::as_select())
        .load(session.connection())?;
    all(session, &rows)
}

/// These prescriptions of the facility, in no order.
pub(crate) fn some(session: &mut Session<'_>, scope: Scope, ids: &[PrescriptionId]) -> Result<Vec<Prescription>> {
    let rows: Vec<PrescriptionRow> = table::table
        .filter(table::id.eq_any(keys(ids.iter().copied())))
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .select(PrescriptionRow::as_select())
        .load(session.connection())?;
    all(session, &rows)
}

/// Rows with what is sealed in them and their latest dispatches, in two queries.
fn all(session: &mut Session<'_>, rows: &[PrescriptionRow]) -> Result<Vec<Prescription>> {
    session.prepare_to_open(rows.iter().map(|row| &row.content))?;
    let mut dispatches = latest_of(session, rows.iter().map(|row| row.id))?;
    rows.iter().map(|row| whole(session, row, dispatches.remove(&row.id))).collect()
}

/// Writes a new prescription; `text` is what was signed.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    document: &SignedDocument,
    text: &String,
    signature: &Signature,
) -> Result<PrescriptionRow> {
    let content = tx.seal(document.patient.id.uuid(), cell(document.id), text)?;
    let index = tx.vault().index("prescription_code", document.verification_code.symbols());
    let row = PrescriptionRow {
        id: document.id,
        facility_id: document.facility.id,
        consultation_id: document.consultation_id,
        doctor_id: document.doctor.id,
        patient_id: document.patient.id,
        issued_at: document.issued_at,
        content,
        signature: signature.bytes.clone(),
        signing_key: signature.key.clone(),
        withdrawn_at: None,
        version: 1,
    };
    diesel::insert_into(table::table)
        .values((
            table::id.eq(key(row.id)),
            table::facility_id.eq(key(row.facility_id)),
            table::consultation_id.eq(key(row.consultation_id)),
            table::doctor_id.eq(key(row.doctor_id)),
            table::patient_id.eq(key(row.patient_id)),
            table::issued_at.eq(at(row.issued_at)),
            table::code_index.eq(index),
            table::content.eq(&row.content),
            table::signature.eq(&row.signature),
            table::signing_key.eq(&row.signing_key),
            table::version.eq(row.version),
        ))
        .execute(tx.connection())?;
    Ok(row)
}

/// Takes the prescription to its next version; fails with `VersionConflict` when somebody else did.
pub(crate) fn advance(
    tx: &mut Tx<'_>,
    before: &PrescriptionRow,
    withdrawn_at: Option<Timestamp>,
) -> Result<PrescriptionRow> {
    let after = PrescriptionRow { withdrawn_at, version: before.version + 1, ..before.clone() };
    let changed = diesel::update(table::table.find(key(before.id)).filter(table::version.eq(before.version)))
        .set((table::withdrawn_at.eq(maybe_at(withdrawn_at)), table::version.eq(after.version)))
        .execute(tx.connection())?;
    if changed == 1 { Ok(after) } else { Err(Error::VersionConflict) }
}

fn cell(id: PrescriptionId) -> Cell {
    Cell::new("prescription", "content", id.uuid())
}
