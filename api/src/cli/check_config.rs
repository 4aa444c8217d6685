//! `consilium check-config`

use std::{path::Path, process::ExitCode};

use clap::Args;

use crate::config;

#[derive(Debug, Args)]
pub(super) struct CheckConfig {
    /// Print every setting with its default and its meaning, as TOML
    #[arg(long)]
    defaults: bool,
}

impl CheckConfig {
    pub(super) fn run(&self, file: Option<&Path>) -> ExitCode {
        if self.defaults {
            print!("{}", config::default_toml());
            return ExitCode::SUCCESS;
        }
        match config::load(file, None) {
            Ok(_) => {
                println!("The settings are valid.");
                ExitCode::SUCCESS
            }
            Err(errors) => {
                eprintln!("{errors}");
                ExitCode::from(super::BAD_CONFIG)
            }
        }
    }
}
