//! Every event is counted once, and nothing that happens in between changes that.

use std::sync::Arc;

use consilium_db::{subscriptions, testing::TestDb};
use serde_json::json;
use tokio::sync::Notify;

use crate::world::{Counter, REASON, World, eventually};

#[actix_rt::test]
async fn every_event_is_counted_once() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        for _ in 0..250 {
            world.ended("completed").await;
        }
        world.settle().await;
        assert_eq!(world.counted().await, 250);
        let calls = *world.counter.calls.lock().unwrap();
        assert!(calls <= 32, "{calls} calls for 250 events");
        // Again, and after a restart: nothing is new.
        assert_eq!(world.insights.catch_up().await.unwrap(), 0);
        assert_eq!(world.another(&world.counter).catch_up().await.unwrap(), 0);
        assert_eq!((world.counted().await, *world.counter.calls.lock().unwrap()), (250, calls));
    }
}

#[actix_rt::test]
async fn a_plugin_sees_what_the_contract_describes_and_no_words() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        world.ended("completed").await;
        world.ended("abandoned").await;
        let id = world.test.db.ids().next();
        world.emit("appointment_booked", id, serde_json::json!({ "reason": REASON, "symptoms": REASON })).await;
        world.emit("message_sent", id, serde_json::json!({ "seq": 1 })).await;
        world.settle().await;
        let mut seen = world.counter.seen.lock().unwrap().clone();
        seen.sort_by_key(|event| event["type"].to_string());
        assert_eq!(seen.len(), 2, "not what it did not ask for, and not what never took place: {seen:?}");
        assert_eq!((&seen[0]["type"], &seen[0]["data"]), (&"appointment_booked".into(), &serde_json::json!({})));
        let ended = &seen[1]["data"];
        assert_eq!(ended["time_zone"], "Asia/Dhaka");
        assert_eq!(ended["fee"], serde_json::json!({ "amount_minor": 150_000, "currency": "BDT" }));
        assert!(!format!("{seen:?}").contains(REASON));
    }
}

/// Whatever the doctor changes between the end and the counting: owed is what was agreed then.
#[actix_rt::test]
async fn the_fee_and_the_zone_are_those_of_the_end() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let fees =
            [json!({ "amount_minor": 90_000, "currency": "BDT" }), json!({ "amount_minor": 2_500, "currency": "EUR" })];
        for fee in [&fees[0], &fees[1], &json!(null)] {
            let terms = json!({ "fee": fee, "time_zone": "Europe/Berlin" });
            *world.terms.lock().unwrap() = terms.as_object().cloned();
            world.ended("completed").await;
        }
        world.ended("abandoned").await;
        world.settle().await;
        let seen = world.counter.seen.lock().unwrap().clone();
        let owed: Vec<_> = seen.iter().map(|event| event["data"]["fee"].clone()).collect();
        assert_eq!(owed.len(), 3, "nothing is owed for what never took place: {owed:?}");
        for fee in &fees {
            assert!(owed.contains(fee), "{owed:?}");
        }
        assert!(owed.contains(&json!(null)), "none, although the doctor has a fee by now: {owed:?}");
        assert!(seen.iter().all(|event| event["data"]["time_zone"] == "Europe/Berlin"), "{seen:?}");
    }
}

/// The process dies after the plugin has answered and before anything is committed.
#[actix_rt::test]
async fn a_crash_between_answer_and_commit_counts_once() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        for _ in 0..20 {
            world.ended("completed").await;
        }
        *world.counter.held.lock().unwrap() = Some(Arc::new(Notify::new()));
        let dying = world.another(&world.counter);
        let reached = world.counter.reached.notified();
        tokio::select! {
            () = reached => {}
            () = eventually("the answer is not held", async || dying.catch_up().await.is_err()) => {}
        }
        let shown = world.counter.seen.lock().unwrap().len();
        assert!(shown > 0, "something was on its way when it died");
        let world = World { insights: world.another(&world.counter), ..world };
        world.settle().await;
        assert_eq!(world.counted().await, 20);
        assert!(world.counter.seen.lock().unwrap().len() > 20, "something was shown twice");
    }
}

/// Another node counts the same events while this one waits for its plugin.
#[actix_rt::test]
async fn two_nodes_count_once() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        for _ in 0..20 {
            world.ended("completed").await;
        }
        let (slow, go) = (Counter::new(world.test.db.clone()), Arc::new(Notify::new()));
        *slow.held.lock().unwrap() = Some(go.clone());
        let behind = world.another(&slow);
        let asked = slow.clone();
        let late = tokio::task::spawn_local(async move {
            while *asked.calls.lock().unwrap() == 0 {
                behind.catch_up().await.unwrap();
            }
        });
        slow.reached.notified().await;
        world.settle().await;
        assert_eq!(world.counted().await, 20);
        go.notify_one();
        late.await.unwrap();
        assert_eq!(world.counted().await, 20);
        assert_eq!(world.insights.catch_up().await.unwrap(), 0);
    }
}

#[actix_rt::test]
async fn a_plugin_that_is_down_loses_nothing() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        world.ended("completed").await;
        *world.counter.down.lock().unwrap() = true;
        for _ in 0..3 {
            world.stuck().await;
        }
        world.ended("completed").await;
        *world.counter.down.lock().unwrap() = false;
        world.settle().await;
        assert_eq!(world.counted().await, 2);
    }
}

#[actix_rt::test]
async fn a_full_store_stops_counting_and_loses_nothing() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        world.ended("completed").await;
        *world.counter.quota.lock().unwrap() = 10;
        world.stuck().await;
        assert_eq!(world.counted().await, 0);
        *world.counter.quota.lock().unwrap() = 1_000;
        world.settle().await;
        assert_eq!(world.counted().await, 1);
    }
}

/// One event that cannot be counted stops its own consultation and nothing else.
#[actix_rt::test]
async fn a_poison_event_is_set_aside_alone() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        // All in one shard, so that they come in one batch.
        let shard = |n: u128| uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n * 16);
        for n in 0..9 {
            let patient = world.ended_again(shard(n), "completed").await;
            if n == 5 {
                world.counter.poison.lock().unwrap().insert(patient);
            }
        }
        world.settle().await;
        assert_eq!(world.counted().await, 8);
        let parked = world.test.db.read(|read| subscriptions::parked(read, "insights:analytics")).await.unwrap();
        assert_eq!(parked, [shard(5)]);
        world.ended_again(shard(5), "completed").await;
        world.ended_again(shard(6), "completed").await;
        world.settle().await;
        assert_eq!(world.counted().await, 9, "what belongs to the poison event waits for it");
    }
}
