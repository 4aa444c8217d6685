//! Feeding on both databases, with plugins that do as they are told. What the store makes of writes is tested with
//! `consilium-insights`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail loudly")]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use consilium_db::{Result, Session, Tx, outbox::Fact, subscriptions, testing::TestDb};
use consilium_feeder::{Feeder, Listener, Listeners, Told};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, EntityRef, EventEnvelope};
use consilium_plugin_host::{
    CallError,
    contract::{Event, PluginError, subscriber::RejectedEvent},
};
use consilium_runtime::Tasks;
use serde_json::{Value, json};
use uuid::Uuid;

/// What a plugin does with a batch.
#[derive(Clone, Default)]
enum Deed {
    #[default]
    Take,
    /// Rejects the events with this number.
    Reject(u64),
    /// Panics at the event with this number.
    Panic(u64),
    /// Does not answer; what is behind it wants to be left alone for so many seconds.
    Fail(Option<u32>),
    /// Never answers.
    Hang,
}

#[derive(Default)]
struct Fake {
    deeds: Mutex<std::collections::BTreeMap<String, Deed>>,
    heard: Mutex<Vec<(String, Event)>>,
    calls: Mutex<usize>,
}

#[async_trait]
impl Listeners for Fake {
    fn listeners(&self) -> Vec<Listener> {
        let of = |plugin: &String| Listener {
            plugin: plugin.clone(),
            events: vec!["happened".to_owned(), "hidden".to_owned()],
            quota_bytes: 0,
        };
        self.deeds.lock().unwrap().keys().map(of).collect()
    }

    fn shown(&self, _: &mut Session<'_>, event: &EventEnvelope) -> Result<Option<Event>> {
        Ok((event.event_type == "happened").then(|| consilium_feeder::event(event, json!({"n": event.data["n"]}))))
    }

    async fn tell(&self, plugin: &str, events: Vec<Event>) -> std::result::Result<Told, CallError> {
        *self.calls.lock().unwrap() += 1;
        let deed = self.deeds.lock().unwrap()[plugin].clone();
        let is = |event: &Event, number: u64| event.data["n"] == number;
        let mut rejected = Vec::new();
        match deed {
            Deed::Panic(number) if events.iter().any(|event| is(event, number)) => {
                return Err(CallError::Panicked("told to".to_owned()));
            }
            Deed::Fail(seconds) => {
                let down = PluginError::retryable("down", "told to");
                return Err(seconds.map_or(down.clone(), |seconds| down.after(seconds)).into());
            }
            Deed::Hang => std::future::pending().await,
            Deed::Reject(number) => {
                let named = events.iter().filter(|event| is(event, number)).map(|event| event.id.clone());
                let ids = named.chain(["of no event".to_owned()]);
                let reject = |id| RejectedEvent { id, code: "never".to_owned(), message: "told to".to_owned() };
                rejected.extend(ids.map(reject));
            }
            Deed::Take | Deed::Panic(_) => {}
        }
        self.heard.lock().unwrap().extend(events.into_iter().map(|event| (plugin.to_owned(), event)));
        Ok(Told { writes: Vec::new(), rejected })
    }
}

struct Bench {
    test: TestDb,
    fake: Arc<Fake>,
    feeder: Feeder,
}

impl Bench {
    fn new(test: TestDb, plugins: &[(&str, Deed)]) -> Self {
        let fake = Arc::<Fake>::default();
        let deeds = plugins.iter().map(|(plugin, deed)| ((*plugin).to_owned(), deed.clone()));
        fake.deeds.lock().unwrap().extend(deeds);
        let feeder = Feeder::new(test.db.clone(), "events", fake.clone());
        Self { test, fake, feeder }
    }

    fn set(&self, plugin: &str, deed: Deed) {
        self.fake.deeds.lock().unwrap().insert(plugin.to_owned(), deed);
    }

    async fn emit(&self, entity: Uuid, event_type: &'static str, number: u64) {
        let data = json!({"n": number, "reason": "a patient's words"});
        let write = move |tx: &mut Tx<'_>| {
            let entity = EntityRef::new("thing", entity);
            let subject = entity.id;
            tx.emit(Fact { entity, version: 1, event_type, schema: 1, subject, data: &data })
        };
        self.test.db.write(&CommandMeta::system(DEFAULT_FACILITY, "test"), write).await.unwrap();
    }

    /// The numbers that a plugin heard, in order.
    fn heard(&self, plugin: &str) -> Vec<u64> {
        let heard = self.fake.heard.lock().unwrap();
        heard.iter().filter(|(who, _)| who == plugin).map(|(_, event)| event.data["n"].as_u64().unwrap()).collect()
    }

    /// On PostgreSQL an event is read once no older transaction runs on the server, and other tests run on it too.
    async fn settle(&self, plugin: &str) {
        let name: &'static str = Box::leak(format!("events:{plugin}").into_boxed_str());
        for _ in 0..500 {
            let _ = self.feeder.catch_up().await;
            if self.test.db.read(move |read| subscriptions::behind(read, name)).await.unwrap().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{plugin} is never fed to the end");
    }
}

/// Entities of one shard, so that their events come in one batch.
fn entity(n: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n * 16)
}

