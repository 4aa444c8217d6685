//! The real program with a database and keys of its own, for what cannot be shown inside a test's own process:
//! kills, plugins in child processes, what the program writes to its output.

mod clock;

use std::{
    fs::{File, OpenOptions},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command as Blocking,
    sync::Arc,
    time::Duration,
};

pub use clock::WallClock;
pub use consilium_db::testing::PostgresDatabase;
use consilium_db::{Db, Keys, Vault, testing::tally};
use consilium_kernel::{Clock, RandomIds, SystemClock, Timestamp};
use diesel::{prelude::*, sql_query, sql_types as sql};
use jiff::SignedDuration;
use reqwest::Url;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::{
    app::Backend,
    artifacts,
    client::{Client, PASSWORD, email},
};

/// How long the program may take to start, on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(60);

/// Where the server keeps what must survive.
pub struct Deployment {
    /// The program.
    pub server: PathBuf,
    /// The database's URL.
    pub database: String,
    settings: Vec<(String, String)>,
    folder: tempfile::TempDir,
    clock: Option<WallClock>,
    _postgres: Option<PostgresDatabase>,
}

/// A running server; it dies with this value.
pub struct Server {
    child: Child,
    /// Nobody in particular.
    pub client: Client,
}

impl Deployment {
    /// A fresh one of the program that `scripts/build` left, with an administrator.
    pub fn new(backend: Backend) -> Self {
        Self::of(artifacts::consilium(), backend)
    }

    /// A fresh one of the program `server`, with an administrator.
    pub fn of(server: PathBuf, backend: Backend) -> Self {
        Self::below(&std::env::temp_dir(), server, backend)
    }

    /// The same, all of it in a folder of its own below `parent`.
    pub fn below(parent: &Path, server: PathBuf, backend: Backend) -> Self {
        let folder = tempfile::tempdir_in(parent).expect("a folder");
        match backend {
            Backend::Postgres => {
                let database = PostgresDatabase::migrated();
                Self::made(folder, server, database.url(), Some(database))
            }
            Backend::Sqlite => {
                tally("sqlite");
                let url = format!("sqlite://{}/consilium.db", folder.path().display());
                Self::made(folder, server, url, None)
            }
        }
    }

    /// The same in a database of somebody else, which is empty.
    pub fn on(parent: &Path, server: PathBuf, database: String) -> Self {
        Self::made(tempfile::tempdir_in(parent).expect("a folder"), server, database, None)
    }

