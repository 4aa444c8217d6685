//! What people write to each other, in a consultation or in a thread: sending, editing, deleting, reading, searching,
//! and telling those who are away.
//!
//! The module above knows whose conversation it is and who may do what in it; it calls these functions inside its own
//! transactions and with its own checks done. What is written is sealed under the key of the conversation's subject.
//!
//! | function | on the topic | in the outbox |
//! |---|---|---|
//! | [`send`] | `message_sent` | `message_sent`, of a thread `thread_message_sent` |
//! | [`edit`] | `message_edited` | `message_edited`, `thread_message_edited` |
//! | [`delete`] | `message_deleted` | `message_deleted`, `thread_message_deleted` |
//! | [`mark_read`] | `message_read` | `waiting_messages_read`, if the reader had been told that messages wait |
//! | [`NoticeTimer`] | | `messages_waiting` |
//!
//! A stored topic event never holds a text that was replaced or deleted: [`edit`] and [`delete`] rewrite the events in
//! which it was told, so that whoever resumes later reads what stands now, under the same numbers.

mod attachments;
mod decide;
mod facts;
mod model;
mod notices;
mod refusal;
mod store;
mod writing;

pub use attachments::share_file;
pub use decide::{ChatPolicy, Needle, check};
pub use model::{
    Conversation, ConversationKind, EarlierText, Message, MessageHistory, MessagePage, NewMessage, ReadMark, Reader,
};
pub use notices::{Connected, NoticeTimer, forget_reader};
pub use refusal::ChatRefusal;
pub use store::{count, history, messages_after, search, unread};
pub use writing::{delete, edit, mark_read, send};
