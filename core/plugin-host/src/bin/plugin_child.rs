//! The child process, for tests of this crate; in production `consilium plugin-host` is the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    consilium_plugin_host::child_main(std::env::args_os().skip(1))
}
