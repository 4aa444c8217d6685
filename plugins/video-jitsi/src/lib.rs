//! consilium-video-jitsi
