//! Content-addressed copies of libraries: `dlopen` of a path that was loaded before answers the old
//! library, and a file that is overwritten while mapped crashes whoever runs it.

use crate::LoadError;
use ring::digest::{SHA256, digest};
use std::{
    fs, io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Copies the library into `directory` under its SHA-256 and answers the absolute path of the copy.
pub(crate) fn content_addressed(library: &Path, directory: &Path) -> Result<PathBuf, LoadError> {
    let failed = |path: &Path, e: &io::Error| LoadError::Library(format!("{}: {e}", path.display()));
    let bytes = fs::read(library).map_err(|e| failed(library, &e))?;
    let name = format!("{}.so", hex::encode(digest(&SHA256, &bytes)));
    fs::create_dir_all(directory).map_err(|e| failed(directory, &e))?;
    let directory = directory.canonicalize().map_err(|e| failed(directory, &e))?;
    let target = directory.join(name);
    // Two plugins may have the same library, and both be started at the same time: a copy that is put in the
    // place of one just like it would be another file than the child was allowed to read.
    static COPYING: Mutex<()> = Mutex::new(());
    let _alone = COPYING.lock().unwrap_or_else(PoisonError::into_inner);
    if fs::read(&target).is_ok_and(|existing| existing == bytes) {
        return Ok(target);
    }
    let fresh = target.with_extension(format!("{}.tmp", std::process::id()));
    write_new(&fresh, &bytes).map_err(|e| failed(&fresh, &e))?;
    fs::rename(&fresh, &target).map_err(|e| failed(&target, &e))?;
    Ok(target)
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
        let copied = || {
            let copy = content_addressed(&library, &directory.path().join("cache")).unwrap();
            fs::metadata(copy).unwrap().ino()
        };
        std::thread::scope(|scope| {
            let copies = [(); 8].map(|()| scope.spawn(copied)).map(|copying| copying.join().unwrap());
            assert!(copies.iter().all(|copy| *copy == copies[0]), "one was replaced: {copies:?}");
        });
    }
}
