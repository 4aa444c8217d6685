//! Consultations on both databases: real appointments, real actors, a clock that stands still.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod chat;
mod failover;
mod life;
mod line;
mod notes;
mod quality;
mod ratings;
mod world;
