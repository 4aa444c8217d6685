//! What others are told of threads: ids, never the subject.

use consilium_chat::{Conversation, ConversationKind};
use consilium_db::{Result, Tx, outbox::Fact};
use consilium_kernel::{EntityRef, ThreadId};
use serde_json::{Map, Value, json};

use crate::model::Thread;

/// The shape of all events of this module.
const SCHEMA: u16 = 1;

/// A thread as events and the audit log name it.
pub(crate) fn entity(id: ThreadId) -> EntityRef {
    EntityRef::new("thread", id.uuid())
}

/// The thread as its messages know it.
pub(crate) fn conversation(thread: &Thread) -> Conversation {
    Conversation {
        kind: ConversationKind::Thread,
        id: thread.id.uuid(),
        facility_id: thread.facility_id,
        subject: thread.sealed_under(),
        version: thread.version,
        context: context(thread),
    }
}

fn context(thread: &Thread) -> Map<String, Value> {
    let mut data = Map::from_iter([
        ("thread_id".to_owned(), json!(thread.id)),
        ("kind".to_owned(), json!(thread.kind)),
        ("facility_id".to_owned(), json!(thread.facility_id)),
    ]);
    if let Some(patient) = thread.patient_id {
        data.insert("patient_id".to_owned(), json!(patient));
    }
    data
}

/// Emits what happened to a thread.
pub(crate) fn emit(tx: &mut Tx<'_>, thread: &Thread, event_type: &'static str, details: Value) -> Result<()> {
    let mut data = context(thread);
    if let Value::Object(details) = details {
        data.extend(details);
    }
    tx.emit(Fact {
        entity: entity(thread.id),
        version: thread.version,
        event_type,
        schema: SCHEMA,
        subject: thread.sealed_under(),
        data: &data,
    })
}

/// Tells its watchers. Holds the topic until commit.
pub(crate) fn publish(tx: &mut Tx<'_>, thread: &Thread, event: &'static str, details: Value) -> Result<()> {
    let mut data = Map::from_iter([("thread_id".to_owned(), json!(thread.id))]);
    if let Value::Object(details) = details {
        data.extend(details);
    }
    tx.publish(&crate::topic(thread.id), event, thread.sealed_under(), &data).map(|_| ())
}
