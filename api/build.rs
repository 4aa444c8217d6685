//! Puts the built web client into the binary: a table of the files in `web/dist`, which is empty when `scripts/web`
//! has not built it. Knows nothing of how they are served.

use std::{
    env,
    fmt::Write,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::Result,
    path::{Path, PathBuf},
};

fn main() -> Result<()> {
    let built = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("web/dist");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed={}", built.display());
    // A copy, so that the client may be built anew while this is compiled.
    let folder = out.join("web");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut files = Vec::new();
    if built.is_dir() {
        copy(&built, &folder, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&folder).unwrap_or(file).display().to_string();
        // Compressed forms belong to their file; names that begin with a point are of the build.
        if name.ends_with(".gz") || name.ends_with(".br") || name.starts_with('.') {
            continue;
        }
        let mut hasher = DefaultHasher::new();
        fs::read(file)?.hash(&mut hasher);
        let tag = hasher.finish();
        let _ = writeln!(
            table,
            "File {{ path: {path:?}, tag: \"{tag:016x}\", plain: include_bytes!({file:?}), gzip: {gzip}, brotli: {brotli} }},",
            path = format!("/{name}"),
            gzip = form(file, "gz"),
            brotli = form(file, "br"),
        );
    }
    table.push(']');
    fs::write(out.join("web_client.rs"), table)
}

/// Copies a folder, and tells the files of the copy.
fn copy(from: &Path, to: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target, files)?;
        } else {
            fs::copy(entry.path(), &target)?;
            files.push(target);
        }
    }
    Ok(())
}

/// The compressed form of a file, as an expression.
fn form(file: &Path, ending: &str) -> String {
    let compressed = PathBuf::from(format!("{}.{ending}", file.display()));
    if compressed.exists() { format!("Some(include_bytes!({compressed:?}))") } else { "None".to_owned() }
}
