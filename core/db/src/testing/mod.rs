//! Fresh databases for tests, SQLite and PostgreSQL alike, with a clock that stands still; and faults for
//! proofs to find out.

mod postgres;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use consilium_kernel::{Ids, ManualClock, RandomIds, Timestamp};
use diesel::prelude::*;
pub use postgres::PostgresDatabase;

use crate::{DatabaseUrl, Db, Keys, Vault};

static ACKNOWLEDGES_EARLY: AtomicBool = AtomicBool::new(false);

/// From now on this process answers before it commits: what must never happen, for the kill test to find out.
pub fn acknowledge_early() {
    ACKNOWLEDGES_EARLY.store(true, Ordering::Relaxed);
}

pub(crate) fn acknowledges_early() -> bool {
    ACKNOWLEDGES_EARLY.load(Ordering::Relaxed)
}

static FLUSHES_NOTHING: AtomicBool = AtomicBool::new(false);

/// From now on this process commits to SQLite without waiting for the disk: what must never happen, for the power test to
/// find out.
pub fn flush_nothing() {
    FLUSHES_NOTHING.store(true, Ordering::Relaxed);
}

pub(crate) fn flushes_nothing() -> bool {
    FLUSHES_NOTHING.load(Ordering::Relaxed)
}

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
    _postgres: Option<PostgresDatabase>,
}

impl TestDb {
    /// A database in a file.
    pub fn sqlite() -> Self {
        tally("sqlite");
        let folder = folder();
        let url = format!("sqlite://{}/consilium.db", folder.display());
        Self::open(folder, url, None)
    }

    /// A database on the PostgreSQL server of the environment.
    pub fn postgres() -> Self {
        let database = PostgresDatabase::migrated();
        Self::open(folder(), database.url(), Some(database))
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

    fn open(folder: std::path::PathBuf, url: String, postgres: Option<PostgresDatabase>) -> Self {
        Keys::create_missing(&folder).expect("keys");
        let start: Timestamp = "2026-06-01T08:00:00Z".parse().expect("an instant");
        let clock = Arc::new(ManualClock::new(start));
        let parsed: DatabaseUrl = url.parse().expect("a database URL");
        let vault = Vault::new(Keys::read(&folder).expect("keys"));
        let db = Db::open(&parsed, 8, vault, clock.clone(), Arc::new(RandomIds)).expect("a database");
        db.migrate().expect("migrations");
        Self { db, clock, url, folder, _postgres: postgres }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Notes for `scripts/test` that the running test opened a database of this kind.
pub fn tally(backend: &str) {
    let Some(file) = std::env::var_os("CONSILIUM_TEST_TALLY") else { return };
    let named = |variable| std::env::var(variable).unwrap_or_default();
    let line = format!("{backend} {} {}\n", named("NEXTEST_BINARY_ID"), named("NEXTEST_TEST_NAME"));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).expect("the tally");
    // One short write: lines of tests that run at the same time do not mix.
    std::io::Write::write_all(&mut file, line.as_bytes()).expect("the tally can be written");
}

fn folder() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("consilium-test-{}", RandomIds.next().simple()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}
