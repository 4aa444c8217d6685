//! `consilium plugin`

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Subcommand;
use consilium_plugin_host::MemoryServices;

use crate::{config::Config, plugins};

#[derive(Debug, Subcommand)]
pub(super) enum Plugin {
    /// Start the configured plugins, say how each is, and stop them again
    List,
    /// Read a library's manifest without starting it
    Inspect {
        /// The library (lib….so)
        library: PathBuf,
    },
}

impl Plugin {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::Inspect { library } => {
                let manifest = consilium_plugin_host::inspect(&plugins::settings(config), &library)?;
                println!("{}", serde_json::to_string_pretty(&manifest)?);
                Ok(ExitCode::SUCCESS)
            }
            Self::List => {
                let host = plugins::start(config, Arc::new(MemoryServices::default())).await?;
                println!(
                    "{:<20} {:<10} {:<24} {:<10} {:<12} {:<16} error",
                    "id", "version", "kinds", "isolation", "state", "sandbox"
                );
                for plugin in host.list().await {
                    let kinds: Vec<String> = plugin.kinds.iter().map(ToString::to_string).collect();
                    let state = serde_json::to_value(plugin.state)?;
                    println!(
                        "{:<20} {:<10} {:<24} {:<10} {:<12} {:<16} {}",
                        plugin.id,
                        plugin.version,
                        kinds.join(","),
                        plugin.isolation.to_string(),
                        state.as_str().unwrap_or_default(),
                        plugin.sandbox.map_or_else(|| "not started".to_owned(), |walls| walls.to_string()),
                        plugin.last_error.unwrap_or_default()
                    );
                }
                host.shutdown().await;
                Ok(if host.problems().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
        }
    }
}
