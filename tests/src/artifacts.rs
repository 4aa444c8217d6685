//! Finds what `scripts/build` left beside the running test: the server and the plugins.

use std::{env, path::PathBuf, process::Command};

/// The folder that cargo links programs into, `target/debug` for a debug build.
pub fn folder() -> PathBuf {
    let program = env::current_exe().expect("a program knows its own path");
    let folder = program.parent().expect("it lies in a folder");
    let profile = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    profile.expect("tests lie in deps/, in the profile's folder").to_path_buf()
}

/// The server, `consilium`.
pub fn consilium() -> PathBuf {
    built(format!("consilium{}", env::consts::EXE_SUFFIX))
}

/// The library of the plugin in the folder `plugins/<plugin>`, such as `video-jitsi`.
pub fn plugin(plugin: &str) -> PathBuf {
    let package = plugin.replace('-', "_");
    built(format!("{}{package}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX))
}

/// Has the cargo that this command runs build as a stranger's does: without the network, and without the flags and the
/// build folder of this workspace. Only what it compiles in between is kept for the next one.
pub fn stranger(command: &mut Command) -> &mut Command {
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR"] {
        command.env_remove(name);
    }
    command.env("CARGO_NET_OFFLINE", "true").env("CARGO_BUILD_BUILD_DIR", folder().join("strangers"))
}

fn built(file: String) -> PathBuf {
    let path = folder().join(file);
    assert!(path.exists(), "{} is not built: run `make build` first", path.display());
    path
}
