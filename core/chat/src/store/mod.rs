//! The tables of conversations; the only place here that knows Diesel.

mod messages;
mod notices;
mod tables;

pub(crate) use messages::{Stored, find, insert, replace, sent_before, told};
pub use messages::{count, history, messages_after, search, unread};
pub(crate) use notices::{Notice, notice, notice_as_it_is, notice_of, save_notice};
