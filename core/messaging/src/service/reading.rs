//! Queries. Whatever is not the patient's own read is audited before it is answered.

use consilium_chat::{MessageHistory, MessagePage, Needle, Reader};
use consilium_db::{Result, Session};
use consilium_kernel::{CommandMeta, EntityRef, MessageId, Refusal, ThreadId, User, page_limit};

use super::{Messaging, caller, named, own};
use crate::{
    facts,
    model::{Page, PageRequest, Part, Thread, ThreadState, ThreadSummary, part_of},
    store::{self, Cursor, Listing},
};

/// Messages of a page at most.
const LARGEST_PAGE: i64 = 100;

impl Messaging {
    /// The caller's threads, most recently active first.
    pub async fn threads(
        &self,
        meta: &CommandMeta,
        state: Option<ThreadState>,
        page: PageRequest,
    ) -> Result<Page<ThreadSummary>, Refusal> {
        let user = caller(meta)?;
        let listing = Listing {
            scope: meta.scope,
            user: user.user_id,
            state,
            before: page.cursor.as_deref().map(Cursor::parse).transpose()?,
            limit: page_limit(page.limit)?,
        };
        self.audit(meta, &user, "list_threads", EntityRef::new("account", user.user_id.uuid()), 0).await?;
        let summarised = move |session: &mut Session<'_>| {
            let Page { items, next_cursor } = store::list(session, &listing)?;
            let items = items.into_iter().map(|thread| summary(session, thread, &user)).collect::<Result<_>>()?;
            Ok(Page { items, next_cursor })
        };
        Ok(self.db.read(summarised).await?)
    }

    /// One thread, for those who are in it.
    pub async fn thread(&self, meta: &CommandMeta, id: ThreadId) -> Result<ThreadSummary, Refusal> {
        let (thread, user) = self.as_participant(meta, id, "read_thread").await?;
        Ok(self.db.read(move |session| summary(session, thread, &user)).await?)
    }

    /// Messages after `after_seq`.
    pub async fn messages(
        &self,
        meta: &CommandMeta,
        id: ThreadId,
        after_seq: i64,
        limit: i64,
    ) -> Result<MessagePage, Refusal> {
        self.as_participant(meta, id, "read_thread_messages").await?;
        let (id, limit) = (id.uuid(), limit.clamp(1, LARGEST_PAGE));
        Ok(self.db.read(move |session| consilium_chat::messages_after(session, id, after_seq, limit)).await?)
    }

    /// Messages after `after_seq` that contain `needle`.
    pub async fn search_messages(
        &self,
        meta: &CommandMeta,
        id: ThreadId,
        needle: Needle,
        after_seq: i64,
        limit: i64,
    ) -> Result<MessagePage, Refusal> {
        self.as_participant(meta, id, "search_thread_messages").await?;
        let (id, limit) = (id.uuid(), limit.clamp(1, LARGEST_PAGE));
        Ok(self.db.read(move |session| consilium_chat::search(session, id, &needle, after_seq, limit)).await?)
    }

    /// A message and what it said before.
    pub async fn message_history(
        &self,
        meta: &CommandMeta,
        id: ThreadId,
        message: MessageId,
    ) -> Result<MessageHistory, Refusal> {
        let (thread, _) = self.as_participant(meta, id, "read_message_history").await?;
        let conversation = facts::conversation(&thread);
        let found = self.db.read(move |session| consilium_chat::history(session, &conversation, message));
        found.await?.ok_or(Refusal::not_found())
    }

    /// How far each participant has read.
    pub async fn read_marks(&self, meta: &CommandMeta, id: ThreadId) -> Result<Vec<Reader>, Refusal> {
        let of = meta.clone();
        let (thread, _) = self.db.read(move |session| own(session, &of, id)).await?;
        let reader = |participant: &crate::model::ThreadParticipant| Reader {
            user_id: participant.user_id,
            role: participant.role.to_string(),
            seq: participant.read_seq,
        };
        Ok(thread.participants.iter().map(reader).collect())
    }

    /// The thread, for a participant who is about to see what was said in it. Not the patient's own reads are
    /// audited as `action`.
    pub async fn as_participant(
        &self,
        meta: &CommandMeta,
        id: ThreadId,
        action: &'static str,
    ) -> Result<(Thread, User), Refusal> {
        let of = meta.clone();
        let (thread, user) = self.db.read(move |session| own(session, &of, id)).await?;
        self.audit(meta, &user, action, facts::entity(id), thread.version).await?;
        Ok((thread, user))
    }

    async fn audit(
        &self,
        meta: &CommandMeta,
        user: &User,
        action: &'static str,
        entity: EntityRef,
        version: i64,
    ) -> Result<(), Refusal> {
        if part_of(user) == Some(Part::Patient) {
            return Ok(());
        }
        Ok(self.db.write(meta, move |tx| tx.audit(action, &entity, version)).await?)
    }
}

fn summary(session: &mut Session<'_>, thread: Thread, user: &User) -> Result<ThreadSummary> {
    let read = thread.participant(user.user_id).map_or(0, |participant| participant.read_seq);
    let unread = consilium_chat::unread(session, thread.id.uuid(), user.user_id, read)?;
    Ok(ThreadSummary { thread: named(session, thread)?, unread })
}
