//! The child process of the kit's own tests; for people the `consilium` binary is its own child.

fn main() -> std::process::ExitCode {
    consilium_plugin_host::child_main(std::env::args_os().skip(1))
}
