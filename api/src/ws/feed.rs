//! One subscription: what was missed, then what happens, without gap or repetition.
//!
//! The bus is watched before the database is read, so that nothing can fall between; what both give is sent once,
//! because numbers only grow; and wherever numbers jump, or the bus lags, the database fills in.

use std::{pin::Pin, sync::Arc, time::Duration};

use consilium_db::{
    Db,
    topics::{self, TopicEvent},
};
use consilium_kernel::{Refusal, UserId};
use consilium_runtime::{EventBus, LiveEvent, Missed, Signal, Subscription};
use uuid::Uuid;

use super::{
    outgoing::{Close, Closed, Outgoing},
    protocol::ServerFrame,
};

/// Events read from the database at once.
const PAGE: i64 = 100;
/// Tries to read the database before the client is asked to come again.
const TRIES: u32 = 5;

/// A subscription that is about to begin.
pub struct Feed {
    db: Db,
    /// As the client named it.
    label: String,
    /// As the database and the bus name it.
    topic: String,
    me: UserId,
    live: Subscription,
    /// The newest number the client has.
    sent: i64,
    head: i64,
    epoch: Uuid,
    /// Whether what the client has cannot be continued.
    gap: bool,
    /// Asked again when somebody's part in it may have ended.
    guard: Option<Guard>,
}

/// Says whether the watcher may still watch, unless that cannot be found out just now.
pub type Guard = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<bool, Refusal>> + Send>> + Send + Sync>;

/// Events after which somebody who was invited may take part no longer.
const ENDS_A_PART: [&str; 2] = ["invitation_withdrawn", "consultation_ended"];

impl Feed {
    /// Begins to watch `topic`, which the client calls `label`. Goes on after `after_seq`, or with what happens
    /// from now on; from there, too, when `after_seq` belongs to another epoch or lies ahead of the topic.
    pub async fn open(
        db: &Db,
        bus: &Arc<dyn EventBus>,
        (label, topic): (String, String),
        me: UserId,
        (after_seq, epoch): (Option<i64>, Option<Uuid>),
    ) -> Result<Self, Refusal> {
        let live = bus.subscribe(&topic).await;
        let name = topic.clone();
        let (head, present) =
            db.read(move |session| Ok((topics::head(session, &name)?, topics::epoch(session)?))).await?;
        let gap = epoch.is_some_and(|epoch| epoch != present) || after_seq.is_some_and(|after| after > head);
        let sent = if gap { head } else { after_seq.unwrap_or(head).max(0) };
        Ok(Self { db: db.clone(), label, topic, me, live, sent, head, epoch: present, gap, guard: None })
    }

    /// The same feed, which ends when its watcher's part does.
    pub fn guarded(self, guard: Guard) -> Self {
        Self { guard: Some(guard), ..self }
    }

    /// The number of the topic's newest event.
    pub fn head(&self) -> i64 {
        self.head
    }

    /// Under which numbers mean something.
    pub fn epoch(&self) -> Uuid {
        self.epoch
    }

    /// Sends until the connection closes, or its owner is taken out of the conversation.
    pub async fn run(mut self, outgoing: Outgoing) {
        if self.feed(&outgoing).await.is_err() {
            tracing::debug!(topic = self.topic, "a subscription ended with its connection");
        }
    }

    async fn feed(&mut self, outgoing: &Outgoing) -> Result<(), Closed> {
        if self.gap {
            self.tell_gap(outgoing).await?;
        }
        self.catch_up(outgoing).await?;
        loop {
            let next = tokio::select! {
                () = outgoing.closed() => return Err(Closed),
                next = self.live.next() => next,
            };
            match next {
                Some(Ok(event)) => match event.as_ref() {
                    LiveEvent::Event(event) if event.seq <= self.sent => {}
                    LiveEvent::Event(event) if event.seq == self.sent + 1 => self.send(outgoing, event.clone()).await?,
                    LiveEvent::Event(_) => self.catch_up(outgoing).await?,
                    LiveEvent::Signal(signal) => self.pass_on(outgoing, signal).await?,
                },
                Some(Err(Missed)) => self.catch_up(outgoing).await?,
                None => {
                    outgoing.close(Close::GoingAway);
                    return Err(Closed);
                }
            }
        }
    }

    /// Sends everything the database has after `sent`.
    async fn catch_up(&mut self, outgoing: &Outgoing) -> Result<(), Closed> {
        loop {
            let page = self.page(outgoing).await?;
            let last = (page.len() as i64) < PAGE;
            for event in page {
                if event.seq > self.sent + 1 {
                    // Older events are not kept any more.
                    self.sent = event.seq - 1;
                    self.tell_gap(outgoing).await?;
                }
                self.send(outgoing, event).await?;
            }
            if last {
                return Ok(());
            }
        }
    }

    /// The next page. A database that cannot be read for long costs the connection, not the subscription: the
    /// client comes again and resumes.
    async fn page(&self, outgoing: &Outgoing) -> Result<Vec<TopicEvent>, Closed> {
        for attempt in 0..TRIES {
            let (topic, after) = (self.topic.clone(), self.sent);
            match self.db.read(move |session| topics::read_after(session, &topic, after, PAGE)).await {
                Ok(page) => return Ok(page),
                Err(error) => tracing::warn!(%error, attempt, "a topic could not be read"),
            }
            tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
        }
        outgoing.close(Close::Internal);
        Err(Closed)
    }

    async fn send(&mut self, outgoing: &Outgoing, event: TopicEvent) -> Result<(), Closed> {
        let TopicEvent { seq, event, at, data, .. } = event;
        // Only what happened since this subscription was permitted: they may have come back after an older removal.
        let named = data.get("user_id").and_then(serde_json::Value::as_str) == Some(self.me.to_string().as_str());
        let removed = seq > self.head && event == "participant_removed" && named;
        let ends_a_part = ENDS_A_PART.contains(&event.as_str());
        outgoing.push(&ServerFrame::Event { topic: self.label.clone(), seq, event, at, data }).await?;
        self.sent = seq;
        let stays = match &self.guard {
            _ if removed => Ok(false),
            Some(guard) if ends_a_part => guard().await,
            _ => Ok(true),
        };
        match stays {
            Ok(true) => Ok(()),
            Ok(false) => Err(Closed),
            Err(refusal) => {
                tracing::warn!(code = %refusal.code, "a watcher is to come again, for it is not known whether they may");
                outgoing.close(Close::Internal);
                Err(Closed)
            }
        }
    }

    /// Passes on what is meant for this account, and not the account's own.
    async fn pass_on(&self, outgoing: &Outgoing, signal: &Signal) -> Result<(), Closed> {
        let me = self.me.uuid();
        if signal.from == Some(me) || signal.to.is_some_and(|to| to != me) {
            return Ok(());
        }
        let frame = ServerFrame::Signal {
            topic: self.label.clone(),
            signal: signal.signal.clone(),
            from: signal.from,
            data: signal.data.clone(),
        };
        outgoing.push(&frame).await
    }

    async fn tell_gap(&self, outgoing: &Outgoing) -> Result<(), Closed> {
        outgoing.push(&ServerFrame::Gap { topic: self.label.clone(), seq: self.sent, epoch: self.epoch }).await
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
