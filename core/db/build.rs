//! Embedded migrations are read at compile time, which cargo does not see by itself. Their content gets a name, for
//! tests that copy a database in which they have run.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
};

fn main() {
    let migrations = Path::new("../../migrations");
    println!("cargo:rerun-if-changed={}", migrations.display());
    let mut content = DefaultHasher::new();
    read(migrations, &mut content);
    println!("cargo:rustc-env=CONSILIUM_MIGRATIONS={:016x}", content.finish());
}

fn read(path: &Path, content: &mut DefaultHasher) {
    path.file_name().hash(content);
    match fs::read_dir(path) {
        Ok(folder) => {
            let mut entries: Vec<_> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
            entries.sort();
            entries.iter().for_each(|entry| read(entry, content));
        }
        Err(_) => fs::read(path).ok().hash(content),
    }
}
