//! Lists of doctors.

use consilium_db::{
    MultiBackend, Result, Session,
    types::{Uuid, key},
};
use consilium_kernel::{DoctorId, Scope};
use diesel::{
    expression::AsExpression,
    pg::Pg,
    prelude::*,
    serialize::{self, IsNull, Output, ToSql},
    sqlite::Sqlite,
};

use super::{
    doctor::{DoctorRow, folded},
    tables::doctor as table,
};
use crate::{
    cursor::After,
    model::{Doctor, Page, Verification},
};

/// Conditions in the form in which the columns are searched.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The whole field, folded.
    pub specialty: Option<String>,
    /// A language tag in lower case.
    pub language: Option<String>,
    /// Folded words that must all occur.
    pub words: Vec<String>,
    /// Only these.
    pub ids: Option<Vec<DoctorId>>,
}

/// Doctors whose review has come so far, in the order of their names.
pub fn list(
    session: &mut Session<'_>,
    scope: Scope,
    verification: Verification,
    wanted: &Wanted,
    after: Option<&After>,
    limit: i64,
) -> Result<Page<Doctor>> {
    let mut query = table::table
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .filter(table::status.eq(verification.to_string()))
        .select(DoctorRow::as_select())
        .order((table::sort_name.asc(), table::id.asc()))
        .limit(limit + 1)
        .into_boxed::<MultiBackend>();
    if verification == Verification::Approved {
        query = query.filter(table::suspended_at.is_null());
    }
    if let Some(specialty) = &wanted.specialty {
        query = query.filter(table::specialty_key.eq(folded(specialty)));
    }
    if let Some(language) = &wanted.language {
        // `en` finds `en` and `en-GB`, but not `enm`.
        let exact = format!("%,{},%", escaped(language));
        let regional = format!("%,{}-%", escaped(language));
        let speaks = table::language_keys.like(exact).escape('\\').or(table::language_keys.like(regional).escape('\\'));
        query = query.filter(speaks);
    }
    for word in &wanted.words {
        query = query.filter(table::search_text.like(format!("%{}%", escaped(word))).escape('\\'));
    }
    if let Some(ids) = &wanted.ids {
        query = query.filter(table::id.eq_any(ids.iter().copied().map(OneOf).collect::<Vec<_>>()));
    }
    if let Some(after) = after {
        let later = table::sort_name
            .gt(after.name.clone())
            .or(table::sort_name.eq(after.name.clone()).and(table::id.gt(key(after.id))));
        query = query.filter(later);
    }
    let rows: Vec<DoctorRow> = query.load(session.connection())?;
    let mut items = rows.into_iter().map(Doctor::try_from).collect::<Result<Vec<_>>>()?;
    let more = i64::try_from(items.len()).is_ok_and(|found| found > limit);
    items.truncate(usize::try_from(limit).unwrap_or_default());
    let last = items.last().filter(|_| more);
    let next_cursor = last.map(|last| After { name: folded(&last.display_name), id: last.id }.encode());
    Ok(Page { items, next_cursor })
}

/// `text` with what LIKE would take for a pattern made literal.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A doctor's id as Diesel wants it in a list.
#[derive(Debug, Clone, Copy, AsExpression)]
#[diesel(sql_type = Uuid)]
struct OneOf(DoctorId);

impl ToSql<Uuid, Pg> for OneOf {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Uuid, Pg>::to_sql(&self.0, out)
    }
}
impl ToSql<Uuid, Sqlite> for OneOf {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        ToSql::<Uuid, Sqlite>::to_sql(&self.0, out)
    }
}
impl ToSql<Uuid, MultiBackend> for OneOf {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Uuid, self));
        Ok(IsNull::No)
    }
}
