//! An S3-compatible server: moto's, which `scripts/setup-tests` installs.

use std::{path::PathBuf, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::artifacts;

/// A running server with a bucket; ends with its test.
pub struct S3 {
    /// `http://host:port`.
    pub address: String,
    _server: Child,
}

impl S3 {
    /// Starts one and makes `bucket`.
    pub async fn start(bucket: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut server = Command::new(program())
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("moto_server can be started");
        let mut lines = BufReader::new(server.stderr.take().expect("its output")).lines();
        let address = loop {
            let line = lines.next_line().await.expect("its output").expect("moto_server says where it listens");
            if let Some((_, address)) = line.split_once("Running on ") {
                break address.trim().to_owned();
            }
        };
        // Whoever does not read what it logs stops it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let made = reqwest::Client::new().put(format!("{address}/{bucket}")).send().await.expect("an answer");
        assert_eq!(made.status(), 200, "a bucket");
        Self { address, _server: server }
    }
}

fn program() -> PathBuf {
    let profile = artifacts::folder();
    let program = profile.parent().expect("the build folder").join("s3-venv/bin/moto_server");
    assert!(program.exists(), "{} is missing: run `scripts/setup-tests`", program.display());
    program
}
