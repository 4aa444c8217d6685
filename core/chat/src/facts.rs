//! What others are told of messages: with their text on the topic, and without it in the outbox.

use consilium_db::{Result, Tx, outbox::Fact};
use consilium_files::SharedFile;
use consilium_kernel::{EntityRef, MessageId, UserId};
use serde_json::{Map, Value, json};

use crate::model::{Conversation, ConversationKind, Message};

/// The shape of all events of this module.
const SCHEMA: u16 = 1;

/// What happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    Sent,
    Edited,
    Deleted,
}

impl Happened {
    pub(crate) fn on_the_topic(self) -> &'static str {
        match self {
            Self::Sent => "message_sent",
            Self::Edited => "message_edited",
            Self::Deleted => "message_deleted",
        }
    }

    /// Threads have names of their own, because what is subscribed to as a consultation's event names one.
    fn in_the_outbox(self, kind: ConversationKind) -> &'static str {
        match (kind, self) {
            (ConversationKind::Consultation, happened) => happened.on_the_topic(),
            (ConversationKind::Thread, Self::Sent) => "thread_message_sent",
            (ConversationKind::Thread, Self::Edited) => "thread_message_edited",
            (ConversationKind::Thread, Self::Deleted) => "thread_message_deleted",
        }
    }
}

/// A message on the topic, as it stands: the same shape whatever happened to it. Where it was sent, its number is the
/// event's own; afterwards it is `message_seq`.
pub(crate) fn told(conversation: &Conversation, message: &Message) -> Value {
    let mut data = conversation.named();
    data.extend(object(json!({
        "id": message.id,
        "sender_id": message.sender_id,
        "client_message_id": message.client_message_id,
        "body": message.text(),
        "sent_at": message.sent_at,
    })));
    if message.seq > 0 {
        data.insert("message_seq".to_owned(), json!(message.seq));
    }
    if message.deleted_at.is_none() && !message.attachments.is_empty() {
        data.insert("attachments".to_owned(), json!(message.attachments));
    }
    for (name, instant) in [("edited_at", message.edited_at), ("deleted_at", message.deleted_at)] {
        if let Some(instant) = instant {
            data.insert(name.to_owned(), json!(instant));
        }
    }
    Value::Object(data)
}

/// A message in the outbox: without what it says.
pub(crate) fn emit(tx: &mut Tx<'_>, conversation: &Conversation, message: &Message, happened: Happened) -> Result<()> {
    let mut data = conversation.context.clone();
    data.extend(object(json!({
        "message_id": message.id, "sender_id": message.sender_id, "seq": message.seq,
    })));
    tx.emit(Fact {
        entity: conversation.entity(),
        version: conversation.version,
        event_type: happened.in_the_outbox(conversation.kind),
        schema: SCHEMA,
        subject: conversation.subject,
        data: &data,
    })
}

/// A file, to those who watch and into the outbox; answers the number of the topic's event. Ids, kind and size: what a
/// file is called is for whoever asks for it.
pub(crate) fn share(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    shared: &SharedFile,
    message: Option<MessageId>,
) -> Result<i64> {
    let file = &shared.file;
    let mut details = object(json!({"file_id": file.id, "shared_by": shared.shared_by, "size_bytes": file.length}));
    if let Some(message) = message {
        details.insert("message_id".to_owned(), json!(message));
    }
    let mut data = conversation.context.clone();
    data.extend(details.clone());
    tx.emit(Fact {
        entity: conversation.entity(),
        version: conversation.version,
        event_type: match conversation.kind {
            ConversationKind::Consultation => "file_shared",
            ConversationKind::Thread => "thread_file_shared",
        },
        schema: SCHEMA,
        subject: conversation.subject,
        data: &data,
    })?;
    let mut told = conversation.named();
    told.extend(details);
    told.insert("kind".to_owned(), json!(file.media_type.map(|media| media.kind())));
    tx.publish(&conversation.topic(), "file_shared", conversation.subject, &told)
}

/// That somebody has messages to read, or had, for whoever writes to them. Says not even who wrote.
pub(crate) fn emit_waiting(
    tx: &mut Tx<'_>,
    entity: EntityRef,
    named: Map<String, Value>,
    event_type: &'static str,
    user: UserId,
    seq: i64,
) -> Result<()> {
    let mut data = named;
    data.extend(object(json!({"user_id": user, "seq": seq})));
    tx.emit(Fact { entity, version: seq, event_type, schema: SCHEMA, subject: user.uuid(), data: &data })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
