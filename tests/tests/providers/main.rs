//! Every provider plugin, as the real library in a child process, against a server that plays its
//! provider's published API; video-webrtc against a real coturn.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod livekit;
mod meet;
mod support;
mod webrtc;
mod zoom;
