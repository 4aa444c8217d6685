//! The server with a fault: on SQLite it commits without waiting for the disk. `scripts/prove/power` must find it out.
//! Nothing that is shipped can be made to do this: the fault is set by code alone, and by this program alone.

fn main() -> std::process::ExitCode {
    consilium_db::testing::flush_nothing();
    consilium_api::cli::main()
}
