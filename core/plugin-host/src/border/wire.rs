//! The host's end of a child's socket, and of its lines. A frame is written by whoever sends it. What comes over the
//! socket is read by a thread that waits for nothing else.

use super::{
    Outward,
    frame::{Frame, Tag},
    lines::Lines,
};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, send},
};
use std::{
    io::{self, BufReader, Write as _},
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

/// Sends frames to a child.
pub(super) struct Wire {
    socket: Arc<UnixStream>,
    lines: Arc<Lines>,
    /// Frames, or the rest of one, that the socket did not take at once.
    backlog: Arc<Mutex<usize>>,
    overflow: mpsc::SyncSender<Vec<u8>>,
}

impl Wire {
    /// `heard` gets what the child says; afterwards the receiver gets the reason for the end, if the
    /// child broke the protocol.
    pub(super) fn start(
        socket: UnixStream,
        lines: Vec<UnixStream>,
        heard: Outward,
    ) -> io::Result<(Self, oneshot::Receiver<Option<String>>)> {
        let heard = Arc::new(heard);
        let lines = Arc::new(Lines::new(lines, Arc::downgrade(&heard)));
        let socket = Arc::new(socket);
        let backlog = Arc::new(Mutex::new(0));
        let (overflow, queue) = mpsc::sync_channel(OUTBOX);
        let (end, ended) = oneshot::channel();
        let (reader, writer, left) = (Arc::clone(&socket), Arc::clone(&socket), Arc::clone(&backlog));
        let beside = Arc::clone(&lines);
        thread::Builder::new().name("plugin-reader".to_owned()).spawn(move || {
            let _ = end.send(read(&reader, &beside, &heard));
        })?;
        thread::Builder::new().name("plugin-writer".to_owned()).spawn(move || write(&writer, &queue, &left))?;
        Ok((Self { socket, lines, backlog, overflow }, ended))
    }

    /// As [`Wire::send`], for a call, over a line if there is one for it.
    pub(super) fn call(&self, call: &Frame, swift: bool) -> bool {
        self.lines.carry(call, swift) || self.send(call)
    }

    /// As [`Lines::collect`].
    pub(super) fn collect(&self) {
        self.lines.collect();
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

fn read(socket: &UnixStream, lines: &Lines, heard: &Outward) -> Option<String> {
    let mut reader = BufReader::new(socket);
    let end = loop {
        match Frame::read(&mut reader) {
            Ok(frame) => {
                if frame.tag == Tag::Reply {
                    lines.free(frame.id);
                }
                if !heard(frame) {
                    return None;
                }
            }
            Err(e) => break e,
        }
    };
    // The last words of a child that is gone.
    lines.collect();
    (end.kind() == io::ErrorKind::InvalidData).then(|| "it broke the protocol".to_owned())
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
    use std::time::{Duration, Instant};

    fn frame(id: u64, length: usize) -> Frame {
        Frame::new(Tag::Call, id, vec![id as u8; length])
    }

    #[test]
    fn a_peer_that_reads_nothing_is_noticed_and_keeps_nobody_waiting() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let (wire, _ended) = Wire::start(ours, Vec::new(), Box::new(|_| true)).unwrap();
        let start = Instant::now();
        let taken = (0..5_000).take_while(|id| wire.send(&frame(*id, 1_000))).count();
        assert!(taken > OUTBOX && taken < 5_000, "{taken}");
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn frames_keep_their_order_and_their_bytes_when_the_socket_is_full() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (wire, _ended) = Wire::start(ours, Vec::new(), Box::new(|_| true)).unwrap();
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
