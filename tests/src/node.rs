//! Node, and the packages that `scripts/setup-tests` left below the build folder for it.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::artifacts;

/// Where the packages lie.
pub fn packages() -> PathBuf {
    let build = artifacts::folder().parent().expect("the profile's folder lies in the build folder").to_path_buf();
    let folder = build.join("test-node");
    assert!(folder.join("node_modules").exists(), "{} is missing: run scripts/setup-tests", folder.display());
    folder
}

/// Where the scripts lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("node")
}

/// `tests/node/<script>` with the packages' folder as its first argument. It ends with whoever drops it.
pub fn script(name: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(folder().join(name)).arg(packages()).kill_on_drop(true);
    command
}
