//! Messages on both databases, in a conversation that belongs to nobody in particular.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod notices;
mod world;
mod writing;
