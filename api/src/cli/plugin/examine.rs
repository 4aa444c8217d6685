//! `consilium plugin test`

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use consilium_plugin_host::Isolation;
use consilium_plugin_testkit::{Level, Options, PluginSettings, Unfit, examine, record};

#[derive(Debug, Args)]
#[command(after_help = "\
Levels, each including those before it:
  bronze  does its job and harms nobody: it may be loaded
  silver  stays right when calls repeat, run side by side, are given up, or when the provider fails
  gold    lasts: it keeps its memory, and comes and goes under load

Signs: ✓ holds, ✗ does not, – does not apply, ? could not be found out.

Nothing leaves this machine: HTTP requests of the plugin are answered by a stub (200, {}), or by a cassette. With
--record the cassette is filled by the real provider, without secrets and personal data.

Exit status: 0 the level was reached, 1 it was not, 2 the library or the options are unusable.")]
pub(in crate::cli) struct Test {
    /// The library (lib….so)
    library: PathBuf,
    /// The plugin's configuration: a file with its own keys, or a server's settings with [plugins.use.<id>]; made from
    /// the schema's examples when left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A secret and the file that holds it; made up when left out
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    secret: Vec<(String, PathBuf)>,
    /// The level to reach; checks of higher ones are not run
    #[arg(long, default_value = "gold")]
    level: Asked,
    /// Where the plugin runs
    #[arg(long, default_value = "both")]
    isolation: Where,
    /// What the provider answers: a JSON file
    #[arg(long, value_name = "FILE")]
    cassette: Option<PathBuf>,
    /// Fill the cassette from the real provider instead of testing
    #[arg(long, requires = "cassette")]
    record: bool,
    /// Run only checks whose names begin so, such as `input.` or `repeat.key`
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,
    /// How the report is printed
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Asked {
    Bronze,
    Silver,
    Gold,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Where {
    Process,
    InProcess,
    Both,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("write NAME=FILE")?;
    Ok((name.to_owned(), file.into()))
}

impl Test {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let outcome = match self.options() {
            Ok(options) if self.record => self.record(&options).await,
            Ok(options) => examine(&self.library, &options).await,
            Err(unfit) => Err(unfit),
        };
        let report = match outcome {
            Ok(report) => report,
            Err(unfit) => {
                eprintln!("consilium: {unfit}");
                return Ok(ExitCode::from(super::super::BAD_CONFIG));
            }
        };
        match self.format {
            Format::Text => print!("{report}"),
            Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        }
        Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn record(&self, options: &Options) -> Result<consilium_plugin_testkit::Report, Unfit> {
        let (cassette, report) = record(&self.library, options).await?;
        if let Some(path) = &self.cassette {
            cassette.save(path)?;
            eprintln!(
                "Recorded {} interactions to {}. Read it before you commit it.",
                cassette.interactions.len(),
                path.display()
            );
        }
        Ok(report)
    }

    fn options(&self) -> Result<Options, Unfit> {
        let mut settings = match &self.config {
            Some(file) => PluginSettings::read(file, &self.library)?,
            None => PluginSettings::default(),
        };
        settings.secret_files.extend(self.secret.iter().cloned());
        let cassette = match &self.cassette {
            Some(path) if !self.record => Some(consilium_plugin_testkit::cassette::Cassette::load(path)?),
            _ => None,
        };
        Ok(Options {
            settings,
            cassette,
            level: match self.level {
                Asked::Bronze => Level::Bronze,
                Asked::Silver => Level::Silver,
                Asked::Gold => Level::Gold,
            },
            isolation: match self.isolation {
                Where::Process => vec![Isolation::Process],
                Where::InProcess => vec![Isolation::InProcess],
                Where::Both => vec![Isolation::Process, Isolation::InProcess],
            },
            only: self.only.clone(),
            ..Options::default()
        })
    }
}
