//! Video providers that fail, and webhooks, against the real program with plugins in child processes and servers that
//! can be told to fail.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

mod provider;
mod rest;
mod socket;
mod stage;
mod switching;
mod webhooks;
