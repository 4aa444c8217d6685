//! A new plugin: a crate that builds, passes its tests and the conformance kit, and needs nothing
//! that is not beside it or in cargo's cache.

mod source;
mod template;

use std::{
    fs, io,
    path::{Path, PathBuf},
};
use template::{KINDS, Kind};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaffold {
    /// The crate's folder.
    pub directory: PathBuf,
    /// Its own files, without those of the SDK.
    pub files: Vec<String>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// Not a name for a crate and a plugin.
    #[error("{0:?} is no name for a plugin: use lower case words joined by dashes, such as acme-video")]
    Name(String),
    /// No template.
    #[error("there is no kind {kind:?} to start from; there are: {known}")]
    Kind {
        /// What was asked for.
        kind: String,
        /// What there is.
        known: String,
    },
    /// It would overwrite something.
    #[error("{0} exists already: choose another name, or another place with --directory")]
    Exists(PathBuf),
    /// A name that Rust keeps for itself.
    #[error("{0:?} is a word of Rust and cannot name a crate")]
    Keyword(String),
    /// It cannot be written.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The packed source is not what it should be; a defect of this build.
    #[error("the packed source is unusable: {0}")]
    Packed(String),
}

/// The kinds that there is a template for, with a line about each.
pub fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|kind| (kind.name, kind.about))
}

/// Writes a new plugin into `directory`, or into a folder of its name here.
///
/// # Errors
/// When name or kind are wrong, or the folder exists. Then nothing was written.
pub fn scaffold(name: &str, kind: &str, directory: Option<&Path>) -> Result<Scaffold, ScaffoldError> {
    check_name(name)?;
    let known = || kinds().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
    let kind = KINDS
        .iter()
        .find(|known| known.name == kind)
        .ok_or_else(|| ScaffoldError::Kind { kind: kind.to_owned(), known: known() })?;
    let directory = directory.map_or_else(|| PathBuf::from(name), Path::to_owned);
    if directory.exists() {
        return Err(ScaffoldError::Exists(directory));
    }
    let own = own_files(name, kind)?;
    let files = own.iter().map(|(path, _)| path.clone()).collect();
    for (path, text) in own.into_iter().chain(source::beside()?) {
        write(&directory.join(path), &text)?;
    }
    Ok(Scaffold { directory, files })
}

fn own_files(name: &str, kind: &Kind) -> Result<Vec<(String, String)>, ScaffoldError> {
    let mut files: Vec<_> = kind.files(name);
    let manifest =
        files.iter().find(|(path, _)| path == "Cargo.toml").map(|(_, text)| text.clone()).unwrap_or_default();
    files.push(("Cargo.lock".to_owned(), source::lock(name, &manifest)?));
    files.push(("LICENSE".to_owned(), source::packed("LICENSE")?.to_owned()));
    Ok(files)
}

fn check_name(name: &str) -> Result<(), ScaffoldError> {
    const WORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
        "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
        "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
        "test", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
        "yield",
    ];
    let good = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let letter_first = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !letter_first || name.len() > 64 || !name.split('-').all(good) {
        return Err(ScaffoldError::Name(name.to_owned()));
    }
    if WORDS.contains(&name) {
        return Err(ScaffoldError::Keyword(name.to_owned()));
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), ScaffoldError> {
    let failed = |error| ScaffoldError::Io { path: path.to_owned(), error };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use consilium_plugin_host::contract::versions;
    use std::collections::BTreeSet;

    #[test]
    fn wrong_names_unknown_kinds_and_taken_folders_are_refused_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("new");
        for name in ["", "Acme", "acme_video", "-acme", "acme--video", "1acme", "acme video", "../acme", "für"] {
            let error = scaffold(name, "video", Some(&target)).unwrap_err();
            assert!(error.to_string().contains("lower case words"), "{name}: {error}");
        }
        assert!(matches!(scaffold("match", "video", Some(&target)), Err(ScaffoldError::Keyword(_))));
        let error = scaffold("acme", "teleport", Some(&target)).unwrap_err().to_string();
        assert!(error.contains("\"teleport\"") && error.contains("video, pharmacy, notification"), "{error}");
        assert!(!target.exists());
        let error = scaffold("acme", "video", Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("exists already"), "{error}");
    }

    #[test]
    fn the_minimal_video_provider_is_small_and_safe() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x");
        let written = scaffold("acme-video", "video", Some(&target)).unwrap();
        let source = fs::read_to_string(target.join("src/lib.rs")).unwrap();
        assert!(source.lines().count() <= 60, "{} lines", source.lines().count());
        assert!(!source.contains("unsafe"));
        for file in [
            "Cargo.toml",
            "Cargo.lock",
            "plugin.toml",
            "src/lib.rs",
            "tests/provider.rs",
            "tests/cassette.json",
            "README.md",
            "rustfmt.toml",
            ".gitignore",
            ".github/workflows/ci.yml",
            "LICENSE",
        ] {
            assert!(written.files.iter().any(|written| written == file) && target.join(file).is_file(), "{file}");
        }
        assert!(target.join("consilium/plugins/sdk/src/lib.rs").is_file());
        assert!(target.join("consilium/plugins/contract/src/lib.rs").is_file());
    }

    #[test]
    fn there_is_a_template_for_every_kind_of_the_contract() {
        // Webhooks are no plugin of their own.
        let contracts = versions::present().map(|contract| contract.kind).filter(|kind| kind != "webhook");
        let templates = kinds().map(|(name, _)| name.to_owned());
        assert_eq!(contracts.collect::<BTreeSet<_>>(), templates.collect::<BTreeSet<_>>());
    }

    #[test]
    fn every_kind_names_itself_and_not_the_example() {
        for (kind, about) in kinds() {
            assert!(!about.is_empty());
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("x");
            let written = scaffold("quick-silver", kind, Some(&target)).unwrap();
            for file in written.files.iter().filter(|file| !["LICENSE", "Cargo.lock"].contains(&file.as_str())) {
                let text = fs::read_to_string(target.join(file)).unwrap();
                assert!(!text.to_lowercase().contains("acme"), "{kind}: {file} speaks of the example");
            }
            let readme = fs::read_to_string(target.join("README.md")).unwrap();
            assert!(readme.contains(&format!("the kind `{kind}` for Consilium: {about}.")), "{readme}");
            let manifest = fs::read_to_string(target.join("plugin.toml")).unwrap();
            let present = versions::present().find(|contract| contract.kind == kind).unwrap();
            assert!(manifest.contains(&format!("kinds = [\"{present}\"")), "{manifest}");
        }
    }
}
