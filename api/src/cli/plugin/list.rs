//! `consilium plugin list`

use std::{process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use consilium_plugin_host::MemoryServices;
use serde_json::Value;

use super::server::At;
use crate::{config::Config, plugins};

#[derive(Debug, Args)]
#[command(
    after_help = "Without --server the plugins of the settings are started, asked, and ended again, with a store that \
                        is forgotten.\nExit status: 0 all serve, 1 one does not."
)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    at: At,
}

impl List {
    pub(super) fn of_settings(&self) -> bool {
        !self.at.is_named()
    }

    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let plugins = match self.at.server()? {
            Some(server) => {
                let listed = server.get("plugins").await?;
                listed.get("items").and_then(Value::as_array).cloned().context("the server's answer is no list")?
            }
            None => {
                let host = plugins::start(config, Arc::new(MemoryServices::default())).await?;
                let listed = host.list().await.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
                host.shutdown().await;
                listed
            }
        };
        println!("{:<20} {:<10} {:<24} {:<11} {:<12} sandbox, error", "id", "version", "kinds", "isolation", "state");
        for plugin in &plugins {
            println!("{}", line(plugin));
        }
        let all_serve = plugins.iter().all(|plugin| text(plugin, "state") == "running");
        Ok(if all_serve { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn line(plugin: &Value) -> String {
    // The API calls them contracts, the host kinds.
    let kinds = plugin
        .get("contracts")
        .or_else(|| plugin.get("kinds"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let kinds = kinds.collect::<Vec<_>>().join(",");
    let mut notes = Vec::new();
    for adapted in plugin.get("adapted").and_then(Value::as_array).into_iter().flatten() {
        notes.push(format!("{} through an adapter to {}", text(adapted, "contract"), text(adapted, "present")));
    }
    if let Some(sandbox) = plugin.get("sandbox").and_then(Value::as_object) {
        let state = |state: &Value| state.as_str().unwrap_or("?").to_owned();
        match sandbox.values().next() {
            Some(first) if sandbox.values().all(|wall| wall == first) => notes.push(state(first)),
            _ => notes.extend(sandbox.iter().map(|(what, wall)| format!("{what} {}", state(wall)))),
        }
    }
    notes.extend(plugin.get("last_error").and_then(Value::as_str).map(str::to_owned));
    format!(
        "{:<20} {:<10} {:<24} {:<11} {:<12} {}",
        text(plugin, "id"),
        text(plugin, "version"),
        kinds,
        text(plugin, "isolation"),
        text(plugin, "state"),
        notes.join("; ")
    )
}

fn text<'a>(plugin: &'a Value, key: &str) -> &'a str {
    plugin.get(key).and_then(Value::as_str).unwrap_or_default()
}
