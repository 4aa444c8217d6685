//! The tables of support; the only place here that knows Diesel. What somebody wrote is sealed under the patient's key.

use consilium_db::{
    Cell, Encrypted, Error, MultiBackend, Result, Session, Tx,
    types::{at, key, maybe_at, maybe_key},
};
use consilium_kernel::{ConsultationId, FacilityId, PatientId, Scope, Timestamp, UserId};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::model::{Entry, EntryKind, Issue, IssueFilter, IssueId};

mod tables {
    diesel::table! {
        use diesel::sql_types::*;
        use consilium_db::types::{Instant, Uuid};
        support_issue (id) {
            id -> Uuid,
            facility_id -> Uuid,
            consultation_id -> Uuid,
            patient_id -> Uuid,
            reporter_id -> Uuid,
            reporter_role -> Text,
            category -> Text,
            severity -> Text,
            status -> Text,
            assignee_id -> Nullable<Uuid>,
            content -> Binary,
            reported_at -> Instant,
            resolved_at -> Nullable<Instant>,
            version -> BigInt,
        }
    }

    diesel::table! {
        use diesel::sql_types::*;
        use consilium_db::types::{Instant, Uuid};
        support_entry (id) {
            id -> Uuid,
            issue_id -> Uuid,
            facility_id -> Uuid,
            author_id -> Nullable<Uuid>,
            kind -> Text,
            content -> Binary,
            noted_at -> Instant,
        }
    }
}

use tables::{support_entry as entry, support_issue as issue};

/// Lines of a history at most.
const MOST_ENTRIES: i64 = 1_000;

/// What a reporter's words and client say.
#[derive(Serialize, Deserialize)]
pub(crate) struct Content {
    description: String,
    diagnostics: Option<serde_json::Value>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = issue)]
struct IssueRow {
    id: IssueId,
    facility_id: FacilityId,
    consultation_id: ConsultationId,
    patient_id: PatientId,
    reporter_id: UserId,
    reporter_role: String,
    category: String,
    severity: String,
    status: String,
    assignee_id: Option<UserId>,
    content: Encrypted<Content>,
    reported_at: Timestamp,
    resolved_at: Option<Timestamp>,
    version: i64,
}

impl IssueRow {
    fn open(self, session: &mut Session<'_>) -> Result<Issue> {
        let unknown = |_| Error::Sealed("an issue has an unknown word");
        let Content { description, diagnostics } = session.open(issue_cell(self.id), &self.content)?;
        Ok(Issue {
            reporter_role: self.reporter_role.parse().map_err(unknown)?,
            category: self.category.parse().map_err(unknown)?,
            severity: self.severity.parse().map_err(unknown)?,
            status: self.status.parse().map_err(unknown)?,
            id: self.id,
            facility_id: self.facility_id,
            consultation_id: self.consultation_id,
            patient_id: self.patient_id,
            reporter_id: self.reporter_id,
            assignee_id: self.assignee_id,
            description,
            diagnostics,
            reported_at: self.reported_at,
            resolved_at: self.resolved_at,
            version: self.version,
        })
    }
}

fn issue_cell(id: IssueId) -> Cell {
    Cell::new("support_issue", "content", id.uuid())
}

fn entry_cell(id: uuid::Uuid) -> Cell {
    Cell::new("support_entry", "content", id)
}

/// How many issues somebody has reported in a consultation since then.
pub(crate) fn recent(
    session: &mut Session<'_>,
    consultation: ConsultationId,
    reporter: UserId,
    since: Timestamp,
) -> Result<i64> {
    Ok(issue::table
        .filter(issue::consultation_id.eq(key(consultation)).and(issue::reporter_id.eq(key(reporter))))
        .filter(issue::reported_at.gt(at(since)))
        .count()
        .get_result(session.connection())?)
}

