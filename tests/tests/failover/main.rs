//! Video providers that fail, and webhooks, against the real program with plugins in child processes and servers that
//! can be told to fail.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

mod deployment;
mod provider;
mod socket;
mod switching;
mod webhooks;
