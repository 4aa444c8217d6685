//! That a feed misses nothing and doubles nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use consilium_db::testing::TestDb;
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY};
use consilium_runtime::InProcessBus;
use futures_util::StreamExt;
use serde_json::json;

use super::*;
use crate::ws::outgoing::{Next, OutgoingReader, QueueLimits};

const TOPIC: &str = "consultation:test";

struct World {
    test: TestDb,
    bus: Arc<dyn EventBus>,
    /// While set, commits are not told: as if the bus had lost them.
    deaf: Arc<AtomicBool>,
}

impl World {
    fn new(test: TestDb) -> Self {
        let bus: Arc<dyn EventBus> = Arc::new(InProcessBus::default());
        let deaf = Arc::new(AtomicBool::new(false));
        let (publisher, lost) = (bus.clone(), deaf.clone());
        test.db
            .on_commit(move |effects| {
                if !lost.load(Ordering::SeqCst) {
                    effects.topics.into_iter().for_each(|event| publisher.publish(LiveEvent::Event(event)));
                }
            })
            .unwrap();
        Self { test, bus, deaf }
    }

    async fn publish(&self, n: i64) -> i64 {
        publish(&self.test.db, n).await
    }

    async fn watch(&self, after_seq: Option<i64>, epoch: Option<Uuid>) -> Watcher {
        let limits = QueueLimits { frames: 8, bytes: 1_000_000, patience: Duration::from_secs(20) };
        let outgoing = Outgoing::new(limits);
        let names = (TOPIC.to_owned(), TOPIC.to_owned());
        let feed = Feed::open(&self.test.db, &self.bus, names, me(), (after_seq, epoch)).await.unwrap();
        let (head, epoch, reader) = (feed.head(), feed.epoch(), outgoing.reader());
        actix_rt::spawn(feed.run(outgoing.clone()));
        Watcher { outgoing, reader, head, epoch }
    }
}

struct Watcher {
    outgoing: Outgoing,
    reader: OutgoingReader,
    head: i64,
    epoch: Uuid,
}

