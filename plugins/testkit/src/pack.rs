//! One archive to hand out: library, manifest, README, licence and SHA-256 sums. The same files make
//! the same bytes, whoever packs them and whenever, so that a pack can be rebuilt and compared.

use consilium_plugin_host::{LoadError, Settings, contract::Manifest, inspect};
use flate2::{Compression, GzBuilder, read::GzDecoder};
use ring::digest::{SHA256, digest};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// Names that a licence may have beside a plugin.
const LICENCES: &[&str] =
    &["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "LICENSE-APACHE", "LICENSE-MIT", "COPYING"];
/// No pack is larger; what is, is none.
const LARGEST: u64 = 256 * 1024 * 1024;
const SUMS: &str = "SHA256SUMS";

/// What a pack holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// The plugin's manifest, from the library itself.
    pub manifest: Manifest,
    /// Name and SHA-256 of every file but the list of sums.
    pub files: Vec<(String, String)>,
}

/// Why there is no pack, or why one cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The library is refused.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// A file that a pack needs.
    #[error("a pack needs {0}")]
    Missing(String),
    /// The archive is not what was packed.
    #[error("the pack is damaged or was changed: {0}")]
    Damaged(String),
    /// A file cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Packs a library with README.md and licence from `folder` into `output`, or into
/// `dist/<id>-<version>.tar.gz` below the folder.
///
/// # Errors
/// When the library is no plugin, or README or licence are missing.
pub fn pack(library: &Path, folder: &Path, output: Option<&Path>) -> Result<(PathBuf, Pack), PackError> {
    let manifest = manifest_of(library)?;
    let mut files = BTreeMap::new();
    files.insert(format!("{}.so", manifest.id), fs::read(library)?);
    files.insert("manifest.json".to_owned(), serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?);
    let readme = folder.join("README.md");
    let missing = |what: &str| PackError::Missing(format!("{what} in {}", folder.display()));
    files.insert("README.md".to_owned(), fs::read(&readme).map_err(|_| missing("a README.md"))?);
    for name in LICENCES {
        if let Ok(text) = fs::read(folder.join(name)) {
            files.insert((*name).to_owned(), text);
        }
    }
    if !files.keys().any(|name| LICENCES.contains(&name.as_str())) {
        return Err(missing("a LICENSE file"));
    }
    let sums: Vec<_> = files.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect();
    let listed: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    files.insert(SUMS.to_owned(), listed.into_bytes());
    let name = format!("{}-{}", manifest.id, manifest.version);
    let output = output.map_or_else(|| folder.join("dist").join(format!("{name}.tar.gz")), Path::to_owned);
    if let Some(parent) = output.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&output, archive(&name, &files)?)?;
    Ok((output, Pack { manifest, files: sums }))
}

/// Everything that could differ between two machines is fixed: order, times, owners, modes, gzip's header.
fn archive(folder: &str, files: &BTreeMap<String, Vec<u8>>) -> io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(if name.ends_with(".so") { 0o755 } else { 0o644 });
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, format!("{folder}/{name}"), bytes.as_slice())?;
    }
    tar.into_inner()?.finish()
}

/// Opens a pack: every sum is checked, and the library must say what the manifest beside it says.
///
/// # Errors
/// What is wrong with it.
pub fn open(path: &Path) -> Result<Pack, PackError> {
    let damaged = |what: String| PackError::Damaged(what);
    let mut files = BTreeMap::new();
    let mut entries = tar::Archive::new(GzDecoder::new(fs::File::open(path)?).take(LARGEST));
    for entry in entries.entries().map_err(|e| damaged(e.to_string()))? {
        let mut entry = entry.map_err(|e| damaged(e.to_string()))?;
        let name = entry.path()?.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let name = name.ok_or_else(|| damaged("an entry has no name".to_owned()))?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|e| damaged(format!("{name}: {e}")))?;
        files.insert(name, bytes);
    }
    // What lies behind the last entry has no sum in the list, but gzip has one over everything.
    io::copy(&mut entries.into_inner(), &mut io::sink()).map_err(|e| damaged(e.to_string()))?;
    let sums = files.remove(SUMS).ok_or_else(|| damaged(format!("there is no {SUMS}")))?;
    let sums = String::from_utf8(sums).map_err(|e| damaged(e.to_string()))?;
    let listed: BTreeMap<&str, &str> =
        sums.lines().filter_map(|line| line.split_once("  ")).map(|(sum, name)| (name, sum)).collect();
    let found: Vec<_> = files.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect();
    if listed.len() != found.len() {
        return Err(damaged(format!("{SUMS} lists {} files, there are {}", listed.len(), found.len())));
    }
    if let Some((name, _)) = found.iter().find(|(name, sum)| listed.get(name.as_str()) != Some(&sum.as_str())) {
        return Err(damaged(format!("{name} has another sum than {SUMS} says")));
    }
    let library = files
        .iter()
        .find(|(name, _)| name.ends_with(".so"))
        .ok_or_else(|| damaged("there is no library".to_owned()))?;
    let mut file = tempfile::NamedTempFile::with_suffix(".so")?;
    file.write_all(library.1)?;
    let manifest = manifest_of(file.path())?;
    let beside: Option<Manifest> = files.get("manifest.json").and_then(|json| serde_json::from_slice(json).ok());
    if beside.as_ref() != Some(&manifest) {
        return Err(damaged("manifest.json is not what the library says of itself".to_owned()));
    }
    Ok(Pack { manifest, files: found })
}

/// A library's manifest, read in a child process.
///
/// # Errors
/// Why the host refuses the library.
pub fn manifest_of(library: &Path) -> Result<Manifest, PackError> {
    let cache = tempfile::tempdir()?;
    let settings =
        Settings { cache_directory: cache.path().to_owned(), child_command: child_command(), ..Settings::default() };
    Ok(inspect(&settings, library)?)
}

/// This program's `plugin-host`, unless a test says otherwise.
fn child_command() -> Vec<String> {
    std::env::var("CONSILIUM_TESTKIT_CHILD").map(|program| vec![program]).unwrap_or_default()
}

/// The SHA-256 of some bytes, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}
