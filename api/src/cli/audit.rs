//! `consilium audit`

use std::process::ExitCode;

use clap::Subcommand;

use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Check every entry against its block and every block against the one before; exit 1 when something does not fit
    Verify,
}

impl Audit {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Self::Verify = self;
        let report = super::open(config)?.read(consilium_db::audit::verify).await?;
        println!("sealed height  {}", report.height);
        println!("head           {}", hex::encode(&report.head));
        println!("sealed entries {}", report.sealed);
        println!("unsealed tail  {}", report.unsealed);
        for finding in &report.findings {
            println!("FINDING        {finding}");
        }
        println!("findings       {}", report.findings.len());
        Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
