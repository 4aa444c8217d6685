//! Writes the contract reference below `docs/contracts`.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = own.join("../../docs/contracts");
    let files = consilium_plugin_contract::reference::files(&own.join("tests/golden"))?;
    fs::create_dir_all(&docs)?;
    for entry in fs::read_dir(&docs)? {
        fs::remove_file(entry?.path())?;
    }
    for (name, text) in &files {
        fs::write(docs.join(name), text)?;
    }
    println!("docs/contracts: {} files", files.len());
    Ok(())
}