impl Watcher {
    async fn next(&mut self) -> serde_json::Value {
        let next = tokio::time::timeout(Duration::from_secs(20), self.reader.next()).await.expect("a frame in time");
        match next {
            Some(Next::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn numbers(&mut self, count: usize) -> Vec<i64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let frame = self.next().await;
            assert_eq!(frame["type"], "event", "{frame}");
            assert_eq!(frame["seq"], frame["data"]["n"], "the event belongs to its number");
            numbers.push(frame["seq"].as_i64().unwrap());
        }
        numbers
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.outgoing.close(Close::Normal);
    }
}

async fn publish(db: &Db, n: i64) -> i64 {
    let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
    db.write(&meta, move |tx| tx.publish(TOPIC, "happened", DEFAULT_FACILITY.uuid(), &json!({"n": n}))).await.unwrap()
}

fn me() -> UserId {
    UserId::new(Uuid::from_u128(42))
}

fn up_to(last: i64) -> Vec<i64> {
    (1..=last).collect()
}

#[actix_rt::test]
async fn what_was_missed_comes_first_in_pages_and_then_what_happens() {
    for test in TestDb::both() {
        let world = World::new(test);
        for n in 1..=PAGE + 5 {
            world.publish(n).await;
        }
        let mut watcher = world.watch(Some(3), None).await;
        assert_eq!(watcher.head, PAGE + 5);
        let mut only_new = world.watch(None, None).await;
        world.publish(PAGE + 6).await;
        let count = usize::try_from(PAGE + 3).unwrap();
        assert_eq!(watcher.numbers(count).await, (4..=PAGE + 6).collect::<Vec<i64>>());
        assert_eq!(only_new.numbers(1).await, [PAGE + 6]);
    }
}

/// Writers run while subscriptions begin: each must see every number once, in order.
#[actix_rt::test]
async fn nothing_is_missed_or_doubled_however_the_beginning_races_with_writers() {
    for test in TestDb::both() {
        let world = World::new(test);
        let db = world.test.db.clone();
        let writer = actix_rt::spawn(async move {
            for n in 1..=300 {
                publish(&db, n).await;
            }
        });
        let mut watchers = Vec::new();
        for _ in 0..12 {
            watchers.push(world.watch(Some(0), None).await);
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
        let seen = futures_util::future::join_all(watchers.iter_mut().map(|watcher| watcher.numbers(300))).await;
        for numbers in seen {
            assert_eq!(numbers, up_to(300));
        }
        writer.await.unwrap();
    }
}

#[actix_rt::test]
async fn what_the_bus_lost_or_told_out_of_order_is_read_from_the_database() {
    for test in TestDb::both() {
        let world = World::new(test);
        let mut watcher = world.watch(Some(0), None).await;
        world.publish(1).await;
        assert_eq!(watcher.numbers(1).await, [1]);
        world.deaf.store(true, Ordering::SeqCst);
        for n in 2..=4 {
            world.publish(n).await;
        }
        world.deaf.store(false, Ordering::SeqCst);
        world.publish(5).await;
        assert_eq!(watcher.numbers(4).await, [2, 3, 4, 5]);
        // A late copy of an old event changes nothing.
        let late = TopicEvent {
            topic: TOPIC.to_owned(),
            seq: 3,
            event: "happened".to_owned(),
            at: world.test.db.clock().now(),
            data: json!({"n": 3}),
        };
        world.bus.publish(LiveEvent::Event(late));
        world.publish(6).await;
        assert_eq!(watcher.numbers(1).await, [6]);
    }
}

/// The queue holds 8 frames and the bus 256: a reader that stops for a while makes both overflow.
#[actix_rt::test]
async fn a_reader_that_lags_behind_the_bus_still_gets_everything_once() {
    for test in TestDb::both() {
        let world = World::new(test);
        let mut watcher = world.watch(Some(0), None).await;
        for n in 1..=600 {
            world.publish(n).await;
        }
        assert_eq!(watcher.numbers(600).await, up_to(600));
    }
}

#[actix_rt::test]
async fn numbers_of_another_epoch_or_from_the_future_are_a_gap() {
    for test in TestDb::both() {
        let world = World::new(test);
        for n in 1..=3 {
            world.publish(n).await;
        }
        let same = world.watch(Some(3), None).await.epoch;
        for (after_seq, epoch) in [(Some(99), None), (Some(1), Some(Uuid::from_u128(1)))] {
            let mut watcher = world.watch(after_seq, epoch).await;
            let gap = watcher.next().await;
            assert_eq!((gap["type"].as_str(), gap["seq"].as_i64()), (Some("gap"), Some(watcher.head)));
            assert_eq!(gap["epoch"], same.to_string());
            let next = world.publish(watcher.head + 1).await;
            assert_eq!(watcher.numbers(1).await, [next], "and on it goes from there");
        }
        let mut resumed = world.watch(Some(3), Some(same)).await;
        assert_eq!(resumed.next().await["seq"], 4, "the right epoch resumes");
    }
}

#[actix_rt::test]
async fn signals_reach_the_others_and_those_they_are_meant_for() {
    let world = World::new(TestDb::sqlite());
    let mut watcher = world.watch(None, None).await;
    let signal = |name: &str, from: u128, to: Option<u128>| {
        LiveEvent::Signal(Signal {
            topic: TOPIC.to_owned(),
            signal: name.to_owned(),
            to: to.map(Uuid::from_u128),
            from: Some(Uuid::from_u128(from)),
            data: json!({}),
        })
    };
    world.bus.publish(signal("mine", 42, None));
    world.bus.publish(signal("for another", 7, Some(8)));
    world.bus.publish(signal("for all", 7, None));
    world.bus.publish(signal("for me", 7, Some(42)));
    assert_eq!(watcher.next().await["signal"], "for all");
    assert_eq!(watcher.next().await["signal"], "for me");
}

#[actix_rt::test]
async fn a_watcher_comes_again_when_nobody_can_say_whether_they_may_stay() {
    let world = World::new(TestDb::sqlite());
    let outgoing = Outgoing::new(QueueLimits { frames: 8, bytes: 1_000_000, patience: Duration::from_secs(20) });
    let names = (TOPIC.to_owned(), TOPIC.to_owned());
    let feed = Feed::open(&world.test.db, &world.bus, names, me(), (None, None)).await.unwrap();
    let feed = feed.guarded(Box::new(|| Box::pin(async { Err(Refusal::internal()) })));
    actix_rt::spawn(feed.run(outgoing.clone()));
    let last = |tx: &mut consilium_db::Tx<'_>| tx.publish(TOPIC, ENDS_A_PART[0], DEFAULT_FACILITY.uuid(), &json!({}));
    world.test.db.write(&CommandMeta::system(DEFAULT_FACILITY, "test"), last).await.unwrap();
    let mut reader = outgoing.reader();
    assert!(matches!(reader.next().await, Some(Next::Text(text)) if text.contains(ENDS_A_PART[0])));
    assert!(matches!(reader.next().await, Some(Next::Close(Close::Internal))));
}
