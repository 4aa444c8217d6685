//! What people do with the platform, over HTTP, on each database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod aftercare;
mod audit;
mod booking;
mod consultation;
mod conventions;
mod conversations;
mod credentials;
mod earnings;
mod idempotency;
mod invited;
mod live;
mod pages;
mod plugins;
mod race;
mod sessions;
mod templates;
mod users;
