//! Consultations on both databases: real appointments, real actors, a clock that stands still.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod chat;
mod endings;
mod failover;
mod invitations;
mod life;
mod line;
mod notes;
mod quality;
mod ratings;
mod sessions;
mod video;
mod waiting_room;
mod walk_ins;
mod world;
