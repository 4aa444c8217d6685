//! Sending, editing, deleting and reading, each inside a transaction of the module that the conversation belongs to.
//! Everything takes the topic's number first: that lets one transaction at a time into a conversation.

use consilium_db::{Result, Tx};
use consilium_kernel::{MessageId, Refusal, UserId};
use serde_json::json;

use crate::{
    attachments,
    decide::{self, ChatPolicy},
    facts::{self, Happened},
    model::{Conversation, Message, NewMessage},
    notices, store,
};

/// Stores a message under the number of its topic event, and lets `readers` who are away know later. A message that
/// the sender has sent before is answered as it stands. The caller has checked it, and who sends it. Refused as
/// [`share_file`](crate::share_file) is when something attached cannot be shown.
pub fn send(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    sender: UserId,
    new: &NewMessage,
    readers: &[UserId],
    policy: &ChatPolicy,
) -> Result<Message> {
    if let Some(stored) = store::sent_before(tx, conversation, sender, &new.client_message_id)? {
        return Ok(stored);
    }
    let mut message = Message {
        id: tx.new_id(),
        seq: 0,
        sender_id: sender,
        client_message_id: new.client_message_id.clone(),
        body: new.body.clone(),
        attachments: new.attachments.clone(),
        sent_at: tx.now(),
        edited_at: None,
        deleted_at: None,
    };
    message.seq = publish(tx, conversation, &message, Happened::Sent)?;
    store::insert(tx, conversation, &message)?;
    facts::emit(tx, conversation, &message, Happened::Sent)?;
    attachments::attach(tx, conversation, message.id, &message.attachments)?;
    for reader in readers.iter().filter(|reader| **reader != sender) {
        notices::expect(tx, conversation, *reader, message.seq, policy)?;
    }
    Ok(message)
}

/// Replaces what a message says. What it said before is kept in its history, and told no more.
/// 404; 403 `not_the_sender`; 409 `too_late_to_edit`, `message_deleted`.
pub fn edit(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    caller: UserId,
    id: MessageId,
    body: &str,
    policy: &ChatPolicy,
) -> Result<Message> {
    let before = store::find(tx, conversation, id)?.ok_or_else(Refusal::not_found)?;
    if !decide::edit(&before.message, caller, body, policy, tx.now())? {
        return Ok(before.message);
    }
    let after = Message { body: body.to_owned(), edited_at: Some(tx.now()), ..before.message.clone() };
    replace(tx, conversation, &before, after, Happened::Edited)
}

/// Takes back what a message says and shows. For the record its text is kept, sealed, in its history; no reader gets it
/// any more.
/// 404; 403 `not_the_sender`.
pub fn delete(tx: &mut Tx<'_>, conversation: &Conversation, caller: UserId, id: MessageId) -> Result<Message> {
    let before = store::find(tx, conversation, id)?.ok_or_else(Refusal::not_found)?;
    if !decide::delete(&before.message, caller)? {
        return Ok(before.message);
    }
    consilium_files::withdraw(tx, id)?;
    let (body, attachments) = (String::new(), Vec::new());
    let after = Message { body, attachments, deleted_at: Some(tx.now()), ..before.message.clone() };
    replace(tx, conversation, &before, after, Happened::Deleted)
}

/// Writes `after` in the place of `before`, here and in every topic event that told it.
fn replace(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    before: &store::Stored,
    after: Message,
    happened: Happened,
) -> Result<Message> {
    let told_seq = publish(tx, conversation, &after, happened)?;
    let (topic, data) = (conversation.topic(), facts::told(conversation, &after));
    for seq in store::told(tx, before)? {
        tx.amend(&topic, seq, conversation.subject, &data)?;
    }
    store::replace(tx, conversation, before, &after, told_seq)?;
    facts::emit(tx, conversation, &after, happened)?;
    Ok(after)
}

/// Tells how far somebody has read, and that nothing up to there waits for them any more. The caller keeps the mark,
/// and calls this only when it moved forwards.
pub fn mark_read(tx: &mut Tx<'_>, conversation: &Conversation, user: UserId, seq: i64) -> Result<()> {
    let data = json!({"user_id": user, "seq": seq});
    tx.publish(&conversation.topic(), "message_read", conversation.subject, &data)?;
    notices::seen(tx, conversation, user, seq)
}

fn publish(tx: &mut Tx<'_>, conversation: &Conversation, message: &Message, happened: Happened) -> Result<i64> {
    let data = facts::told(conversation, message);
    tx.publish(&conversation.topic(), happened.on_the_topic(), conversation.subject, &data)
}
