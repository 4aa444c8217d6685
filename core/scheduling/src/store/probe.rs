//! For tests: what stands in the audit log.

use consilium_db::{Result, Session};
use diesel::{prelude::*, sql_query, sql_types as sql};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = sql::BigInt)]
    lines: i64,
}

/// How many lines have this action.
pub(crate) fn audited(session: &mut Session<'_>, action: &str) -> Result<i64> {
    let count: Count = sql_query("SELECT count(*) AS lines FROM audit_entry WHERE action = $1")
        .bind::<sql::Text, _>(action)
        .get_result(session.connection())?;
    Ok(count.lines)
}
