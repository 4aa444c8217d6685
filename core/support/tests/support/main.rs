//! Issues on both databases: who may report and handle them, and what a bad one leads to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod handling;
mod reporting;
mod world;
