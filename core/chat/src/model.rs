//! A conversation and what stands in it.

use consilium_files::FileId;
use consilium_kernel::{EntityRef, FacilityId, MessageId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// What a conversation belongs to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ConversationKind {
    /// The chat of a consultation.
    Consultation,
    /// A thread outside visits.
    Thread,
}

/// Where messages are exchanged, as the module says that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// What it belongs to.
    pub kind: ConversationKind,
    /// The id of that.
    pub id: uuid::Uuid,
    /// Whose rows it belongs to.
    pub facility_id: FacilityId,
    /// Under whose key it is sealed: a patient, or a facility.
    pub subject: uuid::Uuid,
    /// The version of what it belongs to, for the audit log.
    pub version: i64,
    /// Ids by which subscribers find what an event belongs to. Never text.
    pub context: Map<String, Value>,
}

impl Conversation {
    /// Its live topic.
    pub fn topic(&self) -> String {
        topic(self.kind, self.id)
    }

    /// As events and the audit log name it.
    pub fn entity(&self) -> EntityRef {
        EntityRef::new(self.kind.into(), self.id)
    }

    /// `{"consultation_id": …}` or `{"thread_id": …}`.
    pub(crate) fn named(&self) -> Map<String, Value> {
        named(self.kind, self.id)
    }
}

pub(crate) fn topic(kind: ConversationKind, id: uuid::Uuid) -> String {
    format!("{kind}:{id}")
}

pub(crate) fn named(kind: ConversationKind, id: uuid::Uuid) -> Map<String, Value> {
    Map::from_iter([(format!("{kind}_id"), json!(id))])
}

/// A message to send.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// The client's own id of it: sending it again gives the message already stored. 1 to 64 characters.
    pub client_message_id: String,
    /// 1 to 8,000 characters; may be empty where something is attached.
    pub body: String,
    /// Files of the sender's that are shown with it, at most 10, each once.
    #[serde(default)]
    pub attachments: Vec<FileId>,
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
    /// Its place in the conversation: the number of its first event on the topic.
    pub seq: i64,
    /// Who wrote it.
    pub sender_id: UserId,
    /// The sender's own id of it.
    pub client_message_id: String,
    /// What it says now; empty once it is deleted.
    pub body: String,
    /// Files that are shown with it; none any more once it is deleted.
    #[serde(default)]
    pub attachments: Vec<FileId>,
    /// When it was stored.
    pub sent_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

impl Message {
    /// What it says; nothing once it is deleted.
    pub fn text(&self) -> Option<&str> {
        self.deleted_at.is_none().then_some(self.body.as_str())
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({}, seq {})", self.id, self.seq)
    }
}

/// What a message said before.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierText {
    /// The text; nothing when the message was deleted since.
    pub body: Option<String>,
    /// When it was written.
    pub written_at: Timestamp,
    /// When it was edited or deleted.
    pub replaced_at: Timestamp,
}

impl std::fmt::Debug for EarlierText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EarlierText(replaced {})", self.replaced_at)
    }
}

/// A message with what it said before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageHistory {
    /// As it stands.
    pub message: Message,
    /// Oldest first.
    pub earlier: Vec<EarlierText>,
}

/// A page of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    /// Ordered by `seq`.
    pub items: Vec<Message>,
    /// Pass it as `after_seq` for the next page; `None` at the end.
    pub next_after_seq: Option<i64>,
}

/// How far somebody has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    /// Up to and including this number of the topic.
    pub seq: i64,
}

/// How far one of the participants has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    /// The account.
    pub user_id: UserId,
    /// What they are in the conversation.
    pub role: String,
    /// Up to and including this number of the topic; 0 before anything was read.
    pub seq: i64,
}
