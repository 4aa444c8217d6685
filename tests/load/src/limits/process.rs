//! A limit that runs as a process of its own, as the server does.

use std::{env, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// This program once more, as a server; it dies with this value.
pub struct Process {
    /// `http://host:port`.
    pub address: String,
    _child: Child,
}

impl Process {
    /// Starts `load <role>` and waits until it has said where it listens.
    pub async fn start(role: &str) -> Self {
        let program = env::current_exe().expect("a program knows its path");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program).arg(role).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("it can be run");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let address = lines.next_line().await.expect("it prints").expect("its address");
        Self { address, _child: child }
    }
}
