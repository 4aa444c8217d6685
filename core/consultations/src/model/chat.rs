//! What is written in a consultation's chat.

use consilium_kernel::{MessageId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// A message to send.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// The client's own id of it: sending it again gives the message already stored. 1 to 64 characters.
    pub client_message_id: String,
    /// 1 to 8,000 characters.
    pub body: String,
}

impl std::fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewMessage(…)")
    }
}

/// A stored message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its place in the chat: the number of its event on the topic.
    pub seq: i64,
    /// Who wrote it.
    pub sender_id: UserId,
    /// The sender's own id of it.
    pub client_message_id: String,
    /// What it says.
    pub body: String,
    /// When it was stored.
    pub sent_at: Timestamp,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({}, seq {})", self.id, self.seq)
    }
}

/// How far somebody has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    /// Up to and including this message.
    pub seq: i64,
}
