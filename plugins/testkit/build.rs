//! Packs what a new plugin is given beside its own files: the source of SDK and contract, the
//! versions of their dependencies, and the licence. So a scaffold needs nothing published.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// Below the workspace's root. Tests stay behind; an example stays because the manifest names it.
const PACKED: &[&str] = &[
    "plugins/contract/Cargo.toml",
    "plugins/contract/src",
    "plugins/sdk/Cargo.toml",
    "plugins/sdk/src",
    "plugins/sdk/examples",
    "plugins/sdk/include",
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE",
];

fn main() -> io::Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(name));
    let root = variable("CARGO_MANIFEST_DIR")?.join("../..").canonicalize()?;
    let mut files = Vec::new();
    for packed in PACKED {
        let path = root.join(packed);
        println!("cargo:rerun-if-changed={}", path.display());
        collect(&path, &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        writeln!(list, "    ({:?}, include_str!({:?})),", name, file).map_err(io::Error::other)?;
    }
    fs::write(variable("OUT_DIR")?.join("packed.rs"), list + "]\n")
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_owned());
    }
    Ok(())
}
