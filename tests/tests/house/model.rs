//! The workspace as the rules see it: crates with their dependencies, files with their words.

use std::{
    collections::HashSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde_json::Value;

/// Everything that was read.
#[derive(Debug, Default)]
pub struct House {
    pub crates: Vec<Crate>,
    /// Files below `migrations/`, such as `sqlite/2026-11-21-000001_platform/up.sql`.
    pub migrations: Vec<String>,
}

/// A member of the workspace.
#[derive(Debug, Default)]
pub struct Crate {
    /// Package name without `consilium-`.
    pub name: String,
    /// Folder below the root, `core/db`.
    pub folder: String,
    /// Members it is built with, without `consilium-`; those only for its tests are left out.
    pub members: Vec<String>,
    /// Libraries from outside that it is built with.
    pub libraries: Vec<String>,
    /// Text of its Cargo.toml.
    pub manifest: String,
    pub files: Vec<SourceFile>,
}

/// A Rust file.
#[derive(Debug)]
pub struct SourceFile {
    /// Below the root, `core/db/src/lib.rs`.
    pub path: String,
    pub text: String,
    pub tokens: TokenStream,
    words: HashSet<String>,
}

impl House {
    /// Reads the workspace that this test belongs to.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(root)
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
        let packages = metadata["packages"].as_array().expect("a workspace has packages");
        let migrations = root.join("migrations");
        let mut scripts = Vec::new();
        find_files(&migrations, ".sql", &mut scripts);
        Self {
            crates: packages.iter().map(|package| Crate::read(root, package)).collect(),
            migrations: scripts.iter().map(|script| below(&migrations, script)).collect(),
        }
    }
}

impl Crate {
    fn read(root: &Path, package: &Value) -> Self {
        let manifest = Path::new(package["manifest_path"].as_str().expect("a package has a manifest"));
        let folder = manifest.parent().expect("a manifest lies in a folder");
        let mut room = Self {
            name: short(&package["name"]),
            folder: below(root, folder),
            manifest: fs::read_to_string(manifest).expect("the manifest is readable"),
            ..Self::default()
        };
        for dependency in package["dependencies"].as_array().expect("dependencies are a list") {
            if dependency["kind"] == "dev" {
                continue;
            }
            let list = if dependency["path"].is_string() { &mut room.members } else { &mut room.libraries };
            list.push(short(&dependency["name"]));
        }
        let mut paths = Vec::new();
        find_files(folder, ".rs", &mut paths);
        paths.sort();
        room.files = paths
            .into_iter()
            .map(|path| SourceFile::new(&below(root, &path), &fs::read_to_string(&path).expect("a source is text")))
            .collect();
        room
    }
}

impl SourceFile {
    pub fn new(path: &str, text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut words = HashSet::new();
        visit(&tokens, &mut |sequence| {
            words.extend(sequence.iter().filter_map(|token| match token {
                TokenTree::Ident(word) => Some(word.to_string()),
                _ => None,
            }));
        });
        Self { path: path.into(), text: text.into(), tokens, words }
    }

    /// True when the code, comments and texts aside, holds this identifier.
    pub fn mentions(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// True for `<name>.rs` and for everything in a folder `<name>/`.
    pub fn is_named(&self, name: &str) -> bool {
        let inside = self.path.split_once("/src/").map_or(self.path.as_str(), |(_, inside)| inside);
        inside.split('/').any(|part| part == name || part.strip_suffix(".rs") == Some(name))
    }

    /// True for what is never part of the product: tests, examples and benches beside `src/`,
    /// and test modules in it that are called `tests`.
    pub fn is_for_tests(&self) -> bool {
        let outside = self.path.split_once("/src/").map_or(self.path.as_str(), |(outside, _)| outside);
        let beside = ["/tests/", "/examples/", "/benches/"].iter().any(|part| outside.contains(part));
        self.path.starts_with("tests/") || beside || self.is_named("tests")
    }
}

/// Shows `see` every sequence of tokens: the file's own, and that inside every pair of brackets.
pub fn visit(tokens: &TokenStream, see: &mut impl FnMut(&[TokenTree])) {
    let sequence: Vec<_> = tokens.clone().into_iter().collect();
    see(&sequence);
    for token in &sequence {
        if let TokenTree::Group(group) = token {
            visit(&group.stream(), see);
        }
    }
}

/// What stands in the brackets after `<name>!`, for every use of that macro in `sequence`.
pub fn macro_bodies(sequence: &[TokenTree], name: &str) -> Vec<TokenStream> {
    sequence
        .windows(3)
        .filter_map(|window| match window {
            [TokenTree::Ident(word), TokenTree::Punct(mark), TokenTree::Group(body)]
                if word == name && mark.as_char() == '!' && body.delimiter() != Delimiter::None =>
            {
                Some(body.stream())
            }
            _ => None,
        })
        .collect()
}

fn find_files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the project is readable") {
        let path = entry.expect("an entry is readable").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_string();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            find_files(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).expect("members lie below the root").to_string_lossy().into_owned()
}

fn short(name: &Value) -> String {
    let name = name.as_str().expect("a package has a name");
    name.strip_prefix("consilium-").unwrap_or(name).to_string()
}
