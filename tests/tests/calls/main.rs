//! Calls between two real browsers with fake cameras, through the page behind the link in mails, `video-webrtc` and a
//! real coturn that all media must pass: both see each other, and go on doing so when networks and servers change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

mod network;
mod relay;
mod restart;
mod world;
