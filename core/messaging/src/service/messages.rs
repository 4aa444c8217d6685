//! Writing in a thread: the same messages as in a consultation.

use consilium_chat::{Message, NewMessage, ReadMark};
use consilium_db::{Result, Tx, topics};
use consilium_kernel::{CommandMeta, MessageId, Refusal, ThreadId, UserId};
use consilium_runtime::{LiveEvent, Signal};
use serde_json::Value;

use super::{Messaging, own};
use crate::{decide, facts, model::Thread, refusal::MessagingRefusal::ThreadClosed, store, topic};

impl Messaging {
    /// Writes. Answers once the message is stored; the same `client_message_id` again is answered with the stored
    /// message. 409 `thread_closed`.
    pub async fn send_message(&self, meta: CommandMeta, id: ThreadId, new: NewMessage) -> Result<Message, Refusal> {
        consilium_chat::check(&new)?;
        let (db, again, policy) = (self.db.clone(), meta.clone(), self.policy.clone());
        let sent = async move {
            let of = again.clone();
            let sent = db.command(&again, move |tx| {
                let (thread, user) = writable(tx, &of, id)?;
                let readers: Vec<UserId> = thread.participants.iter().map(|reader| reader.user_id).collect();
                consilium_chat::send(tx, &facts::conversation(&thread), user, &new, &readers, &policy)
            });
            Ok(sent.await?)
        };
        self.db.once(&meta, sent).await
    }

    /// Replaces what one of the caller's messages says.
    /// 403 `not_the_sender`; 409 `thread_closed`, `too_late_to_edit`, `message_deleted`.
    pub async fn edit_message(
        &self,
        meta: &CommandMeta,
        id: ThreadId,
        message: MessageId,
        body: String,
    ) -> Result<Message, Refusal> {
        let (of, policy) = (meta.clone(), self.policy.clone());
        let edited = self.db.write(meta, move |tx| {
            let (thread, user) = writable(tx, &of, id)?;
            consilium_chat::edit(tx, &facts::conversation(&thread), user, message, &body, &policy)
        });
        Ok(edited.await?)
    }

    /// Takes back one of the caller's messages. 403 `not_the_sender`; 409 `thread_closed`.
    pub async fn delete_message(
        &self,
        meta: &CommandMeta,
        id: ThreadId,
        message: MessageId,
    ) -> Result<Message, Refusal> {
        let of = meta.clone();
        let deleted = self.db.write(meta, move |tx| {
            let (thread, user) = writable(tx, &of, id)?;
            consilium_chat::delete(tx, &facts::conversation(&thread), user, message)
        });
        Ok(deleted.await?)
    }

    /// Notes how far the caller has read; never backwards. Closed threads can be read, too.
    pub async fn mark_read(&self, meta: CommandMeta, id: ThreadId, seq: i64) -> Result<ReadMark, Refusal> {
        let (db, again) = (self.db.clone(), meta.clone());
        let marked = async move {
            let of = again.clone();
            Ok(db.command(&again, move |tx| mark_read(tx, &of, id, seq)).await?)
        };
        self.db.once(&meta, marked).await
    }

    /// Tells the others who are there that the caller writes at this moment; kept nowhere.
    pub async fn signal_typing(&self, meta: &CommandMeta, id: ThreadId, data: Value) -> Result<(), Refusal> {
        let of = meta.clone();
        let user = self.db.read(move |session| Ok(own(session, &of, id)?.1.user_id)).await?;
        self.bus.publish(LiveEvent::Signal(Signal {
            topic: topic(id),
            signal: "typing".to_owned(),
            to: None,
            from: Some(user.uuid()),
            data,
        }));
        Ok(())
    }
}

/// The thread, if the caller may write in it now. It is held until commit: nobody closes it meanwhile.
fn writable(tx: &mut Tx<'_>, meta: &CommandMeta, id: ThreadId) -> Result<(Thread, UserId)> {
    let (_, user) = own(tx, meta, id)?;
    if !store::touch(tx, id)? {
        return Err(ThreadClosed.refusal().into());
    }
    // Once more, now that nobody can take anybody out of it.
    let (thread, _) = own(tx, meta, id)?;
    decide::write(&thread, user.user_id)?;
    Ok((thread, user.user_id))
}

fn mark_read(tx: &mut Tx<'_>, meta: &CommandMeta, id: ThreadId, seq: i64) -> Result<ReadMark> {
    let (thread, user) = own(tx, meta, id)?;
    if seq < 0 || seq > topics::head(tx, &topic(id))? {
        return Err(Refusal::field("/seq", "out_of_range", "names no event of this thread").into());
    }
    if store::save_read(tx, id, user.user_id, seq)? {
        consilium_chat::mark_read(tx, &facts::conversation(&thread), user.user_id, seq)?;
        return Ok(ReadMark { seq });
    }
    let known = thread.participant(user.user_id).map_or(0, |participant| participant.read_seq);
    Ok(ReadMark { seq: known.max(seq) })
}
