//! What tests across crates stand on: a mail server, and the programs that were built.
//! Only tests use this; a missing service fails them with a message that says what to start.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

pub mod app;
pub mod artifacts;
pub mod browser;
pub mod client;
pub mod cluster;
pub mod coturn;
pub mod deployment;
pub mod nats;
pub mod node;
pub mod protocol;
pub mod providers;
pub mod receiver;
pub mod s3;
pub mod smtp;
pub mod socket;
pub mod upload;

pub use consilium_api::memory;
