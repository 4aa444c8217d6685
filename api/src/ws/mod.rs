//! The WebSocket: one connection, many topics, frames of JSON (subprotocol `consilium.v1`).
//!
//! A frame takes this way: `session` (the actor; the only file that knows actix-web-actors) → `worker` (one frame
//! after the other) → `commands` and `feed` (a subscription) → `outgoing` (a bounded queue) → `session`.

pub mod asyncapi;
mod catalogue;
mod close;
mod commands;
mod connections;
mod context;
mod feed;
mod handshake;
mod limits;
mod login;
mod outgoing;
mod payloads;
mod presence;
mod protocol;
mod session;
#[cfg(test)]
mod tests;
mod threads;
mod topic;
mod worker;

pub use close::Close;
pub use context::{Authenticate, WsContext, WsSettings};
pub use handshake::connect;
pub use protocol::{ClientFrame, ServerFrame};
pub use topic::Topic;
