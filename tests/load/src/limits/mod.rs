//! What the machine can do at best: programs and loops that do nothing but the indispensable.

pub mod echo;
pub mod group_commit;
pub mod http;
pub mod pgbench;
mod process;

pub use process::Process;
