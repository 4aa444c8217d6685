//! The server with a fault: it answers before it commits. `scripts/prove/kill` must find it out. Nothing that is shipped
//! can be made to do this: the fault is set by code alone, and by this program alone.

fn main() -> std::process::ExitCode {
    consilium_db::testing::acknowledge_early();
    consilium_api::cli::main()
}
