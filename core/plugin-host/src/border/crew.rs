//! The threads of a child process. All that are free wait for the socket; the system wakes one of them for
//! a frame, which reads it, lets the next one be woken, and serves it itself. So a call wakes one thread.

use super::{
    frame::{Frame, Tag},
    runner::Runner,
};
use nix::{
    errno::Errno,
    sys::{
        epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
        signal::{Signal, raise},
    },
};
use std::{
    io::{self, BufReader},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// All threads that serve one socket. How many there can be is bounded by the host, which lets only
/// so many calls run.
pub(super) struct Crew {
    runner: Arc<Runner>,
    socket: &'static UnixStream,
    reader: Mutex<BufReader<&'static UnixStream>>,
    /// Armed for one event at a time, so that it wakes one thread.
    ready: Epoll,
    /// Threads that wait.
    free: AtomicUsize,
}

impl Crew {
    /// Serves until the host is gone, which ends the process.
    pub(super) fn serve(runner: Arc<Runner>, socket: &'static UnixStream) -> io::Result<()> {
        let ready = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        ready.add(socket, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT, 0))?;
        let reader = Mutex::new(BufReader::new(socket));
        Arc::new(Self { runner, socket, reader, ready, free: AtomicUsize::new(1) }).work();
        Ok(())
    }

    fn work(self: &Arc<Self>) {
        while let Ok(frame) = self.next() {
            if frame.tag == Tag::HostReply {
                // Runs none of the plugin's code.
                self.runner.serve(frame);
                continue;
            }
            if self.free.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.grow();
            }
            self.runner.serve(frame);
            self.free.fetch_add(1, Ordering::AcqRel);
        }
        // The host is gone or done with us. Exit handlers of the library could hang, so none are run.
        let _ = raise(Signal::SIGKILL);
    }

    fn next(&self) -> io::Result<Frame> {
        let mut events = [EpollEvent::empty()];
        loop {
            match self.ready.wait(&mut events, EpollTimeout::NONE) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => break,
                Err(e) => return Err(e.into()),
            }
        }
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = Frame::read(&mut *reader)?;
        // More may have been read already, for which nothing will arrive: that the socket can be
        // written to wakes somebody at once.
        let more = if reader.buffer().is_empty() { EpollFlags::empty() } else { EpollFlags::EPOLLOUT };
        drop(reader);
        let next = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT | more;
        self.ready.modify(self.socket, &mut EpollEvent::new(next, 0))?;
        Ok(frame)
    }

    /// When the machine gives no more threads, frames wait for one that becomes free.
    fn grow(self: &Arc<Self>) {
        let crew = Arc::clone(self);
        self.free.fetch_add(1, Ordering::AcqRel);
        if thread::Builder::new().name("plugin-call".to_owned()).spawn(move || crew.work()).is_err() {
            self.free.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
