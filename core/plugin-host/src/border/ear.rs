//! Hears what a child says. Whoever has just asked something waits a moment for the reply and reads it on the
//! spot: a quick call wakes nobody but the child. What takes longer, and whatever else a child says, is read by
//! a thread that waits for nothing else. One of them reads at a time.

use super::{
    Outward,
    frame::{Frame, Tag},
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, ppoll},
    sys::{
        epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
        time::TimeSpec,
    },
};
use std::{
    io::{self, BufRead as _, BufReader},
    os::{fd::AsFd as _, unix::net::UnixStream},
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

/// How long a thread of the caller's runtime may stand still for a reply: as long as some wake-ups take.
const MOMENT: Duration = Duration::from_micros(50);
/// After waiting in vain calls do not wait: the next one, then two, four and so on up to this many.
const MAX_SKIPPED: u32 = 256;

/// The host's ear at a child's socket.
pub(super) struct Ear {
    /// Wakes the thread, for one event at a time; disarmed while somebody else reads.
    ready: Epoll,
    reader: Mutex<Reader>,
}

struct Reader {
    socket: BufReader<UnixStream>,
    /// Gets what the child says; none once it is silent for ever.
    heard: Option<Outward>,
    /// Calls that will not wait for their reply.
    skip: u32,
    /// As many as that were after waiting in vain last.
    skipped: u32,
}

impl Ear {
    /// `heard` gets what the child says, a reply perhaps on the thread that asked.
    pub(super) fn new(socket: UnixStream, heard: Outward) -> io::Result<Self> {
        let ready = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        ready.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT, 0))?;
        let socket = BufReader::new(socket);
        Ok(Self { ready, reader: Mutex::new(Reader { socket, heard: Some(heard), skip: 0, skipped: 0 }) })
    }

    /// Listens until the child is silent for ever, and answers why if it broke the protocol. Afterwards
    /// `heard` is gone.
    pub(super) fn listen(&self) -> Option<String> {
        let mut events = [EpollEvent::empty()];
        loop {
            let woken = self.ready.wait(&mut events, EpollTimeout::NONE);
            let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            let mut attention = Attention { ear: self, reader };
            let end = match woken {
                Ok(_) | Err(Errno::EINTR) => attention.reader.read_all(),
                Err(e) => Err(e.into()),
            };
            if let Err(end) = end {
                attention.reader.heard = None;
                return (end.kind() == io::ErrorKind::InvalidData).then(|| "it broke the protocol".to_owned());
            }
        }
    }

    /// For somebody about to ask; none while another reads, or when replies have not been quick lately.
    pub(super) fn attend(&self) -> Option<Attention<'_>> {
        let mut reader = match self.reader.try_lock() {
            Ok(reader) => reader,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        if reader.skip > 0 {
            reader.skip -= 1;
            return None;
        }
        self.wake_for(&reader, EpollFlags::empty());
        Some(Attention { ear: self, reader })
    }

    /// Has the thread woken once, when one of these comes.
    fn wake_for(&self, reader: &Reader, events: EpollFlags) {
        // Cannot fail: the socket was added and is open.
        let mut event = EpollEvent::new(events | EpollFlags::EPOLLONESHOT, 0);
        let _ = self.ready.modify(reader.socket.get_ref(), &mut event);
    }
}

/// Nobody else reads. Afterwards the thread listens again.
pub(super) struct Attention<'a> {
    ear: &'a Ear,
    reader: MutexGuard<'a, Reader>,
}

impl Attention<'_> {
    /// Waits a moment for the reply to a call, and hears it. Anything else is left to the thread.
    pub(super) fn catch(mut self, call: u64) {
        let reply = self.reader.reply(call);
        let reader = &mut *self.reader;
        reader.skipped = if reply.is_some() { 0 } else { (reader.skipped * 2).clamp(1, MAX_SKIPPED) };
        reader.skip = reader.skipped;
        if let Some((reply, heard)) = reply.zip(reader.heard.as_ref()) {
            heard(reply);
        }
    }
}

impl Drop for Attention<'_> {
    fn drop(&mut self) {
        // For what was read and not taken nothing will arrive: that the socket can be written to wakes the thread.
        let left = !self.reader.socket.buffer().is_empty();
        let more = if left { EpollFlags::EPOLLOUT } else { EpollFlags::empty() };
        self.ear.wake_for(&self.reader, EpollFlags::EPOLLIN | more);
    }
}

impl Reader {
    /// Reads whatever is there. Waits for the rest of a frame, and for `heard`.
    fn read_all(&mut self) -> io::Result<()> {
        while self.has_something(Duration::ZERO) {
            let frame = Frame::read(&mut self.socket)?;
            if !self.heard.as_ref().is_some_and(|heard| heard(frame)) {
                return Err(io::ErrorKind::NotConnected.into());
            }
        }
        Ok(())
    }

    /// The reply to a call, if it is the next thing that comes, and comes in a moment and in one piece.
    fn reply(&mut self, call: u64) -> Option<Frame> {
        if !self.socket.buffer().is_empty() || !self.has_something(MOMENT) {
            return None;
        }
        // Does not wait: something is there, and nobody else reads.
        let come = self.socket.fill_buf().ok()?;
        let mut rest = come;
        let frame = Frame::read(&mut rest).ok().filter(|frame| frame.tag == Tag::Reply && frame.id == call)?;
        let length = come.len() - rest.len();
        self.socket.consume(length);
        Some(frame)
    }

    /// Whether something, or the end, can be read without waiting, now or within this time.
    fn has_something(&self, within: Duration) -> bool {
        let mut socket = [PollFd::new(self.socket.get_ref().as_fd(), PollFlags::POLLIN)];
        !self.socket.buffer().is_empty() || ppoll(&mut socket, Some(TimeSpec::from(within)), None) == Ok(1)
    }
}

#[cfg(test)]
mod tests;
