//! Lines: the short way of a call. Beside the socket that everything can be said over, a child has a few lines, each
//! of which carries one call at a time there and its reply back, a frame to a packet.
//!
//! A line belongs to the runtime that used it first, whose own reactor brings the reply to the caller, and to one
//! thread of the child, which waits for nothing else. So a call wakes two threads, as the barest round trip does. What
//! finds no free line, is long, or says something on its way goes over the socket.

mod ours;
mod theirs;

pub(super) use ours::Lines;
pub(super) use theirs::{Voice, serve};

use nix::{
    cmsg_space,
    sys::socket::{
        AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair,
    },
};
use std::{
    io::{self, IoSlice, IoSliceMut},
    os::{
        fd::{AsRawFd as _, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
    time::Duration,
};

/// Lines of a child: so many runtimes, one for each thread that serves requests, have their own.
pub(super) const LINES: usize = 8;
/// Longest frame on a line, in bytes, with its length in front.
const MAX_PACKET: usize = 16 * 1024;
/// How long a thread may wait for a plugin without looking after anything else: about what it takes to wake a processor
/// that sleeps, which is what it saves.
pub(crate) const A_MOMENT: Duration = Duration::from_micros(100);

/// Makes lines and gives their far ends to whoever holds the other end of the socket; answers the near ends.
pub(super) fn lay(socket: &UnixStream, count: usize) -> io::Result<Vec<UnixStream>> {
    let pair = |_| socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC);
    let (near, far): (Vec<_>, Vec<_>) = (0..count).map(pair).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let far: Vec<RawFd> = far.iter().map(|line: &OwnedFd| line.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&far)];
    let rights = if far.is_empty() { &[][..] } else { &rights };
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(&[0])], rights, MsgFlags::MSG_NOSIGNAL, None)?;
    let near: Vec<_> = near.into_iter().map(UnixStream::from).collect();
    near.iter().try_for_each(|line| line.set_nonblocking(true))?;
    Ok(near)
}

/// Takes the far ends of lines, which come before anything else and stay open as long as the process.
pub(super) fn take(socket: &UnixStream) -> io::Result<Vec<RawFd>> {
    let (mut byte, mut space) = ([0], cmsg_space!([RawFd; LINES]));
    let mut byte = [IoSliceMut::new(&mut byte)];
    let come = recvmsg::<()>(socket.as_raw_fd(), &mut byte, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut lines = Vec::new();
    for message in come.cmsgs()? {
        if let ControlMessageOwned::ScmRights(taken) = message {
            lines.extend(taken);
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests;
