//! Telling those who are away that something waits for them: once per quiet period, and not at all if they read first.

use std::sync::Arc;

use async_trait::async_trait;
use consilium_db::{
    Db, Result, Tx,
    timers::{self, DueTimer, TimerRequest},
};
use consilium_kernel::{CommandMeta, EntityRef, Timestamp, UserId};
use consilium_runtime::TimerHandler;

use crate::{
    decide::{ChatPolicy, notice_due},
    facts,
    model::{self, Conversation},
    store::{self, Notice},
};

/// The kind of the timers, one for each reader for whom something waits.
const CHAT_NOTICE: &str = "chat_notice";

/// Who is connected now, on whichever node.
#[async_trait]
pub trait Connected: Send + Sync + 'static {
    /// Whether somebody watches this topic.
    async fn is_connected(&self, topic: &str, user: UserId) -> bool;
}

fn timer(notice: &Notice, due_at: Timestamp) -> TimerRequest {
    let revision = notice.waiting_seq.unwrap_or_default();
    TimerRequest { kind: CHAT_NOTICE, entity: EntityRef::new(CHAT_NOTICE, notice.id), revision, due_at }
}

/// From now on message `seq` waits for `reader`.
pub(crate) fn expect(
    tx: &mut Tx<'_>,
    conversation: &Conversation,
    reader: UserId,
    seq: i64,
    policy: &ChatPolicy,
) -> Result<()> {
    let mut notice = store::notice_of(tx, conversation, reader)?;
    let told_of_already = notice.waiting_seq.replace(seq).is_some();
    store::save_notice(tx, &notice)?;
    if told_of_already {
        return Ok(()); // Its timer runs.
    }
    let due_at = notice_due(notice.told_at, policy, tx.now());
    tx.set_timer(timer(&notice, due_at))
}

/// `reader` has read up to `seq`.
pub(crate) fn seen(tx: &mut Tx<'_>, conversation: &Conversation, reader: UserId, seq: i64) -> Result<()> {
    let mut notice = store::notice_of(tx, conversation, reader)?;
    if notice.waiting_seq.is_some_and(|waiting| waiting <= seq) {
        notice.waiting_seq = None;
        tx.withdraw_timers(notice.id, &[CHAT_NOTICE])?;
    }
    // Until all that was told of is read, what was written to them is still true.
    let told = notice.told_seq.take_if(|told| *told <= seq);
    if notice.is_stored {
        store::save_notice(tx, &notice)?;
    }
    match told {
        Some(told) => {
            let (entity, named) = (conversation.entity(), conversation.named());
            facts::emit_waiting(tx, entity, named, "waiting_messages_read", reader, told)
        }
        None => Ok(()),
    }
}

/// `reader` is in the conversation no more: nothing waits for them, whether or not they have read it.
pub fn forget_reader(tx: &mut Tx<'_>, conversation: &Conversation, reader: UserId) -> Result<()> {
    seen(tx, conversation, reader, i64::MAX)
}

/// Fires when something has waited for its reader for as long as the policy lets it.
pub struct NoticeTimer {
    db: Db,
    policy: ChatPolicy,
    connected: Arc<dyn Connected>,
}

impl NoticeTimer {
    /// Tells only those who are not connected.
    pub fn new(db: Db, policy: ChatPolicy, connected: Arc<dyn Connected>) -> Self {
        Self { db, policy, connected }
    }
}

#[async_trait]
impl TimerHandler for NoticeTimer {
    fn kinds(&self) -> &'static [&'static str] {
        &[CHAT_NOTICE]
    }

    async fn fire(&self, due: DueTimer) -> Result<()> {
        let meta = CommandMeta::system(due.facility_id, "timer");
        let (policy, id) = (self.policy.clone(), due.entity.id);
        let connected = match self.db.read(move |session| store::notice_as_it_is(session, id)).await? {
            Some(Notice { kind, conversation_id, user_id, .. }) => {
                self.connected.is_connected(&model::topic(kind, conversation_id), user_id).await
            }
            None => false,
        };
        self.db.write(&meta, move |tx| fire(tx, &due, &policy, connected)).await
    }
}

/// The notice before its timer: whoever sends or reads takes them in this order, too.
fn fire(tx: &mut Tx<'_>, due: &DueTimer, policy: &ChatPolicy, connected: bool) -> Result<()> {
    let waiting = store::notice(tx, due.entity.id)?.filter(|notice| notice.waiting_seq.is_some());
    let Some(mut notice) = waiting else { return timers::take(tx, due.id) };
    let (kind, id, reader) = (notice.kind, notice.conversation_id, notice.user_id);
    if connected {
        // It lies before them; they may still go without having read it.
        store::save_notice(tx, &notice)?;
        timers::take(tx, due.id)?;
        let due_at = notice_due(notice.told_at, policy, tx.now());
        return tx.set_timer(timer(&notice, due_at));
    }
    let seq = notice.waiting_seq.take().unwrap_or_default();
    (notice.told_seq, notice.told_at) = (Some(seq), Some(tx.now()));
    store::save_notice(tx, &notice)?;
    timers::take(tx, due.id)?;
    facts::emit_waiting(tx, EntityRef::new(kind.into(), id), model::named(kind, id), "messages_waiting", reader, seq)
}
