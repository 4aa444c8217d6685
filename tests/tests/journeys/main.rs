//! What people do with the platform, over HTTP, on each database.

mod booking;
mod consultation;
mod conventions;
mod idempotency;
mod pages;
mod race;
mod sessions;
