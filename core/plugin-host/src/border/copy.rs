//! Content-addressed copies of libraries: `dlopen` of a path that was loaded before answers the old
//! library, and a file that is overwritten while mapped crashes whoever runs it.

use crate::LoadError;
use ring::digest::{SHA256, digest};
use std::{
    fs, io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Copies the library into `directory` under its SHA-256 and answers the absolute path of the copy.
pub(crate) fn content_addressed(library: &Path, directory: &Path) -> Result<PathBuf, LoadError> {
    let failed = |path: &Path, e: &io::Error| LoadError::Library(format!("{}: {e}", path.display()));
    let bytes = fs::read(library).map_err(|e| failed(library, &e))?;
    let name = format!("{}.so", hex::encode(digest(&SHA256, &bytes)));
    fs::create_dir_all(directory).map_err(|e| failed(directory, &e))?;
    let directory = directory.canonicalize().map_err(|e| failed(directory, &e))?;
    let target = directory.join(name);
    if fs::read(&target).is_ok_and(|existing| existing == bytes) {
        return Ok(target);
    }
    // Two plugins may have the same library, and both be started at the same time.
    static COPIES: AtomicU64 = AtomicU64::new(0);
    let copy = COPIES.fetch_add(1, Ordering::Relaxed);
    let fresh = target.with_extension(format!("{}.{copy}.tmp", std::process::id()));
    write_new(&fresh, &bytes).map_err(|e| failed(&fresh, &e))?;
    place(&fresh, &target, &bytes).map_err(|e| failed(&target, &e))?;
    Ok(target)
}

/// Gives the copy its name, unless somebody else was faster: to the walls of a child that is about to load it, a file
/// that takes the place of another is not the one that it may read.
fn place(fresh: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    let linked = fs::hard_link(fresh, target);
    if linked.is_err() && !fs::read(target).is_ok_and(|existing| existing == bytes) {
        return fs::rename(fresh, target);
    }
    fs::remove_file(fresh)
}

/// The SHA-256, in hex, of the library that a copy was made of.
pub(crate) fn address(copy: &Path) -> String {
    copy.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.set_permissions(fs::Permissions::from_mode(0o500))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn a_copy_that_was_tampered_with_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let library = directory.path().join("a.so");
        fs::write(&library, b"one").unwrap();
        let copy = content_addressed(&library, &directory.path().join("cache")).unwrap();
        fs::remove_file(&copy).unwrap();
        fs::write(&copy, b"two").unwrap();
        assert_eq!(content_addressed(&library, &directory.path().join("cache")).unwrap(), copy);
        assert_eq!(fs::read(copy).unwrap(), b"one");
    }

    #[test]
    fn other_content_gets_another_path() {
        let directory = tempfile::tempdir().unwrap();
        let library = directory.path().join("a.so");
        fs::write(&library, b"one").unwrap();
        let first = content_addressed(&library, directory.path()).unwrap();
        fs::write(&library, b"two").unwrap();
        assert_ne!(content_addressed(&library, directory.path()).unwrap(), first);
        // printf one | sha256sum
        assert_eq!(address(&first), "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
    }

    #[test]
    fn many_copies_at_once_do_not_disturb_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let library = directory.path().join("a.so");
        fs::write(&library, vec![7; 1 << 20]).unwrap();
        let cache = directory.path().join("cache");
        let inodes: Vec<u64> = std::thread::scope(|scope| {
            let copy = || fs::metadata(content_addressed(&library, &cache).unwrap()).unwrap().ino();
            let copying: Vec<_> = (0..8).map(|_| scope.spawn(copy)).collect();
            copying.into_iter().map(|copied| copied.join().unwrap()).collect()
        });
        assert!(inodes.iter().all(|inode| *inode == inodes[0]), "a copy was replaced by another: {inodes:?}");
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 1, "something was left behind");
    }
}
