//! The host's ends of lines.

use super::{A_MOMENT, MAX_PACKET};
use crate::border::{
    Outward,
    frame::{Frame, Tag},
};
use futures_util::FutureExt as _;
use nix::{
    poll::{PollFd, PollFlags, ppoll},
    sys::socket::{MsgFlags, send},
};
use std::{
    io::{self, Read as _},
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::net::UnixStream,
    },
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::AsyncReadExt as _,
    runtime::{Handle, Id},
};

/// All lines to a child.
pub(in crate::border) struct Lines {
    lines: Vec<Arc<Line>>,
    /// Gone once the child is silent for ever.
    heard: Weak<Outward>,
}

struct Line {
    socket: UnixStream,
    /// The runtime on which its replies are read.
    owner: OnceLock<Id>,
    /// The call that is under way, 0 when none is.
    call: AtomicU64,
}

impl Lines {
    /// `heard` gets the replies.
    pub(in crate::border) fn new(near: Vec<UnixStream>, heard: Weak<Outward>) -> Self {
        let line = |socket| Arc::new(Line { socket, owner: OnceLock::new(), call: AtomicU64::new(0) });
        Self { lines: near.into_iter().map(line).collect(), heard }
    }

    /// Sends a call over a line of this runtime; false when it must go over the socket. Of a call that is `swift` the
    /// reply is waited for, for [`A_MOMENT`] at most.
    pub(in crate::border) fn carry(&self, call: &Frame, swift: bool) -> bool {
        let Some(line) = self.own().filter(|line| line.send(call)) else { return false };
        if swift {
            let mut reply = [PollFd::new(line.socket.as_fd(), PollFlags::POLLIN)];
            if ppoll(&mut reply, Some(A_MOMENT.into()), None) == Ok(1) {
                self.look(line);
            }
        }
        true
    }

    /// A call was answered over the socket.
    pub(in crate::border) fn free(&self, call: u64) {
        self.lines.iter().any(|line| line.finish(call));
    }

    /// Hears replies that nobody has heard yet, because their caller's runtime stands still or has ended.
    pub(in crate::border) fn collect(&self) {
        self.lines.iter().filter(|line| line.call.load(Ordering::Acquire) != 0).for_each(|line| self.look(line));
    }

    /// Hears the reply on this line, if there is one.
    fn look(&self, line: &Line) {
        let mut packet = vec![0; MAX_PACKET];
        if let Some(heard) = self.heard.upgrade()
            && let Ok(length) = (&line.socket).read(&mut packet)
        {
            let _ = line.hear(packet.get(..length).unwrap_or_default(), &heard);
        }
    }

    /// The line of this runtime, which may be its from now on.
    fn own(&self) -> Option<&Line> {
        let runtime = Handle::try_current().ok()?;
        let id = runtime.id();
        if let Some(line) = self.lines.iter().find(|line| line.owner.get() == Some(&id)) {
            return Some(line);
        }
        let line = self.lines.iter().find(|line| line.owner.set(id).is_ok())?;
        runtime.spawn(listen(Arc::clone(line), Weak::clone(&self.heard)));
        Some(line)
    }
}

/// Hears replies until the child is gone or breaks the protocol. A call that waits for one then runs out of time.
async fn listen(line: Arc<Line>, heard: Weak<Outward>) -> io::Result<()> {
    let mut socket = tokio::net::UnixStream::from_std(line.socket.try_clone()?)?;
    let mut packet = vec![0; MAX_PACKET];
    loop {
        socket.readable().await?;
        // Held while reading: the end of all is told after the last word.
        let Some(heard) = heard.upgrade() else { return Ok(()) };
        if let Some(length) = socket.read(&mut packet).now_or_never() {
            line.hear(packet.get(..length?).unwrap_or_default(), &heard)?;
        }
    }
}

impl Line {
    /// Sends a call without waiting, if the line is free, the call short, and the child there.
    fn send(&self, call: &Frame) -> bool {
        let bytes = call.encode();
        if bytes.len() > MAX_PACKET || !self.change(0, call.id) {
            return false;
        }
        let sent = send(self.socket.as_raw_fd(), &bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL).is_ok();
        if !sent {
            self.finish(call.id);
        }
        sent
    }

    /// Has the reply in this packet heard.
    fn hear(&self, mut packet: &[u8], heard: &Outward) -> io::Result<()> {
        let reply = Frame::read(&mut packet)?;
        if reply.tag != Tag::Reply || !self.finish(reply.id) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        heard(reply);
        Ok(())
    }

    /// Frees the line, if this call is the one that is under way, and answers whether it was.
    fn finish(&self, call: u64) -> bool {
        call != 0 && self.change(call, 0)
    }

    fn change(&self, from: u64, to: u64) -> bool {
        self.call.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}
