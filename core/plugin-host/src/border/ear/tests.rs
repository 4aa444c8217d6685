//! Whoever asks and the thread that listens, both at one socket.

use super::*;
use crate::border::wire::Wire;
use std::{
    collections::HashMap,
    io::Write as _,
    sync::{Arc, mpsc},
    thread,
};

const LONG: Duration = Duration::from_secs(10);
type Heard = mpsc::Receiver<(Tag, u64, bool)>;

/// A wire, its other end, and what is heard: tag, id, and whether it was by the thread that asked.
fn wire() -> (Wire, UnixStream, Heard) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (tell, told) = mpsc::channel();
    let asking = thread::current().id();
    let heard = move |frame: Frame| tell.send((frame.tag, frame.id, thread::current().id() == asking)).is_ok();
    (Wire::start(ours, Box::new(heard)).unwrap().0, theirs, told)
}

fn call(id: u64) -> Frame {
    Frame::new(Tag::Call, id, b"{}".to_vec()).with_method("video.join")
}

fn reply(id: u64) -> Vec<u8> {
    Frame::new(Tag::Reply, id, vec![7; 100]).encode()
}

#[test]
fn half_a_reply_keeps_nobody_waiting() {
    let (wire, mut theirs, heard) = wire();
    let (first, second) = (reply(1)[..40].to_vec(), reply(1)[40..].to_vec());
    theirs.write_all(&first).unwrap();
    assert!(wire.ask(&call(1)));
    theirs.write_all(&second).unwrap();
    assert_eq!(heard.recv_timeout(LONG).unwrap(), (Tag::Reply, 1, false));
}

#[test]
fn a_reply_that_takes_its_time_is_heard_by_the_thread() {
    let (wire, mut theirs, heard) = wire();
    for id in 0..20 {
        assert!(wire.ask(&call(id)));
        theirs.write_all(&reply(id)).unwrap();
        assert_eq!(heard.recv_timeout(LONG).unwrap(), (Tag::Reply, id, false));
    }
}

#[test]
fn what_a_child_says_before_its_reply_is_heard_before_it() {
    let (wire, mut theirs, heard) = wire();
    let mut reader = BufReader::new(theirs.try_clone().unwrap());
    let child = thread::spawn(move || {
        while let Ok(asked) = Frame::read(&mut reader) {
            let line = Frame::new(Tag::Log, asked.id, b"so".to_vec()).encode();
            theirs.write_all(&[line, reply(asked.id)].concat()).unwrap();
        }
    });
    for id in 0..500 {
        assert!(wire.ask(&call(id)));
        assert_eq!(heard.recv_timeout(LONG).unwrap(), (Tag::Log, id, false));
        assert_eq!(heard.recv_timeout(LONG).unwrap(), (Tag::Reply, id, false));
    }
    drop(wire);
    child.join().unwrap();
}

#[test]
fn a_quick_reply_is_heard_by_whoever_asked() {
    let (wire, mut theirs, heard) = wire();
    let mut reader = BufReader::new(theirs.try_clone().unwrap());
    thread::spawn(move || {
        while let Ok(asked) = Frame::read(&mut reader) {
            theirs.write_all(&reply(asked.id)).unwrap();
        }
    });
    // On a busy machine many come too late, and after those it is not tried every time.
    let on_the_spot = (0..100_000).any(|id| {
        assert!(wire.ask(&call(id)));
        let (tag, replied, by_asker) = heard.recv_timeout(LONG).unwrap();
        assert_eq!((tag, replied), (Tag::Reply, id));
        by_asker
    });
    assert!(on_the_spot);
}

#[test]
fn the_end_is_noticed_while_somebody_waits() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let heard = Box::new(move |_| Arc::strong_count(&held) > 0);
    let (wire, ended) = Wire::start(ours, heard).unwrap();
    let child = thread::spawn(move || Frame::read(&mut &theirs).unwrap());
    assert!(wire.ask(&call(1)));
    child.join().unwrap();
    assert_eq!(ended.blocking_recv().unwrap(), None);
    assert_eq!(Arc::strong_count(&alive), 1, "whoever waits for words must learn that there will be none");
    assert!(wire.ask(&call(2)), "that it is gone is told by the end");
}

#[test]
fn no_reply_is_lost_or_heard_twice_when_many_ask() {
    const ASKERS: u64 = 6;
    const PAIRS: u64 = 750;
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let waiting: Arc<Mutex<HashMap<u64, mpsc::Sender<()>>>> = Arc::default();
    let found = Arc::clone(&waiting);
    let heard = move |frame: Frame| {
        let waits = (frame.tag == Tag::Reply).then(|| found.lock().unwrap().remove(&frame.id).unwrap());
        waits.is_none_or(|waits| waits.send(()).is_ok())
    };
    let (wire, _ended) = Wire::start(ours, Box::new(heard)).unwrap();
    let mut reader = BufReader::new(theirs.try_clone().unwrap());
    let child = thread::spawn(move || {
        let mut held = None;
        while let Ok(asked) = Frame::read(&mut reader) {
            // Some out of turn, some together, some with a line before or after them, some in pieces.
            let mut said = match asked.id % 11 {
                // The other of its pair, if nothing else, lets it go.
                0 | 4 if held.is_none() && asked.id % 2 == 0 => {
                    held = Some(asked.id);
                    continue;
                }
                5 => [Frame::new(Tag::Log, 0, vec![b'x'; 300]).encode(), reply(asked.id)].concat(),
                7 => [reply(asked.id), Frame::new(Tag::Log, 0, vec![b'x'; 9_000]).encode()].concat(),
                _ => reply(asked.id),
            };
            said.extend(held.take().map(reply).unwrap_or_default());
            let (first, second) = said.split_at(if asked.id % 13 == 0 { 20 } else { said.len() });
            theirs.write_all(first).unwrap();
            theirs.write_all(second).unwrap();
        }
    });
    thread::scope(|scope| {
        for asker in 0..ASKERS {
            let (wire, waiting) = (&wire, &waiting);
            scope.spawn(move || {
                let (tell, told) = mpsc::channel();
                for first in (0..PAIRS).map(|pair| (pair * ASKERS + asker) * 2) {
                    for id in [first, first + 1] {
                        waiting.lock().unwrap().insert(id, tell.clone());
                        assert!(wire.ask(&call(id)));
                    }
                    told.recv_timeout(LONG).unwrap();
                    told.recv_timeout(LONG).unwrap();
                }
            });
        }
    });
    assert!(waiting.lock().unwrap().is_empty());
    drop(wire);
    child.join().unwrap();
}
