//! Doctors' templates, each sealed under the key of its doctor's account.

use consilium_db::{
    Cell, Encrypted, Result, Session, Tx,
    types::{at, key},
};
use consilium_kernel::{DoctorId, Scope, Timestamp, User};
use diesel::prelude::*;

use super::tables::prescription_template as table;
use crate::template::{Template, TemplateContent, TemplateId};

type Row = (TemplateId, Encrypted<TemplateContent>, Timestamp, i64);

fn cell(id: TemplateId) -> Cell {
    Cell::new("prescription_template", "content", id.uuid())
}

fn template(session: &mut Session<'_>, (id, sealed, updated_at, version): Row) -> Result<Template> {
    Ok(Template { id, content: session.open(cell(id), &sealed)?, updated_at, version })
}

/// The templates of a doctor.
pub(crate) fn templates(session: &mut Session<'_>, scope: Scope, doctor: DoctorId) -> Result<Vec<Template>> {
    let rows: Vec<Row> = table::table
        .filter(table::doctor_id.eq(key(doctor)))
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .select((table::id, table::content, table::updated_at, table::version))
        .load(session.connection())?;
    rows.into_iter().map(|row| template(session, row)).collect()
}

/// One of a doctor.
pub(crate) fn find_template(
    session: &mut Session<'_>,
    scope: Scope,
    doctor: DoctorId,
    id: TemplateId,
) -> Result<Option<Template>> {
    let row: Option<Row> = table::table
        .find(key(id))
        .filter(table::doctor_id.eq(key(doctor)))
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .select((table::id, table::content, table::updated_at, table::version))
        .first(session.connection())
        .optional()?;
    row.map(|row| template(session, row)).transpose()
}

/// Writes a new one of `doctor`, who is `user`.
pub(crate) fn insert_template(
    tx: &mut Tx<'_>,
    doctor: DoctorId,
    user: &User,
    content: &TemplateContent,
) -> Result<Template> {
    let (id, now): (TemplateId, _) = (tx.new_id(), tx.now());
    let sealed = tx.seal(user.user_id.uuid(), cell(id), content)?;
    diesel::insert_into(table::table)
        .values((
            table::id.eq(key(id)),
            table::facility_id.eq(key(user.facility_id)),
            table::doctor_id.eq(key(doctor)),
            table::content.eq(sealed),
            table::created_at.eq(at(now)),
            table::updated_at.eq(at(now)),
            table::version.eq(1_i64),
        ))
        .execute(tx.connection())?;
    Ok(Template { id, content: content.clone(), updated_at: now, version: 1 })
}

/// Writes the next state in the place of `before`; `None` when somebody was quicker.
pub(crate) fn save_template(
    tx: &mut Tx<'_>,
    user: &User,
    before: &Template,
    content: TemplateContent,
) -> Result<Option<Template>> {
    let (sealed, now) = (tx.seal(user.user_id.uuid(), cell(before.id), &content)?, tx.now());
    let version = before.version + 1;
    let same = table::table.find(key(before.id)).filter(table::version.eq(before.version));
    let changed = diesel::update(same)
        .set((table::content.eq(sealed), table::updated_at.eq(at(now)), table::version.eq(version)))
        .execute(tx.connection())?;
    Ok((changed == 1).then_some(Template { id: before.id, content, updated_at: now, version }))
}

/// Deletes one.
pub(crate) fn delete_template(tx: &mut Tx<'_>, id: TemplateId) -> Result<()> {
    diesel::delete(table::table.find(key(id))).execute(tx.connection())?;
    Ok(())
}
