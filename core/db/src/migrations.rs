//! The embedded migrations, the same names for both databases, run under a lock.

use diesel::{connection::SimpleConnection, prelude::*, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{
    connection::AnyConnection,
    error::{Error, Result},
};

const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Any number that nothing else in the database locks on.
const MIGRATION_LOCK: i64 = 0x636f_6e73_696c;

/// Brings the schema up to date and returns the names of the migrations that ran.
pub fn run(connection: &mut AnyConnection) -> Result<Vec<String>> {
    match connection {
        AnyConnection::Postgres(postgres) => {
            // Several nodes may start at once; the session lock is freed even if this process dies.
            postgres.batch_execute("SET lock_timeout = '120s'; SET statement_timeout = 0")?;
            sql_query(format!("SELECT pg_advisory_lock({MIGRATION_LOCK})")).execute(postgres)?;
            let ran = names(postgres.run_pending_migrations(POSTGRES));
            sql_query(format!("SELECT pg_advisory_unlock({MIGRATION_LOCK})")).execute(postgres)?;
            postgres.batch_execute("SET lock_timeout = '5s'; SET statement_timeout = '15s'")?;
            ran
        }
        AnyConnection::Sqlite(sqlite) => names(sqlite.run_pending_migrations(SQLITE)),
    }
}

/// Undoes every migration, newest first. For tests.
pub fn revert_all(connection: &mut AnyConnection) -> Result<Vec<String>> {
    match connection {
        AnyConnection::Postgres(postgres) => names(postgres.revert_all_migrations(POSTGRES)),
        AnyConnection::Sqlite(sqlite) => names(sqlite.revert_all_migrations(SQLITE)),
    }
}

/// The names of the migrations that have not run yet.
pub fn pending(connection: &mut AnyConnection) -> Result<Vec<String>> {
    fn listed<DB: diesel::backend::Backend>(
        found: std::result::Result<Vec<Box<dyn diesel::migration::Migration<DB>>>, Failure>,
    ) -> Result<Vec<String>> {
        found.map(|all| all.iter().map(|m| m.name().to_string()).collect()).map_err(failed)
    }
    match connection {
        AnyConnection::Postgres(postgres) => listed(postgres.pending_migrations(POSTGRES)),
        AnyConnection::Sqlite(sqlite) => listed(sqlite.pending_migrations(SQLITE)),
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn names(outcome: std::result::Result<Vec<diesel::migration::MigrationVersion<'_>>, Failure>) -> Result<Vec<String>> {
    outcome.map(|versions| versions.iter().map(ToString::to_string).collect()).map_err(failed)
}

fn failed(error: Failure) -> Error {
    Error::Setup(format!("a migration failed: {error}"))
}
