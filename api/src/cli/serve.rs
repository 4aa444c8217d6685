//! `consilium serve`

use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::{config::Config, server};

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Print the server's address as the first line of standard output
    #[arg(long)]
    print_address: bool,
}

impl Serve {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<ExitCode> {
        // Before anything is started: a signal during start must not be lost.
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let clock = server::node_clock(&config);
        let server = server::start(config, clock).await?;
        if self.print_address {
            println!("http://{}", server.address);
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        server.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}