/// Writes a new issue.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Issue) -> Result<()> {
    let content = Content { description: new.description.clone(), diagnostics: new.diagnostics.clone() };
    let content = tx.seal(new.patient_id.uuid(), issue_cell(new.id), &content)?;
    diesel::insert_into(issue::table)
        .values((
            issue::id.eq(key(new.id)),
            issue::facility_id.eq(key(new.facility_id)),
            issue::consultation_id.eq(key(new.consultation_id)),
            issue::patient_id.eq(key(new.patient_id)),
            issue::reporter_id.eq(key(new.reporter_id)),
            issue::reporter_role.eq(new.reporter_role.to_string()),
            issue::category.eq(new.category.to_string()),
            issue::severity.eq(new.severity.to_string()),
            issue::status.eq(new.status.to_string()),
            issue::content.eq(content),
            issue::reported_at.eq(at(new.reported_at)),
            issue::version.eq(new.version),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Writes where it stands; fails with `VersionConflict` when it is not at `expected` any more.
pub(crate) fn save(tx: &mut Tx<'_>, after: &Issue, expected: i64) -> Result<()> {
    let changed = diesel::update(issue::table.find(key(after.id)).filter(issue::version.eq(expected)))
        .set((
            issue::status.eq(after.status.to_string()),
            issue::assignee_id.eq(maybe_key(after.assignee_id)),
            issue::resolved_at.eq(maybe_at(after.resolved_at)),
            issue::version.eq(after.version),
        ))
        .execute(tx.connection())?;
    if changed == 1 { Ok(()) } else { Err(Error::VersionConflict) }
}

/// One issue of this facility.
pub(crate) fn find(session: &mut Session<'_>, scope: Scope, id: IssueId) -> Result<Option<Issue>> {
    let row: Option<IssueRow> = issue::table
        .find(key(id))
        .filter(issue::facility_id.eq(key(scope.facility_id)))
        .select(IssueRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(|row| row.open(session)).transpose()
}

/// The facility's issues, the newest first.
pub(crate) fn list(session: &mut Session<'_>, scope: Scope, filter: &IssueFilter, limit: i64) -> Result<Vec<Issue>> {
    let mut query = issue::table
        .filter(issue::facility_id.eq(key(scope.facility_id)))
        .order(issue::id.desc())
        .limit(limit)
        .select(IssueRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(status) = filter.status {
        query = query.filter(issue::status.eq(status.to_string()));
    }
    if let Some(severity) = filter.severity {
        query = query.filter(issue::severity.eq(severity.to_string()));
    }
    if let Some(before) = filter.cursor {
        query = query.filter(issue::id.lt(key(before)));
    }
    let rows: Vec<IssueRow> = query.load(session.connection())?;
    session.prepare_to_open(rows.iter().map(|row| &row.content))?;
    rows.into_iter().map(|row| row.open(session)).collect()
}

/// Adds a line to an issue's history.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    of: &Issue,
    kind: EntryKind,
    author: Option<UserId>,
    text: Option<&str>,
) -> Result<()> {
    let (id, now) = (tx.new_id::<()>().uuid(), tx.now());
    let content = tx.seal(of.patient_id.uuid(), entry_cell(id), &text.map(str::to_owned))?;
    diesel::insert_into(entry::table)
        .values((
            entry::id.eq(key(id)),
            entry::issue_id.eq(key(of.id)),
            entry::facility_id.eq(key(of.facility_id)),
            entry::author_id.eq(maybe_key(author)),
            entry::kind.eq(kind.to_string()),
            entry::content.eq(content),
            entry::noted_at.eq(at(now)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// An issue's history, oldest first.
pub(crate) fn entries(session: &mut Session<'_>, id: IssueId) -> Result<Vec<Entry>> {
    type Row = (uuid::Uuid, Option<UserId>, String, Encrypted<Option<String>>, Timestamp);
    let rows: Vec<Row> = entry::table
        .filter(entry::issue_id.eq(key(id)))
        .order(entry::id)
        .limit(MOST_ENTRIES)
        .select((entry::id, entry::author_id, entry::kind, entry::content, entry::noted_at))
        .load(session.connection())?;
    rows.into_iter()
        .map(|(id, author_id, kind, content, noted)| {
            let kind = kind.parse().map_err(|_| Error::Sealed("an issue's history has an unknown word"))?;
            Ok(Entry { id, kind, author_id, text: session.open(entry_cell(id), &content)?, at: noted })
        })
        .collect()
}