#[actix_rt::test]
async fn a_plugin_hears_what_it_asked_for_once_and_in_order() {
    for test in TestDb::both() {
        let bench = Bench::new(test, &[("one", Deed::Take), ("two", Deed::Take)]);
        for number in 0..120 {
            bench.emit(entity(number % 3), "happened", u64::try_from(number).unwrap()).await;
        }
        bench.emit(entity(1), "hidden", 500).await;
        bench.emit(entity(1), "unasked", 501).await;
        for plugin in ["one", "two"] {
            bench.settle(plugin).await;
            assert_eq!(bench.heard(plugin), (0..120).collect::<Vec<_>>(), "{plugin}");
        }
        assert_eq!(bench.feeder.catch_up().await.unwrap(), 0);
        let heard = bench.fake.heard.lock().unwrap();
        let ids: BTreeSet<&str> = heard.iter().map(|(_, event)| event.id.as_str()).collect();
        assert_eq!(ids.len(), 120, "both know an event by the same id");
        assert!(heard.iter().all(|(_, event)| event.data.get("reason").is_none()));
    }
}

#[actix_rt::test]
async fn a_rejected_event_is_noted_and_holds_up_nothing() {
    for test in TestDb::both() {
        let bench = Bench::new(test, &[("one", Deed::Reject(1))]);
        for number in 0..3 {
            bench.emit(entity(7), "happened", number).await;
        }
        bench.settle("one").await;
        bench.emit(entity(7), "happened", 3).await;
        bench.settle("one").await;
        assert_eq!(bench.heard("one"), [0, 1, 2, 3]);
        let parked = bench.test.db.read(|read| subscriptions::parked(read, "events:one")).await.unwrap();
        assert_eq!(parked, Vec::<Uuid>::new());
        let noted = bench.test.audited("event_rejected").await;
        assert_eq!(noted, [json!({"plugin": "one", "type": "happened", "code": "never"})]);
    }
}

#[actix_rt::test]
async fn an_event_that_breaks_the_plugin_is_set_aside_alone() {
    for test in TestDb::both() {
        let bench = Bench::new(test, &[("one", Deed::Panic(5)), ("two", Deed::Take)]);
        for number in 0..9 {
            bench.emit(entity(number), "happened", u64::try_from(number).unwrap()).await;
        }
        bench.settle("one").await;
        bench.settle("two").await;
        let mut heard = bench.heard("one");
        heard.sort_unstable();
        assert_eq!(heard, [0, 1, 2, 3, 4, 6, 7, 8]);
        assert_eq!(bench.heard("two").len(), 9, "another plugin takes it");
        let parked = bench.test.db.read(|read| subscriptions::parked(read, "events:one")).await.unwrap();
        assert_eq!(parked, [entity(5)]);
    }
}

#[actix_rt::test]
async fn a_plugin_that_fails_loses_nothing_and_holds_up_no_other() {
    for test in TestDb::both() {
        let bench = Bench::new(test, &[("one", Deed::Fail(None)), ("two", Deed::Take)]);
        bench.emit(entity(1), "happened", 1).await;
        bench.settle("two").await;
        assert_eq!((bench.heard("one"), bench.heard("two")), (vec![], vec![1]));
        bench.set("one", Deed::Take);
        bench.settle("one").await;
        assert_eq!((bench.heard("one"), bench.heard("two")), (vec![1], vec![1]));
    }
}

/// The worker, as it runs in a server.
#[actix_rt::test]
async fn a_plugin_that_wants_to_be_left_alone_is() {
    for test in TestDb::both() {
        let bench = Bench::new(test, &[("one", Deed::Fail(Some(3_600)))]);
        bench.emit(entity(1), "happened", 1).await;
        let tasks = Tasks::default();
        let (feeder, shutdown) = (bench.feeder.clone(), tasks.shutdown());
        tasks.spawn(async move { feeder.run(Duration::from_millis(1), shutdown).await });
        while *bench.fake.calls.lock().unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bench.set("one", Deed::Take);
        for _ in 0..50 {
            bench.feeder.wake().notify_one();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!((*bench.fake.calls.lock().unwrap(), bench.heard("one")), (1, vec![]), "asked too early");
        // Whoever needs it now asks all the same.
        bench.settle("one").await;
        assert_eq!(bench.heard("one"), [1]);
        tasks.finish(Duration::from_secs(5)).await;
    }
}

/// The server dies after the plugin has heard a batch and before the cursor has moved.
#[actix_rt::test]
async fn what_was_not_settled_comes_again_under_its_id() {
    for test in TestDb::both() {
        let bench = Bench::new(test, &[("one", Deed::Hang)]);
        bench.emit(entity(1), "happened", 1).await;
        while *bench.fake.calls.lock().unwrap() == 0 {
            let _ = tokio::time::timeout(Duration::from_millis(200), bench.feeder.catch_up()).await;
        }
        bench.set("one", Deed::Take);
        let bench = Bench { feeder: Feeder::new(bench.test.db.clone(), "events", bench.fake.clone()), ..bench };
        bench.settle("one").await;
        assert_eq!(bench.heard("one"), [1]);
        let told: Vec<Value> = bench.fake.heard.lock().unwrap().iter().map(|(_, event)| json!(event.id)).collect();
        assert_eq!(told.len(), 1);
    }
}
