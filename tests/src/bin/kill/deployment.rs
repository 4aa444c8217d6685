//! The real program with a database and keys of its own.

use std::{
    fs::{File, OpenOptions},
    path::PathBuf,
    process::{Command as Blocking, Stdio},
    time::Duration,
};

use consilium_db::Keys;
use consilium_tests::{
    client::{Client, PASSWORD, email},
    postgres::PostgresDatabase,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// Where the server keeps what must survive.
pub struct Deployment {
    /// The program.
    pub server: PathBuf,
    /// The database's URL.
    pub database: String,
    folder: tempfile::TempDir,
    _postgres: Option<PostgresDatabase>,
}

/// A running server.
pub struct Server {
    child: Child,
    /// Nobody in particular.
    pub client: Client,
}

impl Deployment {
    /// A fresh one with an administrator.
    pub fn new(server: PathBuf, database: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let postgres = (database == "postgres").then(PostgresDatabase::create);
        let url = match &postgres {
            Some(postgres) => postgres.url(),
            None => format!("sqlite://{}/consilium.db", folder.path().display()),
        };
        Keys::create_missing(&folder.path().join("keys")).expect("keys");
        let deployment = Self { server, database: url, folder, _postgres: postgres };
        let password = deployment.folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a file");
        let mut create = deployment.command(&["admin", "create", "--email", &email("admin"), "--password-file"]);
        let created = create.arg(password).output().expect("the server can be run");
        assert!(created.status.success(), "{}", deployment.log());
        deployment
    }

    /// Starts the server and waits until it has said where.
    pub async fn serve(&self) -> Server {
        let mut command = Command::from(self.command(&["serve", "--print-address"]));
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the server can be run");
        let mut output = BufReader::new(child.stdout.take().expect("its output")).lines();
        let said = output.next_line();
        let address = tokio::time::timeout(Duration::from_secs(60), said).await.expect("it starts within a minute");
        let address = address.expect("it writes text");
        let address = address.unwrap_or_else(|| panic!("the server did not start:\n{}", self.log()));
        Server { child, client: Client::new(&address) }
    }

    /// Whether `consilium audit verify` finds the log whole; its findings otherwise.
    pub fn verify_audit(&self) -> Option<String> {
        let verified = self.command(&["audit", "verify"]).output().expect("the server can be run");
        let told = String::from_utf8_lossy(&verified.stdout);
        (!verified.status.success()).then(|| format!("audit verify: {}\n{told}", verified.status))
    }

    /// Dies with this program, whatever becomes of it.
    fn command(&self, arguments: &[&str]) -> Blocking {
        let mut command = Blocking::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.server).args(arguments);
        let settings = [
            ("DATABASE__URL", self.database.as_str()),
            ("KEYS__DIRECTORY", &self.folder.path().join("keys").display().to_string()),
            ("SERVER__PORT", "0"),
            ("METRICS__ENABLED", "false"),
            ("LOG__FILTER", "warn"),
            ("RATE_LIMITS__ENABLED", "false"),
            ("IDENTITY__REQUIRE_VERIFIED_EMAIL", "false"),
            ("IDENTITY__ARGON2_MEMORY_KIB", "8"),
            ("IDENTITY__ARGON2_PASSES", "1"),
        ];
        command.envs(settings.map(|(key, value)| (format!("CONSILIUM__{key}"), value.to_owned())));
        command.current_dir(self.folder.path()).stderr(self.log_file());
        command
    }

    fn log_file(&self) -> File {
        let log = self.folder.path().join("server.log");
        OpenOptions::new().create(true).append(true).open(log).expect("a log")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }
}

impl Server {
    /// SIGKILL: nothing is finished, nothing is flushed.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// SIGTERM, which must end it within half a minute and with status 0.
    pub async fn stop(mut self) {
        let id = self.child.id().expect("it runs").to_string();
        Blocking::new("kill").args(["-TERM", &id]).status().expect("kill can be run");
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        let status = ended.expect("it ends within half a minute").expect("it was started");
        assert!(status.success(), "{status}");
    }
}
