//! The host's end of a child's socket. A frame is written by whoever sends it: handing it to another thread
//! first would cost a wake-up. How frames are read is told in `ear`.

use super::{Outward, ear::Ear, frame::Frame};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, send},
};
use std::{
    io::{self, Write as _},
    net::Shutdown,
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, TrySendError},
    },
    thread,
};
use tokio::sync::oneshot;

/// Frames that may wait on their way out; more means that nobody reads at the other end.
const OUTBOX: usize = 1024;

/// Sends frames to a child, and hears what it says.
pub(super) struct Wire {
    socket: Arc<UnixStream>,
    ear: Arc<Ear>,
    /// Frames, or the rest of one, that the socket did not take at once.
    backlog: Arc<Mutex<usize>>,
    overflow: mpsc::SyncSender<Vec<u8>>,
}

impl Wire {
    /// `heard` gets what the child says; afterwards the receiver gets the reason for the end, if the
    /// child broke the protocol.
    pub(super) fn start(socket: UnixStream, heard: Outward) -> io::Result<(Self, oneshot::Receiver<Option<String>>)> {
        let ear = Arc::new(Ear::new(socket.try_clone()?, heard)?);
        let socket = Arc::new(socket);
        let backlog = Arc::new(Mutex::new(0));
        let (overflow, queue) = mpsc::sync_channel(OUTBOX);
        let (end, ended) = oneshot::channel();
        let (listener, writer, left) = (Arc::clone(&ear), Arc::clone(&socket), Arc::clone(&backlog));
        thread::Builder::new().name("plugin-reader".to_owned()).spawn(move || {
            let _ = end.send(listener.listen());
        })?;
        thread::Builder::new().name("plugin-writer".to_owned()).spawn(move || write(&writer, &queue, &left))?;
        Ok((Self { socket, ear, backlog, overflow }, ended))
    }

    /// Sends a frame without ever waiting; false when the child is there and does not take it. Whether it
    /// is there is for the reader to find out.
    pub(super) fn send(&self, frame: &Frame) -> bool {
        let mut bytes = frame.encode();
        let mut backlog = self.backlog.lock().unwrap_or_else(PoisonError::into_inner);
        if *backlog == 0 {
            match send(self.socket.as_raw_fd(), &bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
                Ok(sent) if sent == bytes.len() => return true,
                Ok(sent) => drop(bytes.drain(..sent)),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(_) => return true,
            }
        }
        *backlog += 1;
        !matches!(self.overflow.try_send(bytes), Err(TrySendError::Full(_)))
    }

    /// As [`Wire::send`], for a call. A reply that comes in a moment is heard on this thread, before this
    /// returns.
    pub(super) fn ask(&self, frame: &Frame) -> bool {
        let attention = self.ear.attend();
        let taken = self.send(frame);
        if let Some(attention) = attention {
            attention.catch(frame.id);
        }
        taken
    }

    /// Ends the connection; whoever reads or writes notices.
    pub(super) fn close(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.close();
    }
}

fn write(mut socket: &UnixStream, queue: &mpsc::Receiver<Vec<u8>>, backlog: &Mutex<usize>) {
    while let Ok(bytes) = queue.recv() {
        if socket.write_all(&bytes).is_err() {
            return;
        }
        *backlog.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::border::Tag;
    use std::{
        io::BufReader,
        time::{Duration, Instant},
    };

    fn frame(id: u64, length: usize) -> Frame {
        Frame::new(Tag::Call, id, vec![id as u8; length])
    }

    #[test]
    fn a_peer_that_reads_nothing_is_noticed_and_keeps_nobody_waiting() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let (wire, _ended) = Wire::start(ours, Box::new(|_| true)).unwrap();
        let start = Instant::now();
        let taken = (0..5_000).take_while(|id| wire.send(&frame(*id, 1_000))).count();
        assert!(taken > OUTBOX && taken < 5_000, "{taken}");
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn frames_keep_their_order_and_their_bytes_when_the_socket_is_full() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (wire, _ended) = Wire::start(ours, Box::new(|_| true)).unwrap();
        let reader = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            let mut reader = BufReader::new(&theirs);
            (0..300).map(|_| Frame::read(&mut reader).unwrap()).collect::<Vec<_>>()
        });
        for id in 0..300 {
            assert!(wire.send(&frame(id, if id % 50 == 0 { 500_000 } else { 3_000 })));
        }
        for (id, got) in (0..).zip(reader.join().unwrap()) {
            assert_eq!(got, frame(id, if id % 50 == 0 { 500_000 } else { 3_000 }));
        }
    }
}
