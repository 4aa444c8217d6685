//! `consilium check-config`

use std::{path::Path, process::ExitCode};

use clap::Args;
use consilium_notifications::Mailer;

use crate::{
    config::{self, Config},
    mail, plugins,
};

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
        let wrong = match config::load(file, None) {
            Ok(config) => deeper(&config),
            Err(errors) => errors.0,
        };
        if wrong.is_empty() {
            println!("The settings are valid.");
            return ExitCode::SUCCESS;
        }
        eprintln!("{}", wrong.join("\n"));
        ExitCode::from(super::BAD_CONFIG)
    }
}

/// What only a look at mail templates and plugin libraries can tell. Each library is opened in a process of its own.
fn deeper(config: &Config) -> Vec<String> {
    let base_url = match config.server.base_url.as_str() {
        "" => format!("http://{}:{}", config.server.host, config.server.port),
        set => set.to_owned(),
    };
    let mail = base_url.parse().map(|url| Mailer::check(&mail::smtp(config), mail::templates(config).as_deref(), &url));
    let plugins = consilium_plugin_host::check(&plugins::settings(config), &plugins::configured(config));
    let mail = mail.unwrap_or_default().into_iter().map(|error| error.to_string());
    mail.chain(plugins.into_iter().map(|problem| problem.to_string())).collect()
}
