//! Three nodes, one PostgreSQL and one NATS: the real programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod faults;
mod together;
