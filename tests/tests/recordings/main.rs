//! Recordings over real sockets: nothing without everybody's consent, segments to a whole, playing, keeping, restarts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod consent;
mod keeping;
mod kills;
mod playing;
mod provider;
mod provider_stage;
mod stage;
