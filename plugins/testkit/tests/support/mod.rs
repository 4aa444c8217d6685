//! Where libraries are, and options that suit tests.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use consilium_plugin_host::Isolation;
use consilium_plugin_testkit::{Options, Report, Verdict};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_consilium-testkit-child")).parent().unwrap().to_owned()
}

/// The library of a plugin by its id. Cargo built it, because it is a dependency of these tests.
pub fn plugin(id: &str) -> PathBuf {
    let path = folder().join("deps").join(format!("lib{}.so", id.replace('-', "_")));
    assert!(path.exists(), "{} is missing: is plugin {id} a dev-dependency with crate type cdylib?", path.display());
    path
}

/// The library of an example of this crate.
pub fn example(name: &str) -> PathBuf {
    folder().join("examples").join(format!("lib{name}.so"))
}

/// In a child process, with few calls between two looks at memory.
pub fn options() -> Options {
    Options {
        isolation: vec![Isolation::Process],
        child_command: vec![env!("CARGO_BIN_EXE_consilium-testkit-child").to_owned()],
        memory_calls: 400,
        ..Options::default()
    }
}

pub fn verdict(report: &Report, check: &str) -> Verdict {
    report.findings.iter().find(|finding| finding.check == check).unwrap_or_else(|| panic!("{check}\n{report}")).verdict
}
