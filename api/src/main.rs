//! The one binary.

fn main() -> std::process::ExitCode {
    consilium_api::cli::main()
}
