//! The doctor's notes, sealed under the patient's key; what was signed is kept beside them word for word.

use std::collections::BTreeMap;

use consilium_db::{
    Cell, Encrypted, Error, Result, Session, Tx,
    signing::Signature,
    types::{at, key, keys, maybe_at},
};
use consilium_kernel::{ConsultationId, Timestamp, UserId};
use diesel::{prelude::*, result::DatabaseErrorKind, result::Error as DieselError};

use super::tables::{consultation_note as note, note_amendment as amendment};
use crate::{
    model::Consultation,
    notes::{Amendment, AmendmentDocument, AmendmentText, Notes, NotesText, Signed},
};

fn cell(id: ConsultationId) -> Cell {
    Cell::new("consultation_note", "content", id.uuid())
}

fn signed_cell(id: ConsultationId) -> Cell {
    Cell::new("consultation_note", "signed", id.uuid())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = note)]
struct NoteRow {
    consultation_id: ConsultationId,
    content: Encrypted<NotesText>,
    version: i64,
    updated_at: Timestamp,
    signed: Option<Encrypted<String>>,
    signature: Option<Vec<u8>>,
    signing_key: Option<String>,
    signed_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = amendment)]
struct AmendmentRow {
    id: crate::notes::AmendmentId,
    consultation_id: ConsultationId,
    signed: Encrypted<String>,
    signature: Vec<u8>,
    signing_key: String,
    signed_at: Timestamp,
}

/// The notes; empty, with version 0, as long as nobody has written any.
pub(crate) fn notes(session: &mut Session<'_>, id: ConsultationId) -> Result<Notes> {
    let found = notes_of(session, &[id])?.remove(&id);
    Ok(found.unwrap_or(Notes {
        consultation_id: id,
        text: NotesText::default(),
        version: 0,
        updated_at: None,
        signed: None,
        amendments: Vec::new(),
    }))
}

/// The notes of several consultations, in two queries.
pub(crate) fn notes_of(session: &mut Session<'_>, ids: &[ConsultationId]) -> Result<BTreeMap<ConsultationId, Notes>> {
    let rows: Vec<NoteRow> = note::table
        .filter(note::consultation_id.eq_any(keys(ids.iter().copied())))
        .select(NoteRow::as_select())
        .load(session.connection())?;
    let amendments: Vec<AmendmentRow> = amendment::table
        .filter(amendment::consultation_id.eq_any(keys(ids.iter().copied())))
        .order((amendment::consultation_id, amendment::number))
        .select(AmendmentRow::as_select())
        .load(session.connection())?;
    session.prepare_to_open(rows.iter().map(|row| &row.content))?;
    let mut found = BTreeMap::new();
    for row in rows {
        found.insert(row.consultation_id, opened(session, row)?);
    }
    for row in amendments {
        let read = amended(session, &row)?;
        if let Some(notes) = found.get_mut(&row.consultation_id) {
            notes.amendments.push(read);
        }
    }
    Ok(found)
}

fn opened(session: &mut Session<'_>, row: NoteRow) -> Result<Notes> {
    let id = row.consultation_id;
    let signed = match (row.signed, row.signature, row.signing_key, row.signed_at) {
        (Some(sealed), Some(bytes), Some(key), Some(at)) => {
            let document = session.open(signed_cell(id), &sealed)?;
            Some(Signed { at, document, signature: Signature { key, bytes } })
        }
        _ => None,
    };
    Ok(Notes {
        consultation_id: id,
        text: session.open(cell(id), &row.content)?,
        version: row.version,
        updated_at: Some(row.updated_at),
        signed,
        amendments: Vec::new(),
    })
}

fn amended(session: &mut Session<'_>, row: &AmendmentRow) -> Result<Amendment> {
    let text = session.open(Cell::new("note_amendment", "signed", row.id.uuid()), &row.signed)?;
    let document: AmendmentDocument = serde_json::from_str(&text)?;
    let signature = Signature { key: row.signing_key.clone(), bytes: row.signature.clone() };
    Ok(Amendment {
        id: row.id,
        number: document.number,
        text: AmendmentText { text: document.text, reason: document.reason },
        doctor: document.doctor,
        signed: Signed { at: row.signed_at, document: text, signature },
    })
}

