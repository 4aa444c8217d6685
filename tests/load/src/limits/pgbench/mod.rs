//! pgbench with the statements that the server itself sends: they are recorded from PostgreSQL's log while the server
//! does the operation, and put into one script for each of many operations.

mod log;
mod script;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use consilium_kernel::{Clock, SystemClock};
use consilium_tests::deployment::{Deployment, PostgresDatabase};
use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};
use tokio::process::Command;

pub use log::Statement;

/// Listens to what the server sends to its database.
pub struct Recorder {
    connection: PgConnection,
    log: PathBuf,
}

impl Recorder {
    /// Of the PostgreSQL server that `scripts/with-postgres` started, from now on.
    pub async fn start(database: &str) -> Self {
        #[derive(diesel::QueryableByName)]
        struct Folder {
            #[diesel(sql_type = Text)]
            folder: String,
        }
        let mut connection = PgConnection::establish(database).expect("the database");
        let query = sql_query("SELECT current_setting('unix_socket_directories') AS folder");
        let folder = query.get_result::<Folder>(&mut connection).expect("a setting").folder;
        let mut this = Self { connection, log: Path::new(&folder).join("server.log") };
        this.set("ALTER SYSTEM SET log_statement = 'all'").await;
        this
    }

    /// What was sent while `operation` ran, in all sessions.
    pub async fn record(&mut self, operation: impl Future<Output = ()>) -> Vec<Statement> {
        let before = fs::metadata(&self.log).expect("the log").len() as usize;
        operation.await;
        let log = fs::read(&self.log).expect("the log");
        log::read(&String::from_utf8_lossy(&log[before..]))
    }

    /// Ends it: recording costs.
    pub async fn stop(mut self) {
        self.set("ALTER SYSTEM RESET log_statement").await;
    }

    async fn set(&mut self, command: &str) {
        self.connection.batch_execute(command).expect("this is a superuser");
        self.connection.batch_execute("SELECT pg_reload_conf()").expect("this is a superuser");
        tokio::time::sleep(Duration::from_secs(1)).await; // until all sessions have heard
    }
}

/// Of everything that was recorded what belongs to one operation: its reads, which mention one of `reads`, and the
/// transaction that `marks` it.
pub fn operation(recorded: &[Statement], reads: &[&str], marks: &str) -> Vec<Statement> {
    let marked = recorded.iter().position(|statement| statement.sql.contains(marks)).expect("it was recorded");
    let session = &recorded[marked].session;
    let of_session = |statement: &&Statement| statement.session == *session;
    let begins = recorded[..marked].iter().rposition(|one| one.session == *session && one.sql == "BEGIN");
    let begins = begins.expect("it is in a transaction");
    let mut statements: Vec<Statement> = recorded[..begins]
        .iter()
        .filter(|one| one.sql.starts_with("SELECT") && reads.iter().any(|read| one.mentions(read)))
        .cloned()
        .collect();
    for statement in recorded[begins..].iter().filter(of_session) {
        statements.push(statement.clone());
        if statement.sql == "COMMIT" {
            return statements;
        }
    }
    panic!("it was not committed: {statements:#?}");
}

/// Scripts that pgbench chooses from by chance, and a copy of the server's database to run them in: what they write
/// under ids of their own would be events that nobody can open.
pub struct Scripts {
    folder: tempfile::TempDir,
    count: usize,
    database: PostgresDatabase,
}

impl Scripts {
    /// One for each operation; `kept` are the ids of its own that stay.
    pub fn write(deployment: &Deployment, operations: &[(Vec<Statement>, Vec<String>)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let now = SystemClock.now();
        for (number, (statements, kept)) in operations.iter().enumerate() {
            let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
            let text = script::script(statements, &kept, now);
            fs::write(folder.path().join(number.to_string()), text).expect("a file");
        }
        Self { folder, count: operations.len(), database: deployment.copied_database() }
    }

    /// Transactions per second of so many clients.
    pub async fn run(&self, clients: usize, length: Duration) -> f64 {
        let mut command = Command::new("pgbench");
        command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--random-seed=rand"]);
        command.arg(format!("--client={clients}")).arg(format!("--time={}", length.as_secs().max(1)));
        for number in 0..self.count {
            command.arg("--file").arg(self.folder.path().join(number.to_string()));
        }
        let output = command.arg(self.database.url()).kill_on_drop(true).output().await.expect("pgbench can be run");
        let (told, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{complaints}");
        let speed = told.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        let failed = told.lines().find(|line| line.contains("failed transactions") && !line.contains(": 0 "));
        assert!(failed.is_none(), "{told}{complaints}");
        speed.unwrap_or_else(|| panic!("pgbench tells no speed: {told}"))
    }
}
