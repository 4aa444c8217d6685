//! The doctor's notes, sealed under the patient's key.

use consilium_db::{
    Cell, Encrypted, Error, Result, Session, Tx,
    types::{at, key},
};
use consilium_kernel::{ConsultationId, Timestamp, UserId};
use diesel::{prelude::*, result::DatabaseErrorKind, result::Error as DieselError};

use super::tables::consultation_note as note;
use crate::{
    model::Consultation,
    notes::{Notes, NotesText},
};

fn cell(id: ConsultationId) -> Cell {
    Cell::new("consultation_note", "content", id.uuid())
}

/// The notes; empty, with version 0, as long as nobody has written any.
pub(crate) fn notes(session: &mut Session<'_>, id: ConsultationId) -> Result<Notes> {
    let row: Option<(Encrypted<NotesText>, i64, Timestamp)> = note::table
        .find(key(id))
        .select((note::content, note::version, note::updated_at))
        .first(session.connection())
        .optional()?;
    match row {
        None => Ok(Notes { consultation_id: id, text: NotesText::default(), version: 0, updated_at: None }),
        Some((content, version, updated_at)) => {
            let text = session.open(cell(id), &content)?;
            Ok(Notes { consultation_id: id, text, version, updated_at: Some(updated_at) })
        }
    }
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
            .map_err(|error| match error {
                DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::VersionConflict,
                other => other.into(),
            })?;
    } else {
        let row = note::table.filter(note::consultation_id.eq(key(consultation.id)).and(note::version.eq(expected)));
        let changed = diesel::update(row)
            .set((note::content.eq(content), note::version.eq(version), note::updated_at.eq(at(now))))
            .execute(tx.connection())?;
        if changed != 1 {
            return Err(Error::VersionConflict);
        }
    }
    Ok(Notes { consultation_id: consultation.id, text: text.clone(), version, updated_at: Some(now) })
}
