//! Prescribing on both databases: real appointments and consultations, a pharmacy that can fail in every way, a
//! clock that stands still.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod dispatch;
mod issue;
mod paper;
mod reports;
mod world;
