//! Journeys through the web client in real browsers, against the real program that has the client inside, and the
//! client's package against a real server. What is done is written in `tests/node/web`; pictures are kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

mod journeys;
mod served;
mod world;
