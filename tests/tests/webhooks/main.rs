//! Outbound webhooks, from what happens in the product to a real HTTP server that verifies what it gets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod delivering;
mod documented;
mod failing;
mod managing;
mod subscriber;
