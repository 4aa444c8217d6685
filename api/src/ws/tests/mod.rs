//! Real sockets against a real server.

mod client;
mod coming_in;
mod conversations;
mod invited;
mod limits;
mod talking;
mod world;
