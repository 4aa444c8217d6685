//! A real coturn of one test, with `use-auth-secret`.

use std::{
    fs::{self, File},
    net::{IpAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// What its credentials are made with.
pub const SECRET: &str = "coturn-secret-of-this-test";

/// A running coturn; it dies with this value.
pub struct Coturn {
    /// Where it listens and relays.
    pub address: IpAddr,
    /// UDP and TCP.
    pub port: u16,
    child: Child,
    directory: TempDir,
}

impl Coturn {
    /// Listens and relays on the loopback interface.
    pub fn start() -> Self {
        Self::on(IpAddr::from([127, 0, 0, 1]))
    }

    /// Listens and relays on `address`, an address of this machine.
    pub fn on(address: IpAddr) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind((address, 0)).and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let log = File::create(directory.path().join("log")).expect("a file");
        let pid = directory.path().join("pid").display().to_string();
        let host = address.to_string();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "turnserver"])
            .args(["-n", "--listening-ip", &host, "--relay-ip", &host, "-p", &port.to_string()])
            .args(["--use-auth-secret", "--static-auth-secret", SECRET, "--realm", "clinic.example.org"])
            .args(["--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers", "--simple-log"])
            .args(["--verbose", "--log-file", "stdout", "--pidfile", &pid])
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("the log once more"))
            .stdout(log)
            .spawn()
            .expect("setpriv can be run");
        let mut coturn = Self { address, port, child, directory };
        let begun = Instant::now();
        while TcpStream::connect((address, port)).is_err() {
            let ended = coturn.child.try_wait().expect("it was started");
            assert!(ended.is_none(), "coturn is missing (run scripts/setup-tests) or ends: {}", coturn.log());
            assert!(begun.elapsed() < Duration::from_secs(30), "coturn does not listen: {}", coturn.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        coturn
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).expect("its log")
    }

    /// How many relays it has given so far.
    pub fn allocations(&self) -> usize {
        self.log().matches("ALLOCATE processed, success").count()
    }

    /// How a client names it: `turn:host:port`.
    pub fn url(&self) -> String {
        format!("turn:{}:{}", self.address, self.port)
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
