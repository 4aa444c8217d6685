//! The child's ends of lines.

use super::MAX_PACKET;
use crate::border::{
    frame::{Frame, Tag},
    runner::Runner,
};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, recv, send},
};
use std::{
    collections::HashMap,
    os::{fd::RawFd, unix::net::UnixStream},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Says things to the host over the socket, a whole frame at a time.
pub(in crate::border) struct Voice {
    socket: Mutex<&'static UnixStream>,
    /// Calls that came by a line, and whether something was said for them: their reply may not overtake it.
    short: Mutex<HashMap<u64, bool>>,
}

impl Voice {
    pub(in crate::border) fn new(socket: &'static UnixStream) -> Self {
        Self { socket: Mutex::new(socket), short: Mutex::default() }
    }

    /// False when the host is gone.
    pub(in crate::border) fn say(&self, frame: &Frame) -> bool {
        if let Some(spoke) = self.short().get_mut(&frame.call) {
            *spoke = true;
        }
        frame.write(&mut *self.socket.lock().unwrap_or_else(PoisonError::into_inner)).is_ok()
    }

    fn short(&self) -> MutexGuard<'_, HashMap<u64, bool>> {
        self.short.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves the calls of one line on this thread, until the host is gone.
pub(in crate::border) fn serve(line: RawFd, runner: &Runner, voice: &Voice) {
    let mut packet = vec![0; MAX_PACKET];
    loop {
        let length = match recv(line, &mut packet, MsgFlags::empty()) {
            Err(Errno::EINTR) => continue,
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        let Ok(asked) = Frame::read(&mut packet.get(..length).unwrap_or_default()) else { return };
        if asked.tag != Tag::Call {
            return;
        }
        voice.short().insert(asked.id, false);
        let reply = runner.answer(&asked);
        let spoke = voice.short().remove(&asked.id).unwrap_or_default();
        let bytes = reply.encode();
        if spoke || bytes.len() > MAX_PACKET {
            voice.say(&reply);
        } else if send(line, &bytes, MsgFlags::MSG_NOSIGNAL).is_err() {
            return;
        }
    }
}
