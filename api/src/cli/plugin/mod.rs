//! `consilium plugin`: thin shells around `consilium-plugin-testkit`.

mod develop;
mod examine;
mod list;
mod pack;
mod server;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use consilium_plugin_testkit::scaffold::{kinds, scaffold};

use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Plugin {
    /// Write a new plugin's crate, ready to build, with the SDK's source beside it
    #[command(
        after_help = "Example:\n  consilium plugin new acme-video --kind video\n  cd acme-video\n  cargo build\n  \
                            consilium plugin test target/debug/libacme_video.so\n\n\
                            Nothing is fetched: the versions in Cargo.lock are those this program was built with."
    )]
    New {
        /// Name of the crate and of the plugin: lower case words joined by dashes
        name: String,
        /// What it shall be: video, pharmacy, notification, payment, analytics, assistant or events
        #[arg(long)]
        kind: String,
        /// Where to write it, instead of a folder of its name
        #[arg(long)]
        directory: Option<PathBuf>,
    },
    /// Run the conformance kit over a library and say what holds, what does not, and what to do
    Test(examine::Test),
    /// Rebuild a plugin whenever its source changes, and reload it into a running server
    Dev(develop::Dev),
    /// Put library, manifest, README, licence and checksums into one reproducible archive
    Pack(pack::Pack),
    /// Show what a library or a pack says of itself, without starting it
    Inspect(pack::Inspect),
    /// Say of every plugin how it is: state, contracts, isolation, sandbox
    List(list::List),
}

impl Plugin {
    /// Whether it looks at the server's settings; the tools for authors do not.
    pub(super) fn needs_settings(&self) -> bool {
        matches!(self, Self::List(list) if list.of_settings())
    }

    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::New { name, kind, directory } => Ok(new(&name, &kind, directory)),
            Self::Test(test) => test.run().await,
            Self::Dev(dev) => dev.run().await,
            Self::Pack(pack) => pack.run(),
            Self::Inspect(inspect) => inspect.run(),
            Self::List(list) => list.run(config).await,
        }
    }
}

fn new(name: &str, kind: &str, directory: Option<PathBuf>) -> ExitCode {
    match scaffold(name, kind, directory.as_deref()) {
        Ok(made) => {
            let folder = made.directory.display();
            println!("Wrote {folder}:");
            for file in made.files {
                println!("  {file}");
            }
            let library = format!("target/debug/lib{}.so", name.replace('-', "_"));
            println!("and the SDK's source below {folder}/consilium. Next:");
            println!("  cd {folder} && cargo build && consilium plugin test {library}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("consilium: {error}");
            if matches!(error, consilium_plugin_testkit::scaffold::ScaffoldError::Kind { .. }) {
                for (kind, about) in kinds() {
                    eprintln!("  {kind:<12} {about}");
                }
            }
            ExitCode::from(super::BAD_CONFIG)
        }
    }
}
