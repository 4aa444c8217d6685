//! What is on its way to a client: a bounded queue that waits for slow ones a little, then cuts them off.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::Stream;
use tokio::sync::Notify;

pub use super::close::Close;
use super::protocol::ServerFrame;

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub struct QueueLimits {
    /// Frames that may wait.
    pub frames: usize,
    /// Bytes that may wait.
    pub bytes: usize,
    /// How long a full queue may stay full before the client is cut off.
    pub patience: Duration,
}

/// The connection is closing; whoever writes to it may stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// One end of the queue: for whoever writes. All clones are the same connection.
#[derive(Clone)]
pub struct Outgoing(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    limits: QueueLimits,
    /// Told when frames were taken out, and when the connection closes.
    changed: Notify,
}

#[derive(Default)]
struct State {
    frames: VecDeque<String>,
    bytes: usize,
    close: Option<Close>,
    ended: bool,
    reader: Option<Waker>,
}

/// What the socket is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this text.
    Text(String),
    /// Close. Nothing comes after it.
    Close(Close),
}

impl Outgoing {
    /// An empty queue.
    pub fn new(limits: QueueLimits) -> Self {
        Self(Arc::new(Inner { state: Mutex::default(), limits, changed: Notify::new() }))
    }

    /// Queues a frame, and waits while the queue is full. A client for whom it stays full is cut off.
    pub async fn push(&self, frame: &ServerFrame) -> Result<(), Closed> {
        let mut text = frame.text();
        let deadline = tokio::time::Instant::now() + self.0.limits.patience;
        loop {
            // Registered before looking, so that a change in between is not missed.
            let changed = self.0.changed.notified();
            match self.offer(text)? {
                None => return Ok(()),
                Some(returned) => text = returned,
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                self.close(Close::TooSlow);
                return Err(Closed);
            }
        }
    }

    /// Queues a frame without waiting; a client whose queue is full is cut off.
    pub fn push_now(&self, frame: &ServerFrame) -> Result<(), Closed> {
        match self.offer(frame.text())? {
            None => Ok(()),
            Some(_) => {
                self.close(Close::TooSlow);
                Err(Closed)
            }
        }
    }

    /// Closes the connection, after what is queued already; a client that is too slow gets nothing more.
    /// The first reason stands.
    pub fn close(&self, why: Close) {
        let mut state = self.lock();
        if state.close.is_none() {
            state.close = Some(why);
            if matches!(why, Close::TooSlow | Close::Normal) {
                state.frames = VecDeque::new();
                state.bytes = 0;
            }
            wake(&mut state);
        }
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// Waits until somebody closes the connection.
    pub async fn closed(&self) {
        loop {
            let changed = self.0.changed.notified();
            if self.lock().close.is_some() {
                return;
            }
            changed.await;
        }
    }

    /// Whether both are the same connection.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The other end: for the socket. There is one per connection.
    pub fn reader(&self) -> OutgoingReader {
        OutgoingReader(self.clone())
    }

    /// Queues the text, or gives it back when there is no room. One frame always fits into an empty queue.
    fn offer(&self, text: String) -> Result<Option<String>, Closed> {
        let mut state = self.lock();
        if state.close.is_some() {
            return Err(Closed);
        }
        let limits = self.0.limits;
        let full = state.frames.len() >= limits.frames || state.bytes + text.len() > limits.bytes;
        if full && !state.frames.is_empty() {
            return Ok(Some(text));
        }
        state.bytes += text.len();
        state.frames.push_back(text);
        wake(&mut state);
        Ok(None)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn wake(state: &mut State) {
    if let Some(reader) = state.reader.take() {
        reader.wake();
    }
}

/// Yields frames as fast as the socket takes them, at last the close.
pub struct OutgoingReader(Outgoing);

impl Stream for OutgoingReader {
    type Item = Next;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Next>> {
        let mut state = self.0.lock();
        let next = match state.frames.pop_front() {
            Some(text) => {
                state.bytes -= text.len();
                Some(Next::Text(text))
            }
            None if state.ended => return Poll::Ready(None),
            None => state.close.map(|why| {
                state.ended = true;
                Next::Close(why)
            }),
        };
        match next {
            Some(next) => {
                drop(state);
                self.0.0.changed.notify_waiters();
                Poll::Ready(Some(next))
            }
            None => {
                state.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    fn frame(text: &str) -> ServerFrame {
        ServerFrame::Pong { id: Some(text.to_owned()) }
    }

    fn limits(frames: usize, bytes: usize, millis: u64) -> QueueLimits {
        QueueLimits { frames, bytes, patience: Duration::from_millis(millis) }
    }

    #[actix_rt::test]
    async fn frames_come_in_order_and_the_close_last() {
        let outgoing = Outgoing::new(limits(10, 1_000, 50));
        let reader = outgoing.reader();
        for text in ["a", "b"] {
            outgoing.push(&frame(text)).await.unwrap();
        }
        outgoing.close(Close::Replaced);
        outgoing.close(Close::Normal);
        assert_eq!(outgoing.push(&frame("c")).await, Err(Closed));
        outgoing.closed().await;
        let seen: Vec<Next> = reader.collect().await;
        assert_eq!(seen, [Next::Text(frame("a").text()), Next::Text(frame("b").text()), Next::Close(Close::Replaced)]);
    }

    #[actix_rt::test]
    async fn a_full_queue_waits_for_room_and_then_cuts_off() {
        for limits in [limits(2, 1_000_000, 100), limits(1_000, frame("a").text().len() * 2, 100)] {
            let outgoing = Outgoing::new(limits);
            let mut reader = outgoing.reader();
            for text in ["a", "b"] {
                outgoing.push(&frame(text)).await.unwrap();
            }
            let (writer, third) = (outgoing.clone(), frame("c"));
            let waiting = actix_rt::spawn(async move { writer.push(&third).await });
            actix_rt::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(reader.next().await, Some(Next::Text(frame("a").text())));
            assert_eq!(waiting.await.unwrap(), Ok(()), "room came in time");

            assert_eq!(outgoing.push(&frame("d")).await, Err(Closed), "nobody reads");
            let rest: Vec<Next> = reader.collect().await;
            assert_eq!(rest, [Next::Close(Close::TooSlow)], "what waited is let go");
        }
    }

    #[actix_rt::test]
    async fn what_cannot_wait_cuts_off_at_once() {
        let outgoing = Outgoing::new(limits(1, 1_000, 10_000));
        outgoing.push_now(&frame("a")).unwrap();
        assert_eq!(outgoing.push_now(&frame("b")), Err(Closed));
        assert_eq!(outgoing.reader().next().await, Some(Next::Close(Close::TooSlow)));
    }

    #[actix_rt::test]
    async fn one_large_frame_passes_an_empty_queue() {
        let outgoing = Outgoing::new(limits(4, 8, 10));
        outgoing.push(&frame("larger than the limit")).await.unwrap();
        assert!(matches!(outgoing.reader().next().await, Some(Next::Text(_))));
    }
}
