//! `consilium plugin pack` and `inspect`

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use consilium_plugin_host::contract::{
    ContractId,
    versions::{self, Spoken},
};
use consilium_plugin_testkit::pack;

#[derive(Debug, Args)]
#[command(
    after_help = "The same files make the same bytes, on any machine and at any time, so that a pack can be rebuilt \
                        and compared.\nUnpack it into the server's plugin directory, or anywhere, and name the library \
                        in the settings."
)]
pub(in crate::cli) struct Pack {
    /// The library (lib….so), built with --release
    library: PathBuf,
    /// The plugin's folder, with README.md and LICENSE
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// The archive to write, instead of dist/<id>-<version>.tar.gz in that folder
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Inspect {
    /// A library (lib….so) or a pack (….tar.gz), whose checksums are then verified
    file: PathBuf,
}

impl Pack {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (path, packed) = pack::pack(&self.library, &self.folder, self.output.as_deref())?;
        for (name, sum) in &packed.files {
            println!("{sum}  {name}");
        }
        let sum = pack::sha256(&std::fs::read(&path)?);
        println!("{sum}  {}", path.display());
        Ok(ExitCode::SUCCESS)
    }
}

impl Inspect {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let packed = self.file.extension().is_some_and(|extension| extension == "gz" || extension == "tgz");
        let manifest = if packed {
            let pack = pack::open(&self.file)?;
            for (name, sum) in &pack.files {
                eprintln!("{sum}  {name}");
            }
            pack.manifest
        } else {
            pack::manifest_of(&self.file)?
        };
        for contract in &manifest.kinds {
            eprintln!("{contract}: {}", spoken(contract));
        }
        println!("{}", serde_json::to_string_pretty(&manifest)?);
        Ok(ExitCode::SUCCESS)
    }
}

/// How this release speaks to a plugin of this contract.
fn spoken(contract: &ContractId) -> String {
    let present = versions::present().find(|own| own.kind == contract.kind);
    match (versions::spoken(contract), present) {
        (Some(Spoken::Present), _) => "as this release speaks it".to_owned(),
        (Some(Spoken::Adapted(_)), Some(present)) => format!("through an adapter; this release speaks {present}"),
        (_, Some(present)) => format!("not spoken by this release, which speaks {present}"),
        (_, None) => "not spoken by this release".to_owned(),
    }
}
