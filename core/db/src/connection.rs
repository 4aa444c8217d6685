//! One connection type for both databases; the URL decides which.

use std::time::Duration;

use diesel::{
    connection::SimpleConnection,
    prelude::*,
    r2d2::{Error as ConnectionError, R2D2Connection},
};

use crate::error::Error;

/// A connection to PostgreSQL or SQLite.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// PostgreSQL.
    Postgres(diesel::PgConnection),
    /// SQLite, bundled.
    Sqlite(diesel::SqliteConnection),
}

impl AnyConnection {
    /// Chooses the statement that this database understands.
    pub fn dialect<'a>(&self, postgres: &'a str, sqlite: &'a str) -> &'a str {
        match self {
            Self::Postgres(_) => postgres,
            Self::Sqlite(_) => sqlite,
        }
    }
}

/// Which database a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `postgres://…`, handed to libpq as it is.
    Postgres(String),
    /// `sqlite://path`; relative paths are relative to the working directory.
    Sqlite(String),
}

impl std::str::FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        match url.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() && !path.contains(":memory:") => Ok(Self::Sqlite(path.to_owned())),
            _ => Err(Error::Setup("a database URL is sqlite://path or postgres://user@host/database".to_owned())),
        }
    }
}

/// Opens connections for r2d2. Diesel's derived `establish` tries each backend in turn and hides
/// the first error, so this one goes by the URL.
#[derive(Debug, Clone)]
pub struct Opener(pub DatabaseUrl);

impl r2d2::ManageConnection for Opener {
    type Connection = AnyConnection;
    type Error = ConnectionError;

    fn connect(&self) -> Result<AnyConnection, ConnectionError> {
        match &self.0 {
            DatabaseUrl::Postgres(url) => PgConnection::establish(&impatient(url)).map(AnyConnection::Postgres),
            DatabaseUrl::Sqlite(path) => SqliteConnection::establish(path).map(AnyConnection::Sqlite),
        }
        .map_err(ConnectionError::ConnectionError)
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), ConnectionError> {
        connection.ping().map_err(ConnectionError::QueryError)
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        std::thread::panicking() || connection.is_broken()
    }
}

/// How long a PostgreSQL server that is silent may keep anybody waiting, if the URL says nothing else: a machine that lost
/// its power, or a network that drops what it should carry, sends no end of the connection, and the system's own patience
/// is a quarter of an hour. Names and units are libpq's.
const PATIENCE: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "10000"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "3"),
];

fn impatient(url: &str) -> String {
    let mut url = url.to_owned();
    for (key, value) in PATIENCE {
        if !url.contains(&format!("{key}=")) {
            let mark = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{mark}{key}={value}"));
        }
    }
    url
}

/// Settings of every new connection.
#[derive(Debug)]
struct Settings;

impl r2d2::CustomizeConnection<AnyConnection, ConnectionError> for Settings {
    fn on_acquire(&self, connection: &mut AnyConnection) -> Result<(), ConnectionError> {
        let done = match connection {
            // busy_timeout comes first: switching to WAL needs a lock.
            AnyConnection::Sqlite(sqlite) => sqlite.batch_execute(
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;",
            ),
            AnyConnection::Postgres(postgres) => postgres.batch_execute(
                "SET TIME ZONE 'UTC'; SET synchronous_commit = on; SET statement_timeout = '15s'; \
                 SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '30s';",
            ),
        };
        #[cfg(any(test, feature = "testing"))]
        if let AnyConnection::Sqlite(sqlite) = connection
            && crate::testing::flushes_nothing()
        {
            sqlite.batch_execute("PRAGMA synchronous = OFF").map_err(ConnectionError::QueryError)?;
        }
        done.map_err(ConnectionError::QueryError)
    }
}

/// A pool of connections.
pub type Pool = r2d2::Pool<Opener>;

/// Opens a pool of at most `size` connections; fails when the first one cannot be had within `wait`.
pub fn open_pool(url: &DatabaseUrl, size: u32, wait: Duration) -> Result<Pool, Error> {
    r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(matches!(url, DatabaseUrl::Postgres(_)))
        .connection_timeout(wait)
        .connection_customizer(Box::new(Settings))
        .error_handler(Box::new(LogErrors))
        .build(Opener(url.clone()))
        .map_err(|error| Error::Setup(format!("cannot open the database: {error}")))
}

/// Pool errors go to the log without the URL, which may hold a password.
#[derive(Debug)]
struct LogErrors;

impl r2d2::HandleError<ConnectionError> for LogErrors {
    fn handle_error(&self, error: ConnectionError) {
        tracing::warn!(%error, "a database connection could not be opened");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_url_says_of_patience_is_stronger() {
        let url = impatient("postgres://u@h/d?tcp_user_timeout=1&sslmode=require");
        assert!(url.starts_with("postgres://u@h/d?tcp_user_timeout=1&sslmode=require&connect_timeout=5&"), "{url}");
        assert_eq!(url.matches("tcp_user_timeout").count(), 1);
        assert!(
            impatient("postgres://u@h/d").starts_with("postgres://u@h/d?connect_timeout=5&tcp_user_timeout=10000&")
        );
    }
}
