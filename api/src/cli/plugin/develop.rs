//! `consilium plugin dev`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use consilium_plugin_testkit::{Develop, DevelopEvent, develop};
use tokio::runtime::Handle;

use super::server::At;

#[derive(Debug, Args)]
#[command(after_help = "\
Run it in the plugin's folder. Either give --server, and let the server's settings name the library that cargo builds; or
give --library too, the file that the server's settings name: it is replaced after each build.

  consilium plugin dev --server http://127.0.0.1:8080 --email admin@example.org \\
      --password-file password --library /var/lib/consilium/plugins/acme-video.so

Calls in flight are not lost: the server starts the new library, asks it how it is, switches, and lets the old one finish.")]
pub(in crate::cli) struct Dev {
    #[command(flatten)]
    at: At,
    /// Where to copy the library after each build
    #[arg(long, value_name = "PATH", required_unless_present = "server")]
    library: Option<PathBuf>,
    /// Id of the plugin in the server's settings; the one in plugin.toml when left out
    #[arg(long)]
    id: Option<String>,
    /// Build optimised
    #[arg(long)]
    release: bool,
    /// The plugin's folder
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Stop after so many builds
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
}

impl Dev {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let server = self.at.server()?;
        let id = match self.id {
            Some(id) => id,
            None => id_in(&self.folder.join("plugin.toml"))?,
        };
        let options =
            Develop { folder: self.folder, release: self.release, library: self.library, rounds: self.rounds };
        let runtime = Handle::current();
        let work = move || {
            let mut reload = |_: &Path| match &server {
                None => Ok("copied".to_owned()),
                Some(server) => {
                    let answer = runtime.block_on(server.post(&format!("plugins/{id}/reload")));
                    answer.map(|_| format!("reloaded {id}")).map_err(|e| format!("{e:#}"))
                }
            };
            develop(&options, &mut reload, &mut |event| tell(&event))
        };
        tokio::task::spawn_blocking(work).await??;
        Ok(ExitCode::SUCCESS)
    }
}

fn id_in(manifest: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(manifest)
        .map_err(|e| anyhow::anyhow!("{}: {e}; run this in a plugin's folder", manifest.display()))?;
    let table: toml::Table = text.parse()?;
    let id = table.get("id").and_then(toml::Value::as_str);
    id.map(str::to_owned).ok_or_else(|| anyhow::anyhow!("{} names no id", manifest.display()))
}

fn tell(event: &DevelopEvent<'_>) {
    match event {
        DevelopEvent::Watching(folder) => println!("watching {}", folder.display()),
        DevelopEvent::Building => println!("building"),
        DevelopEvent::Broken => println!("the old library stays until this builds"),
        DevelopEvent::Live { total, build, said } => {
            println!("live after {:.1} s (cargo {:.1} s): {said}", total.as_secs_f64(), build.as_secs_f64());
        }
        DevelopEvent::Stuck(why) => println!("built, but not live: {why}"),
    }
}
