//! The host's ends of lines, against a far end that does as the tests please.

use super::*;
use crate::border::{Frame, Outward, Tag, wire::Wire};
use nix::sys::socket::{recv, send};
use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

const SOON: Duration = Duration::from_millis(50);
const LATE: Duration = Duration::from_secs(10);

type Heard = mpsc::Receiver<(u64, ThreadId)>;

/// The host's ends, those of the child, and the ids of replies with the threads on which they are heard.
fn laid(count: usize) -> (Lines, Arc<Outward>, Vec<RawFd>, Heard) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let near = lay(&ours, count).unwrap();
    let (heard, replies) = outward();
    let heard = Arc::new(heard);
    (Lines::new(near, Arc::downgrade(&heard)), heard, take(&theirs).unwrap(), replies)
}

fn outward() -> (Outward, Heard) {
    let (tell, told) = mpsc::channel();
    (Box::new(move |frame: Frame| tell.send((frame.id, thread::current().id())).is_ok()), told)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn call(id: u64) -> Frame {
    Frame::new(Tag::Call, id, b"{}".to_vec()).with_method("video.join")
}

fn reply(id: u64) -> Frame {
    Frame::new(Tag::Reply, id, vec![7; 100])
}

fn say(line: RawFd, frame: &Frame) {
    send(line, &frame.encode(), MsgFlags::empty()).unwrap();
}

/// What has come over a line; none when nothing has.
fn asked(line: RawFd) -> Option<Frame> {
    let mut packet = vec![0; MAX_PACKET];
    let length = recv(line, &mut packet, MsgFlags::MSG_DONTWAIT).ok()?;
    Some(Frame::read(&mut &packet[..length]).unwrap())
}

/// Lets the runtime's other tasks run.
fn drive(runtime: &Runtime) {
    runtime.block_on(async { tokio::time::sleep(SOON).await });
}

#[test]
fn a_reply_is_heard_on_the_thread_of_its_caller() {
    let (lines, _alive, far, heard) = laid(1);
    let runtime = runtime();
    for id in 1..100 {
        assert!(runtime.block_on(async { lines.carry(&call(id), false) }));
        assert_eq!(asked(far[0]), Some(call(id)));
        say(far[0], &reply(id));
        let told = loop {
            runtime.block_on(tokio::task::yield_now());
            if let Ok(told) = heard.try_recv() {
                break told;
            }
        };
        assert_eq!(told, (id, thread::current().id()));
    }
}

#[test]
fn a_swift_reply_is_awaited_for_a_moment_only() {
    let (lines, _alive, far, heard) = laid(1);
    let runtime = runtime();
    let carried = |id| runtime.block_on(async { lines.carry(&call(id), true) });
    let (start, mut at_once) = (Instant::now(), 0);
    for id in 1..50 {
        let (sent, line) = (reply(id), far[0]);
        let child = thread::spawn(move || {
            while asked(line).is_none() {}
            say(line, &sent);
        });
        assert!(carried(id));
        at_once += usize::from(heard.try_recv().is_ok());
        child.join().unwrap();
        lines.collect();
        heard.try_iter().for_each(drop);
    }
    assert!(at_once > 0, "no reply was heard before the call returned");

    assert!(carried(50), "nobody answers");
    assert!(start.elapsed() < LATE);
    assert!(heard.try_recv().is_err());
    say(far[0], &reply(50));
    drive(&runtime);
    assert_eq!(heard.try_recv().unwrap().0, 50, "it is heard later");
}

#[test]
fn a_line_carries_one_call_at_a_time() {
    let (lines, _alive, far, heard) = laid(2);
    let runtime = runtime();
    let carried = |id| runtime.block_on(async { lines.carry(&call(id), false) });
    assert!(carried(1));
    assert!(!carried(2), "it would wait for the other");
    say(far[0], &reply(1));
    drive(&runtime);
    assert_eq!(heard.try_recv().unwrap().0, 1);
    assert!(carried(3));
    lines.free(1);
    assert!(!carried(4), "another call was answered");
    lines.free(3);
    assert!(carried(4), "it was answered over the socket");
}

#[test]
fn each_runtime_has_its_own_line_while_there_are_any() {
    let (lines, _alive, far, _heard) = laid(2);
    let carried = |runtime: &Runtime, id| runtime.block_on(async { lines.carry(&call(id), false) });
    let (first, second, third) = (runtime(), runtime(), runtime());
    assert_eq!((carried(&first, 1), carried(&second, 2), carried(&third, 3)), (true, true, false));
    assert_eq!((asked(far[0]), asked(far[1])), (Some(call(1)), Some(call(2))));
    assert!(!lines.carry(&call(4), false), "a thread without a runtime has none");
}

#[test]
fn a_long_call_finds_no_line_and_leaves_it_free() {
    let (lines, _alive, far, _heard) = laid(1);
    let runtime = runtime();
    let carried = |frame: &Frame| runtime.block_on(async { lines.carry(frame, false) });
    assert!(!carried(&Frame::new(Tag::Call, 1, vec![b' '; MAX_PACKET])));
    let longest = Frame::new(Tag::Call, 2, vec![b' '; MAX_PACKET - Frame::new(Tag::Call, 2, vec![]).encode().len()]);
    assert!(carried(&longest));
    assert_eq!(asked(far[0]), Some(longest));
}

#[test]
fn a_reply_for_a_runtime_that_stands_still_is_heard_once() {
    let (lines, _alive, far, heard) = laid(2);
    let runtime = runtime();
    assert!(runtime.block_on(async { lines.carry(&call(1), false) }));
    lines.collect();
    assert!(heard.try_recv().is_err());
    say(far[0], &reply(1));
    lines.collect();
    drive(&runtime);
    assert_eq!(heard.try_iter().map(|(id, _)| id).collect::<Vec<_>>(), [1]);
    assert!(runtime.block_on(async { lines.carry(&call(2), false) }));
    drop(runtime);
    say(far[0], &reply(2));
    lines.collect();
    assert_eq!(heard.try_recv().unwrap().0, 2, "nor does one that has ended keep it");
}

#[test]
fn nothing_is_heard_but_the_reply_that_is_awaited() {
    for other in [reply(2), reply(0), call(1), Frame::new(Tag::Log, 1, Vec::new())] {
        let (lines, _alive, far, heard) = laid(1);
        let runtime = runtime();
        assert!(runtime.block_on(async { lines.carry(&call(1), false) }));
        say(far[0], &other);
        drive(&runtime);
        lines.collect();
        assert!(heard.try_recv().is_err(), "{other:?}");
    }
}

#[test]
fn the_last_words_of_a_child_are_heard_before_its_end() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let near = lay(&ours, 1).unwrap();
    let far = take(&theirs).unwrap();
    let (heard, replies) = outward();
    let (wire, ended) = Wire::start(ours, near, heard).unwrap();
    let runtime = runtime();
    assert!(runtime.block_on(async { wire.call(&call(1), false) }));
    say(far[0], &reply(1));
    drop(theirs);
    assert_eq!(ended.blocking_recv().unwrap(), None);
    assert_eq!(replies.recv_timeout(LATE).unwrap().0, 1);
    let nothing = replies.recv_timeout(LATE);
    assert_eq!(nothing, Err(RecvTimeoutError::Disconnected), "whoever waits must learn that nothing will come");
}
