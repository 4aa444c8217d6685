//! Fresh databases for tests, SQLite and PostgreSQL alike, with a clock that stands still.

use std::sync::Arc;

use consilium_kernel::{ManualClock, RandomIds, Timestamp};
use diesel::{connection::SimpleConnection, prelude::*};

use crate::{DatabaseUrl, Db, Keys, Vault};

/// Names a PostgreSQL server on which tests may create databases.
pub const POSTGRES_VARIABLE: &str = "CONSILIUM_TEST_POSTGRES_URL";

/// A migrated database of its own for one test; gone when dropped.
pub struct TestDb {
    /// The database.
    pub db: Db,
    /// Its clock, standing at 2026-06-01T08:00:00Z at first.
    pub clock: Arc<ManualClock>,
    /// Its URL.
    pub url: String,
    /// Its folder: database file and keys.
    pub folder: std::path::PathBuf,
    drop_on: Option<(String, String)>,
}

impl TestDb {
    /// A database in a file.
    pub fn sqlite() -> Self {
        let folder = folder();
        let url = format!("sqlite://{}/consilium.db", folder.display());
        Self::open(folder, url, None)
    }

    /// A database on the PostgreSQL server of the environment. Panics without one: a suite that needs
    /// PostgreSQL fails rather than skips.
    pub fn postgres() -> Self {
        let server = std::env::var(POSTGRES_VARIABLE).unwrap_or_else(|_| {
            panic!("{POSTGRES_VARIABLE} is not set: run tests through `make test` or scripts/with-postgres")
        });
        let name = format!("test_{}", RandomIds.next_name());
        admin(&server, &format!("CREATE DATABASE {name}"));
        let base = server.rsplit_once('/').map_or(server.as_str(), |(base, _)| base).to_owned();
        Self::open(folder(), format!("{base}/{name}"), Some((server, name)))
    }

    /// One of each.
    pub fn both() -> [Self; 2] {
        [Self::sqlite(), Self::postgres()]
    }

    /// What the lines that the audit log has of this action say besides, in order.
    pub async fn audited(&self, action: &'static str) -> Vec<serde_json::Value> {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
            detail: Option<String>,
        }
        let lines = self.db.read(move |session| {
            let query = diesel::sql_query("SELECT detail FROM audit_entry WHERE action = $1 ORDER BY tx, id");
            Ok(query.bind::<diesel::sql_types::Text, _>(action).load::<Line>(session.connection())?)
        });
        let details = lines.await.expect("the audit log can be read").into_iter().map(|line| line.detail);
        details.map(|detail| detail.map_or(serde_json::Value::Null, |text| text.parse().expect("JSON"))).collect()
    }

    fn open(folder: std::path::PathBuf, url: String, drop_on: Option<(String, String)>) -> Self {
        Keys::create_missing(&folder).expect("keys");
        let start: Timestamp = "2026-06-01T08:00:00Z".parse().expect("an instant");
        let clock = Arc::new(ManualClock::new(start));
        tally(if drop_on.is_some() { "postgres" } else { "sqlite" });
        let parsed: DatabaseUrl = url.parse().expect("a database URL");
        let vault = Vault::new(Keys::read(&folder).expect("keys"));
        let db = Db::open(&parsed, 8, vault, clock.clone(), Arc::new(RandomIds)).expect("a database");
        db.migrate().expect("migrations");
        Self { db, clock, url, folder, drop_on }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.drop_on {
            admin(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Notes that the running test opened a database of this kind, for whoever counts that no backend is left out.
fn tally(backend: &str) {
    let Some(file) = std::env::var_os("CONSILIUM_TEST_TALLY") else { return };
    let named = |variable| std::env::var(variable).unwrap_or_default();
    let line = format!("{backend} {} {}\n", named("NEXTEST_BINARY_ID"), named("NEXTEST_TEST_NAME"));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).expect("the tally");
    std::io::Write::write_all(&mut file, line.as_bytes()).expect("the tally can be written");
}

fn admin(server: &str, statement: &str) {
    let mut connection = diesel::PgConnection::establish(server).expect("the PostgreSQL server for tests");
    connection.batch_execute(statement).expect(statement);
}

fn folder() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("consilium-test-{}", RandomIds.next_name()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

trait NextName {
    fn next_name(&self) -> String;
}
impl NextName for RandomIds {
    fn next_name(&self) -> String {
        consilium_kernel::Ids::next(self).simple().to_string()
    }
}
