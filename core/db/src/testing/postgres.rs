//! A database of its own for every test, on the server that `scripts/with-postgres` started.

use consilium_kernel::{Ids, RandomIds};
use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Bool};

use super::tally;
use crate::{DatabaseUrl, migrations, open_pool};

/// Names a PostgreSQL server on which tests may create databases.
const SERVER_VARIABLE: &str = "CONSILIUM_TEST_POSTGRES_URL";

/// The content of all migrations is in its name.
const TEMPLATE: &str = concat!("migrated_", env!("CONSILIUM_MIGRATIONS"));

/// A database that lives as long as this value.
#[derive(Debug)]
pub struct PostgresDatabase {
    server: String,
    name: String,
}

impl PostgresDatabase {
    /// An empty database. Panics without a server: a suite that needs PostgreSQL fails rather than skips.
    pub fn create() -> Self {
        Self::create_from("template0")
    }

    /// A database in which all migrations have run and nothing else: a copy of one in which they ran once.
    pub fn migrated() -> Self {
        Self::from_template(TEMPLATE, |url| {
            let url: DatabaseUrl = url.parse().expect("a database URL");
            let pool = open_pool(&url, 1, std::time::Duration::from_secs(5)).expect("PostgreSQL answers");
            migrations::run(&mut pool.get().expect("a connection")).expect("migrations");
        })
    }

    /// A copy of the template `name`, which the first test to need it makes with `prepare`.
    ///
    /// `prepare` gets the URL of an empty database and must leave no connection open.
    pub fn from_template(name: &str, prepare: impl FnOnce(&str)) -> Self {
        let server = server_url();
        let mut admin = connect(&server);
        if !exists(&mut admin, name) {
            // Tests are processes of their own: only the server can say who is first.
            run(&mut admin, "SELECT pg_advisory_lock(hashtext('consilium test templates'))");
            if !exists(&mut admin, name) {
                let unfinished = format!("{name}_unfinished");
                run(&mut admin, &format!("DROP DATABASE IF EXISTS \"{unfinished}\" WITH (FORCE)"));
                run(&mut admin, &format!("CREATE DATABASE \"{unfinished}\" TEMPLATE template0"));
                prepare(&database_url(&server, &unfinished));
                run(&mut admin, &format!("ALTER DATABASE \"{unfinished}\" RENAME TO \"{name}\""));
            }
        }
        drop(admin); // and with it the lock
        Self::create_from(name)
    }

    fn create_from(template: &str) -> Self {
        let name = format!("test_{}", RandomIds.next().simple());
        let server = server_url();
        run(&mut connect(&server), &format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\""));
        tally("postgres");
        Self { server, name }
    }

    /// Where this database is, `postgres://…`.
    pub fn url(&self) -> String {
        database_url(&self.server, &self.name)
    }

    /// A connection past everything the product does, to look or to tamper.
    pub fn connection(&self) -> PgConnection {
        connect(&self.url())
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        // The server may be gone when a test has stopped it; its folder goes with it.
        if let Ok(mut admin) = PgConnection::establish(&self.server) {
            let dropped = admin.batch_execute(&format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name));
            if let Err(error) = dropped {
                eprintln!("could not drop {}: {error}", self.name);
            }
        }
    }
}

fn server_url() -> String {
    std::env::var(SERVER_VARIABLE).unwrap_or_else(|_| {
        panic!("{SERVER_VARIABLE} is not set: run `make test`, or `scripts/with-postgres cargo nextest run …`")
    })
}

/// `server` with its last path segment, the database, replaced.
fn database_url(server: &str, database: &str) -> String {
    let (base, _) = server.rsplit_once('/').expect("the server's URL names a database");
    format!("{base}/{database}")
}

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap_or_else(|error| panic!("PostgreSQL at {url} does not answer: {error}"))
}

fn run(connection: &mut PgConnection, sql: &str) {
    connection.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn exists(admin: &mut PgConnection, database: &str) -> bool {
    #[derive(diesel::QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS found")
        .bind::<diesel::sql_types::Text, _>(database)
        .get_result::<Found>(admin)
        .expect("pg_database is readable")
        .found
}
