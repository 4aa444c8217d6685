//! Watches a plugin's source; rebuilds, copies and reloads whenever it changes.

use notify::{RecursiveMode, Watcher as _};
use serde_json::Value;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

/// Editors write a file in several steps; what follows so soon belongs to the same edit.
const TOGETHER: Duration = Duration::from_millis(40);

/// What a build depends on, in the plugin's folder. Cargo writes Cargo.lock itself.
const FOLDERS: &[&str] = &["src", "consilium"];
const FILES: &[&str] = &["Cargo.toml", "plugin.toml", "build.rs"];

/// What to watch and where to bring it.
#[derive(Debug, Clone, Default)]
pub struct Develop {
    /// The plugin's folder, with its Cargo.toml.
    pub folder: PathBuf,
    /// Build optimised.
    pub release: bool,
    /// Where the server takes the library from; none when it takes the one that cargo builds.
    pub library: Option<PathBuf>,
    /// How often to build; for ever when none. Each edit is one.
    pub rounds: Option<u32>,
}

/// What happened, for whoever shows it.
#[derive(Debug)]
pub enum Event<'a> {
    /// The source is watched.
    Watching(&'a Path),
    /// A file changed, and cargo builds.
    Building,
    /// Cargo refused; its messages were printed.
    Broken,
    /// The library was built, copied and reloaded.
    Live {
        /// From the edit to now.
        total: Duration,
        /// Of which cargo took this.
        build: Duration,
        /// What the server said, if there is one.
        said: String,
    },
    /// It was built but could not be brought to the server.
    Stuck(String),
}

/// Tells the server; answers what it said.
pub type Reload<'a> = dyn FnMut(&Path) -> Result<String, String> + 'a;

/// Builds once, then after every change, until the rounds are over. Blocks.
///
/// # Errors
/// When the folder cannot be watched, or cargo cannot be started.
pub fn develop(options: &Develop, reload: &mut Reload<'_>, tell: &mut dyn FnMut(Event<'_>)) -> io::Result<()> {
    let (changed, changes) = channel();
    let folder = options.folder.canonicalize()?;
    let watched = folder.clone();
    let report = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| matters(&watched, &event)) {
            let _ = changed.send(Instant::now());
        }
    };
    let mut watcher = notify::recommended_watcher(report).map_err(io::Error::other)?;
    // The folder and not its files: many editors put a new file in the place of the old one.
    watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(io::Error::other)?;
    for path in FOLDERS.iter().map(|part| folder.join(part)).filter(|path| path.exists()) {
        watcher.watch(&path, RecursiveMode::Recursive).map_err(io::Error::other)?;
    }
    tell(Event::Watching(&options.folder));
    let mut edited = Instant::now();
    let mut round = 0;
    loop {
        tell(Event::Building);
        let began = Instant::now();
        match build(options)? {
            None => tell(Event::Broken),
            Some(built) => {
                let build = began.elapsed();
                let brought = bring(&built, options.library.as_deref()).map_err(|e| e.to_string());
                match brought.and_then(|library| reload(&library)) {
                    Ok(said) => tell(Event::Live { total: edited.elapsed(), build, said }),
                    Err(why) => tell(Event::Stuck(why)),
                }
            }
        }
        round += 1;
        if options.rounds.is_some_and(|rounds| round >= rounds) {
            return Ok(());
        }
        match next_change(&changes) {
            Some(at) => edited = at,
            None => return Ok(()),
        }
    }
}

fn matters(folder: &Path, event: &notify::Event) -> bool {
    let source = |path: &PathBuf| {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else { return false };
        let inside = FOLDERS.iter().any(|part| path.starts_with(folder.join(part)));
        let hidden = name.starts_with('.') || name.ends_with('~');
        (inside && !hidden) || FILES.iter().any(|file| *path == folder.join(file))
    };
    !event.kind.is_access() && event.paths.iter().any(source)
}

/// The time of the first change of an edit, once the edit is over.
fn next_change(changes: &Receiver<Instant>) -> Option<Instant> {
    let first = changes.recv().ok()?;
    loop {
        match changes.recv_timeout(TOGETHER) {
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => return Some(first),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// The library that cargo made; none when it refused. Its messages go straight to standard error.
fn build(options: &Develop) -> io::Result<Option<PathBuf>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--lib", "--message-format", "json-render-diagnostics", "--quiet"])
        .current_dir(&options.folder);
    if options.release {
        command.arg("--release");
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Ok(None);
    }
    let manifest = options.folder.canonicalize()?.join("Cargo.toml");
    let messages =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let ours = messages.filter(|message| {
        let is_library =
            message.pointer("/target/crate_types").is_some_and(|types| types.to_string().contains("cdylib"));
        is_library
            && message.get("manifest_path").and_then(Value::as_str).is_some_and(|path| Path::new(path) == manifest)
    });
    let files = ours.filter_map(|message| message.get("filenames")?.as_array().cloned()).flatten();
    let library = files
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.extension().is_some_and(|e| e == "so"));
    library
        .map(Some)
        .ok_or_else(|| io::Error::other("cargo built no cdylib: does Cargo.toml say crate-type = [\"cdylib\"]?"))
}

/// Copies the library under another name first: whoever reads the target sees the old one or the new one, never half.
fn bring(built: &Path, target: Option<&Path>) -> io::Result<PathBuf> {
    let Some(target) = target else { return Ok(built.to_owned()) };
    let fresh = target.with_extension("so.new");
    fs::copy(built, &fresh)?;
    fs::rename(&fresh, target)?;
    Ok(target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::{EventKind, event::ModifyKind};

    #[test]
    fn what_a_build_depends_on_matters_and_what_it_writes_does_not() {
        let folder = Path::new("/p");
        let changed = |path: &str| notify::Event::new(EventKind::Modify(ModifyKind::Any)).add_path(folder.join(path));
        for path in ["src/lib.rs", "src/deep/er.rs", "consilium/plugins/sdk/src/lib.rs", "Cargo.toml", "plugin.toml"] {
            assert!(matters(folder, &changed(path)), "{path}");
        }
        for path in ["Cargo.lock", "target", "README.md", "src/.lib.rs.swp", "src/lib.rs~", "sub/plugin.toml"] {
            assert!(!matters(folder, &changed(path)), "{path}");
        }
    }
}
