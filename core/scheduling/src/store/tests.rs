//! For tests: what stands in the audit log.

use consilium_db::{Result, Session};
use diesel::{prelude::*, sql_query, sql_types as sql};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = sql::BigInt)]
    lines: i64,
}

/// Takes the database's guard against double-booking away.
pub(crate) fn drop_guard(session: &mut Session<'_>) -> Result<()> {
    let connection = session.connection();
    let statements = connection
        .dialect("ALTER TABLE occupancy DROP CONSTRAINT occupancy_overlap", "DROP TRIGGER occupancy_overlap_insert");
    sql_query(statements.to_owned()).execute(connection)?;
    Ok(())
}

/// How many lines have this action.
pub(crate) fn audited(session: &mut Session<'_>, action: &str) -> Result<i64> {
    let count: Count = sql_query("SELECT count(*) AS lines FROM audit_entry WHERE action = $1")
        .bind::<sql::Text, _>(action)
        .get_result(session.connection())?;
    Ok(count.lines)
}
