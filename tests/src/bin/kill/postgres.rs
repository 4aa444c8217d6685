//! A PostgreSQL server whose files lie on a disk that can lose its power.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection};

/// Whom it runs as: it refuses to be root.
const OWNER: &str = "postgres";
/// How long it may take to start, recovery included.
const START: Duration = Duration::from_secs(60);

/// The server; it dies with this value.
pub struct Postgres {
    binaries: PathBuf,
    data: PathBuf,
    port: u16,
    running: Option<Child>,
    /// Whether it waits for the disk before it says that something is committed.
    flushes: bool,
}

impl Postgres {
    /// A fresh one with its files below `folder`.
    pub fn below(folder: &Path) -> Self {
        let home = folder.join("postgres");
        fs::create_dir(&home).expect("a folder");
        run(Command::new("chown").arg(OWNER).arg(&home));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut server = Self { binaries: binaries(), data: home.join("data"), port, running: None, flushes: true };
        let mut create = server.command("initdb");
        create.args(["--username=consilium", "--auth=trust", "--no-locale", "--encoding=UTF8", "--wal-segsize=1"]);
        run(create.arg("--pgdata").arg(&server.data).stdout(Stdio::null()));
        server.start();
        server
    }

    /// Its one database.
    pub fn url(&self) -> String {
        format!("postgres://consilium@127.0.0.1:{}/postgres", self.port)
    }

    /// From the next start on it answers before what it answers for is on the disk.
    pub fn flush_nothing(&mut self) {
        self.flushes = false;
    }

    /// Starts it and waits until it has recovered.
    pub fn start(&mut self) {
        let mut command = self.command("postgres");
        command.arg("-D").arg(&self.data).args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "unix_socket_directories=", "-c", "timezone=UTC", "-c", "max_connections=100"]);
        command.args(["-c", "min_wal_size=8MB", "-c", "max_wal_size=32MB"]); // the disk is small
        command.args(["-c", if self.flushes { "fsync=on" } else { "fsync=off" }]);
        let log = fs::File::create(self.log()).expect("a log");
        self.running = Some(command.stderr(log).process_group(0).spawn().expect("PostgreSQL can be run"));
        let begun = Instant::now();
        while PgConnection::establish(&self.url()).is_err() {
            let log = || fs::read_to_string(self.log()).unwrap_or_default();
            assert!(begun.elapsed() < START, "PostgreSQL does not start:\n{}", log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// All of its processes end at once.
    pub fn kill(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", running.id())]).status();
        let _ = running.wait();
    }

    fn log(&self) -> PathBuf {
        std::env::temp_dir().join(format!("consilium-power-{}.log", self.port))
    }

    /// A program of PostgreSQL's, as its owner; it dies with this program.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={OWNER}"), &format!("--regid={OWNER}"), "--init-groups", "--pdeathsig=KILL"]);
        command.arg(self.binaries.join(program)).current_dir("/").stdin(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_file(self.log());
    }
}

/// Where the newest version has its programs.
fn binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").metadata().is_ok_and(|file| file.permissions().mode() & 1 == 1));
    found.sort();
    found.pop().expect("PostgreSQL is installed below /usr/lib/postgresql")
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