/// Whether the notes are no draft any more.
pub(crate) fn notes_signed(session: &mut Session<'_>, id: ConsultationId) -> Result<bool> {
    let signed: Option<Option<Timestamp>> =
        note::table.find(key(id)).select(note::signed_at).first(session.connection()).optional()?;
    Ok(signed.flatten().is_some())
}

/// Replaces version `expected` of the notes; fails with `VersionConflict` when it is not the present one.
pub(crate) fn save_notes(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    author: UserId,
    expected: i64,
    text: &NotesText,
) -> Result<Notes> {
    let now = tx.now();
    let content = tx.seal(consultation.patient_id.uuid(), cell(consultation.id), text)?;
    let version = expected + 1;
    if expected == 0 {
        diesel::insert_into(note::table)
            .values((
                note::consultation_id.eq(key(consultation.id)),
                note::facility_id.eq(key(consultation.facility_id)),
                note::author_id.eq(key(author)),
                note::content.eq(content),
                note::version.eq(version),
                note::created_at.eq(at(now)),
                note::updated_at.eq(at(now)),
            ))
            .execute(tx.connection())
            .map_err(taken)?;
    } else {
        let row = note::table.filter(note::consultation_id.eq(key(consultation.id)).and(note::version.eq(expected)));
        let changed = diesel::update(row.filter(note::signed_at.is_null()))
            .set((note::content.eq(content), note::version.eq(version), note::updated_at.eq(at(now))))
            .execute(tx.connection())?;
        one(changed)?;
    }
    Ok(Notes {
        consultation_id: consultation.id,
        text: text.clone(),
        version,
        updated_at: Some(now),
        signed: None,
        amendments: Vec::new(),
    })
}

/// Turns version `expected` of a draft into signed notes, and gives their version.
pub(crate) fn sign_notes(tx: &mut Tx<'_>, consultation: &Consultation, expected: i64, signed: &Signed) -> Result<i64> {
    let sealed = tx.seal(consultation.patient_id.uuid(), signed_cell(consultation.id), &signed.document)?;
    let row = note::table.filter(note::consultation_id.eq(key(consultation.id)).and(note::version.eq(expected)));
    let changed = diesel::update(row.filter(note::signed_at.is_null()))
        .set((
            note::signed.eq(Some(sealed)),
            note::signature.eq(Some(&signed.signature.bytes)),
            note::signing_key.eq(Some(&signed.signature.key)),
            note::signed_at.eq(maybe_at(Some(signed.at))),
            note::updated_at.eq(at(signed.at)),
            note::version.eq(expected + 1),
        ))
        .execute(tx.connection())?;
    one(changed)?;
    Ok(expected + 1)
}

/// Adds an amendment to version `expected` of signed notes, and gives their version.
pub(crate) fn amend_notes(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    expected: i64,
    document: &AmendmentDocument,
    signed: &Signed,
) -> Result<i64> {
    let row = note::table.filter(note::consultation_id.eq(key(consultation.id)).and(note::version.eq(expected)));
    let changed = diesel::update(row)
        .set((note::version.eq(expected + 1), note::updated_at.eq(at(signed.at))))
        .execute(tx.connection())?;
    one(changed)?;
    let cell = Cell::new("note_amendment", "signed", document.id.uuid());
    let sealed = tx.seal(consultation.patient_id.uuid(), cell, &signed.document)?;
    diesel::insert_into(amendment::table)
        .values((
            amendment::id.eq(key(document.id)),
            amendment::consultation_id.eq(key(consultation.id)),
            amendment::facility_id.eq(key(consultation.facility_id)),
            amendment::number.eq(document.number),
            amendment::signed.eq(sealed),
            amendment::signature.eq(&signed.signature.bytes),
            amendment::signing_key.eq(&signed.signature.key),
            amendment::signed_at.eq(at(signed.at)),
        ))
        .execute(tx.connection())
        .map_err(taken)?;
    Ok(expected + 1)
}

fn one(changed: usize) -> Result<()> {
    if changed == 1 { Ok(()) } else { Err(Error::VersionConflict) }
}

fn taken(error: DieselError) -> Error {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::VersionConflict,
        other => other.into(),
    }
}
