//! What is written in the chat: messages are the same everywhere.

pub use consilium_chat::{Message, NewMessage, ReadMark};