    fn made(folder: tempfile::TempDir, server: PathBuf, url: String, postgres: Option<PostgresDatabase>) -> Self {
        let path = |name: &str| folder.path().join(name).display().to_string();
        let settings = [
            ("DATABASE__URL", url.clone()),
            ("KEYS__DIRECTORY", path("keys")),
            ("PLUGINS__DIRECTORY", path("plugins")),
            ("PLUGINS__CACHE_DIRECTORY", path("plugin-cache")),
            ("SERVER__PORT", "0".to_owned()),
            ("METRICS__ENABLED", "false".to_owned()),
            ("LOG__FILTER", "warn".to_owned()),
            ("RATE_LIMITS__ENABLED", "false".to_owned()),
            ("IDENTITY__REQUIRE_VERIFIED_EMAIL", "false".to_owned()),
            ("IDENTITY__ARGON2_MEMORY_KIB", "8".to_owned()),
            ("IDENTITY__ARGON2_PASSES", "1".to_owned()),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value)).to_vec();
        Keys::create_missing(&folder.path().join("keys")).expect("keys");
        let deployment = Self { server, database: url, settings, folder, clock: None, _postgres: postgres };
        deployment.write("consilium.toml", "");
        deployment.employ("admin");
        deployment
    }

    /// A new member of staff, named after the role.
    pub fn employ(&self, role: &str) {
        let password = self.write("password", PASSWORD).display().to_string();
        let create = ["admin", "create", "--email", &email(role), "--password-file", &password, "--role", role];
        let created = self.command(&create).output().expect("the server can be run");
        assert!(created.status.success(), "{}", self.log());
    }

    /// Sets what the environment says: `("SMTP__URL", "smtp://…")`.
    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.retain(|(known, _)| known != key);
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    /// Writes the settings file; what [`Self::set`] says is stronger.
    pub fn configure(&self, toml: &str) {
        self.write("consilium.toml", toml);
    }

    /// Puts the library of a shipped plugin where the server looks for it.
    pub fn install(&self, plugin: &str) {
        let folder = self.folder.path().join("plugins");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::copy(artifacts::plugin(plugin), folder.join(format!("{plugin}.so"))).expect("a copy");
    }

    /// A file in the folder of this deployment.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        file
    }

    /// Where everything lies that the server writes, but for a PostgreSQL database.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Lets the clocks of all programs that are started from now on run further ahead.
    pub fn jump(&mut self, by: SignedDuration) {
        self.clock.get_or_insert_with(|| WallClock::new(self.folder.path(), "all")).jump(by);
    }

    /// How far they run ahead.
    pub fn ahead(&self) -> SignedDuration {
        self.clock.as_ref().map(WallClock::ahead).unwrap_or_default()
    }

    /// What time it is for the server.
    pub fn now(&self) -> Timestamp {
        SystemClock.now() + self.ahead()
    }

    /// Starts the server and waits until it has said where.
    pub async fn serve(&self) -> Server {
        self.serve_with(&[]).await
    }

    /// Starts one of several servers, which has these variables for itself in its environment.
    pub async fn serve_with(&self, own: &[(String, String)]) -> Server {
        let told = self.folder.path().join("server.out");
        let output = File::create(&told).expect("a file");
        let mut command = Command::from(self.command(&["serve", "--print-address"]));
        command.envs(own.iter().map(|(key, value)| (key, value)));
        let mut child = command.stdout(output).kill_on_drop(true).spawn().expect("the server can be run");
        let address = async {
            loop {
                let text = std::fs::read_to_string(&told).expect("its output");
                if let Some((address, _)) = text.split_once('\n') {
                    return address.to_owned();
                }
                let ended = child.try_wait().expect("it was started");
                assert!(ended.is_none(), "the server did not start:\n{}", self.log());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let address = tokio::time::timeout(START, address).await.expect("it starts within a minute");
        Server { child, client: Client::new(&address) }
    }

    /// What the audit log has of these actions, in order, with what it says besides.
    pub async fn audited(&self, actions: &[&str]) -> Vec<(String, Value)> {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = sql::Text)]
            action: String,
            #[diesel(sql_type = sql::Nullable<sql::Text>)]
            detail: Option<String>,
        }
        let db = self.db();
        let lines = db.read(|session| {
            let query = sql_query("SELECT action, detail FROM audit_entry ORDER BY tx, id");
            Ok(query.load::<Line>(session.connection())?)
        });
        let wanted = lines.await.expect("the audit log can be read").into_iter();
        let wanted = wanted.filter(|line| actions.contains(&line.action.as_str()));
        let told = |detail: Option<String>| detail.map_or(Value::Null, |text| text.parse().expect("JSON"));
        wanted.map(|line| (line.action, told(line.detail))).collect()
    }

    /// Its database, with its keys.
    pub fn db(&self) -> Db {
        let vault = Vault::new(Keys::read(&self.folder().join("keys")).expect("keys"));
        let url = self.database.parse().expect("a URL");
        Db::open(&url, 2, vault, Arc::new(SystemClock), Arc::new(RandomIds)).expect("the database")
    }

    /// Where its PostgreSQL server listens.
    pub fn database_address(&self) -> SocketAddr {
        let url = self.database_url();
        let host = url.host_str().and_then(|host| host.parse().ok());
        SocketAddr::new(host.expect("an IP address"), url.port().expect("a port"))
    }

    /// The URL of its PostgreSQL database for whoever goes through another port of this machine.
    pub fn database_at(&self, port: u16) -> String {
        let mut url = self.database_url();
        url.set_port(Some(port)).expect("a URL with a host");
        url.into()
    }

    fn database_url(&self) -> Url {
        self.database.parse().expect("a URL")
    }

    /// A copy of its PostgreSQL database, in which whoever writes disturbs no server.
    pub fn copied_database(&self) -> PostgresDatabase {
        let copy = PostgresDatabase::create();
        let script = r#"set -o pipefail; pg_dump "$0" | psql --quiet --set ON_ERROR_STOP=1 "$1" >/dev/null"#;
        let copied = Blocking::new("bash").args(["-c", script, &self.database, &copy.url()]).status();
        assert!(copied.expect("pg_dump and psql can be run").success(), "the database could not be copied");
        copy
    }

    /// Cuts every connection of the servers to their PostgreSQL database, whatever they are doing.
    pub async fn cut_database(&self) {
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let done = self.db().read(move |session| Ok(sql_query(cut).execute(session.connection())?)).await;
        done.expect("the database can be asked");
    }

    /// Kills a process of PostgreSQL, which then ends all others, and comes back after a recovery as from a loss of power.
    pub async fn crash_database(&self) {
        #[derive(QueryableByName)]
        struct Process {
            #[diesel(sql_type = sql::Integer)]
            pid: i32,
        }
        let db = self.db();
        let asked = db.read(|session| {
            Ok(sql_query("SELECT pg_backend_pid() AS pid").get_result::<Process>(session.connection())?.pid)
        });
        signal(asked.await.expect("the database can be asked").unsigned_abs(), "KILL");
    }

    /// Whether `consilium audit verify` finds the log whole; its findings otherwise.
    pub fn verify_audit(&self) -> Option<String> {
        let verified = self.command(&["audit", "verify"]).output().expect("the server can be run");
        let told = String::from_utf8_lossy(&verified.stdout);
        (!verified.status.success()).then(|| format!("audit verify: {}\n{told}", verified.status))
    }

    /// What the server has logged since the first start.
    pub fn log(&self) -> String {
        let log = std::fs::read(self.folder.path().join("server.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Runs the program with these arguments; what it prints and whether it succeeds.
    pub fn run(&self, arguments: &[&str]) -> (String, bool) {
        let ran = self.command(arguments).output().expect("the server can be run");
        (String::from_utf8_lossy(&ran.stdout).into_owned(), ran.status.success())
    }

    /// Dies with this program, whatever becomes of it.
    fn command(&self, arguments: &[&str]) -> Blocking {
        let mut command = Blocking::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.server).args(arguments);
        command.arg("--config").arg(self.folder.path().join("consilium.toml"));
        command.envs(self.settings.iter().map(|(key, value)| (format!("CONSILIUM__{key}"), value)));
        command.envs(self.clock.iter().flat_map(WallClock::environment));
        command.current_dir(self.folder.path()).stderr(self.log_file());
        command
    }

    fn log_file(&self) -> File {
        let log = self.folder.path().join("server.log");
        OpenOptions::new().create(true).append(true).open(log).expect("a log")
    }
}

impl Server {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// SIGSTOP: it stands still until it goes on.
    pub fn halt(&self) {
        signal(self.pid(), "STOP");
    }

    /// SIGCONT.
    pub fn go_on(&self) {
        signal(self.pid(), "CONT");
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// SIGTERM, which must end it within half a minute and with status 0.
    pub async fn stop(mut self) {
        signal(self.pid(), "TERM");
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        let status = ended.expect("it ends within half a minute").expect("it was started");
        assert!(status.success(), "{status}");
    }
}

fn signal(process: u32, name: &str) {
    let sent = Blocking::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(sent.expect("kill can be run").success());
}
