//! The command line of the one binary.

mod admin;
mod audit;
mod check_config;
mod cluster;
mod demo;
mod migrate;
mod plugin;
mod seed_demo;
mod serve;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::config::{self, Config};

/// Exit status for wrong settings.
const BAD_CONFIG: u8 = 2;

/// Consilium, an open telemedicine platform.
#[derive(Debug, Parser)]
#[command(
    name = "consilium",
    version,
    after_help = "Settings come from the file, then from the environment: CONSILIUM__SECTION__KEY, for example\n\
                  CONSILIUM__SERVER__PORT=8080 or CONSILIUM__DATABASE__URL=postgres://user@host/consilium.\n\
                  `consilium check-config --defaults` lists every setting with its meaning.\n\n\
                  Exit status: 0 done, 1 failed, 2 wrong settings."
)]
struct Cli {
    /// Settings file (TOML)
    #[arg(long, global = true, env = "CONSILIUM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C, then finish what runs and exit
    Serve(serve::Serve),
    /// Bring the database schema up to date and say what was done
    Migrate,
    /// Check the settings and explain every mistake
    CheckConfig(check_config::CheckConfig),
    /// Fill an empty database with demo accounts
    SeedDemo(seed_demo::SeedDemo),
    Demo(demo::Demo),
    /// Manage staff accounts
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Write, test, pack and look at plugins
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// Check the audit log
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Look at the nodes that serve together
    #[command(subcommand)]
    Cluster(cluster::Cluster),
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    // A plugin's child process is this binary again; its arguments are not for people.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "plugin-host") {
        return consilium_plugin_host::child_main(arguments);
    }
    let cli = Cli::parse();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("consilium: another TLS provider was installed first");
        return ExitCode::FAILURE;
    }
    if let Command::CheckConfig(command) = &cli.command {
        return command.run(cli.config.as_deref());
    }
    // The tools for plugin authors know no server.
    let settings = match &cli.command {
        Command::Plugin(command) if !command.needs_settings() => Ok(Config::default()),
        _ => config::load(cli.config.as_deref(), None),
    };
    let mut config = match settings {
        Ok(config) => config,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(BAD_CONFIG);
        }
    };
    if matches!(cli.command, Command::Demo(_)) {
        demo::quieten(&mut config);
    }
    if matches!(&cli.command, Command::Plugin(command) if !command.needs_settings()) {
        // What the tools provoke in a plugin on purpose is told in their reports.
        config.log.filter = "off".to_owned();
    }
    crate::logging::start(&config.log);
    let outcome = actix_rt::System::new().block_on(async move {
        match cli.command {
            Command::Serve(command) => command.run(config).await,
            Command::Migrate => migrate::run(&config).await,
            Command::SeedDemo(command) => command.run(&config).await,
            Command::Demo(command) => command.run(config).await,
            Command::Admin(command) => command.run(&config).await,
            Command::Plugin(command) => command.run(&config).await,
            Command::Audit(command) => command.run(&config).await,
            Command::Cluster(command) => command.run(&config).await,
            Command::CheckConfig(_) => Ok(ExitCode::SUCCESS),
        }
    });
    outcome.unwrap_or_else(|error| {
        eprintln!("consilium: {error:#}");
        match error.downcast_ref::<consilium_db::Error>() {
            Some(consilium_db::Error::Setup(_)) => ExitCode::from(BAD_CONFIG),
            _ => ExitCode::FAILURE,
        }
    })
}

/// Opens the database that the settings name, migrated.
fn open(config: &Config) -> anyhow::Result<consilium_db::Db> {
    let db = crate::server::open_database(config, crate::server::system_clock())?;
    db.migrate()?;
    Ok(db)
}
