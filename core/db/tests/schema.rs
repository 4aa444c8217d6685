//! Migrations go up, down and up again, and both databases end with the same tables and columns.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use consilium_db::{Session, migrations, testing::TestDb};
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

fn columns(session: &mut Session<'_>) -> consilium_db::Result<BTreeSet<String>> {
    let statement = session.connection().dialect(
        "SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'YES' THEN '?' ELSE '' END AS name \
         FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT m.name || '.' || c.name || CASE WHEN c.\"notnull\" = 0 AND c.pk = 0 THEN '?' ELSE '' END AS name \
         FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
    );
    let rows: Vec<Column> = sql_query(statement.to_owned()).load(session.connection())?;
    Ok(rows.into_iter().map(|row| row.name).filter(|name| !name.starts_with("__diesel")).collect())
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let [sqlite, postgres] = TestDb::both();
    let left = sqlite.db.read(columns).await.unwrap();
    let right = postgres.db.read(columns).await.unwrap();
    assert_eq!(left, right);
    assert!(left.len() > 50);
}

#[tokio::test]
async fn migrations_go_down_and_up_again() {
    for test in TestDb::both() {
        let before = test.db.read(columns).await.unwrap();
        let down = test.db.read(|session| migrations::revert_all(session.connection())).await.unwrap();
        let empty = test.db.read(columns).await.unwrap();
        assert!(empty.is_empty(), "left over: {empty:?}");
        let up = test.db.migrate().unwrap();
        assert_eq!(down.len(), up.len());
        assert_eq!(test.db.read(columns).await.unwrap(), before);
    }
}
