//! The border itself. Everything here but `link`, `wire` and the near ends of `lines` runs where the plugin's code runs:
//! in the child process, or on the plugin's threads inside the server.

mod child;
mod copy;
mod crew;
mod frame;
mod instance;
mod library;
mod lines;
mod link;
mod pool;
mod runner;
mod sandbox;
mod wire;

pub use child::child_main;
pub(crate) use child::{child_command, connection};
pub(crate) use copy::{address, content_addressed};
pub(crate) use frame::{Frame, Tag};
pub(crate) use instance::{Outward, failure};
pub(crate) use library::parse_manifest;
pub(crate) use lines::A_MOMENT;
pub(crate) use link::Link;
pub use sandbox::{Protection, Sandbox};
