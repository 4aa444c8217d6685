//! Threads on both databases: real accounts and appointments, a clock that stands still.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod messages;
mod threads;
mod world;
