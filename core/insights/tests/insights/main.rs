//! Insights on both databases: a plugin that counts through its store as a real one does, and can fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod feed;
mod report;
mod world;
