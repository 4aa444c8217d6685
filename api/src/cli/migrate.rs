//! `consilium migrate`

use std::process::ExitCode;

use crate::{config::Config, server};

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let ran = server::open_database(config, server::system_clock())?.migrate()?;
    if ran.is_empty() {
        println!("The schema is up to date.");
    }
    for migration in ran {
        println!("migrated {migration}");
    }
    Ok(ExitCode::SUCCESS)
}
