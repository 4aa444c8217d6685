//! What one transaction promises, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};

use consilium_db::{
    Cell, Db, Encrypted, Error, Keys, Vault, answers,
    outbox::{self, Fact, Position},
    testing::TestDb,
    timers::{self, TimerRequest},
    topics,
};
use consilium_kernel::{
    CommandMeta, DEFAULT_FACILITY, EntityRef, Id, IdempotencyKey, Principal, RandomIds, Refusal, RefusalKind, Role,
    Scope, User,
};
use diesel::connection::SimpleConnection;
use serde_json::json;

fn meta() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "test")
}

fn keyed(user: uuid::Uuid, key: &str, body: u8) -> CommandMeta {
    let principal = Principal::User(User {
        user_id: Id::new(user),
        session_id: Id::new(user),
        role: Role::Patient,
        facility_id: DEFAULT_FACILITY,
        doctor_id: None,
        patient_id: None,
        email_verified: true,
    });
    let idempotency = Some(IdempotencyKey { key: key.to_owned(), body_hash: [body; 32] });
    CommandMeta { principal, scope: Scope::of(DEFAULT_FACILITY), request_id: "r".into(), trace: None, idempotency }
}

fn fact<'a>(entity: uuid::Uuid, data: &'a serde_json::Value) -> Fact<'a, serde_json::Value> {
    Fact {
        entity: EntityRef::new("thing", entity),
        version: 1,
        event_type: "thing_done",
        schema: 1,
        subject: entity,
        data,
    }
}

/// The reader stops below the oldest transaction that runs anywhere on the server, other tests' included.
async fn eventually_readable(test: &TestDb, expected: usize) {
    for _ in 0..200 {
        if events(test).await == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(events(test).await, expected, "{}", test.url);
}

async fn events(test: &TestDb) -> usize {
    let mut found = 0;
    for shard in 0..outbox::SHARDS {
        let start = Position { tx: -1, id: 0 };
        found += test.db.read(move |s| outbox::read_after(s, shard, start, 1_000)).await.unwrap().len();
    }
    found
}

#[tokio::test]
async fn a_refused_command_leaves_nothing_behind_and_its_neighbours_whole() {
    for test in TestDb::both() {
        let writes = (0..40).map(|n| {
            let db = test.db.clone();
            async move {
                let entity = db.ids().next();
                db.write(&meta(), move |tx| {
                    tx.emit(fact(entity, &json!({ "n": n })))?;
                    if n % 2 == 0 { Ok(()) } else { Err(Refusal::forbidden().into()) }
                })
                .await
            }
        });
        let mut tasks = tokio::task::JoinSet::new();
        writes.for_each(|write| {
            tasks.spawn(write);
        });
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 20);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(Error::Refused(_)))));
        eventually_readable(&test, 20).await;
    }
}

#[tokio::test]
async fn topic_numbers_have_no_gaps_under_concurrency_and_refusals() {
    for test in TestDb::both() {
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..60_i64 {
            let db = test.db.clone();
            tasks.spawn(async move {
                let subject = uuid::Uuid::from_u128(7);
                db.write(&meta(), move |tx| {
                    let seq = tx.publish("consultation:1", "message_sent", subject, &json!({ "n": n }))?;
                    if n % 3 == 0 { Err(Refusal::forbidden().into()) } else { Ok(seq) }
                })
                .await
            });
        }
        let mut given: Vec<i64> = tasks.join_all().await.into_iter().filter_map(Result::ok).collect();
        given.sort_unstable();
        assert_eq!(given, (1..=40).collect::<Vec<_>>(), "{}", test.url);
        let read = test.db.read(|s| topics::read_after(s, "consultation:1", 35, 100)).await.unwrap();
        assert_eq!(read.iter().map(|event| event.seq).collect::<Vec<_>>(), [36, 37, 38, 39, 40]);
        assert_eq!(test.db.read(|s| topics::head(s, "consultation:1")).await.unwrap(), 40);
        assert_eq!(test.db.read(|s| topics::head(s, "consultation:2")).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_keyed_command_is_answered_from_the_store() {
    for test in TestDb::both() {
        let user = test.db.ids().next();
        let first = keyed(user, "k1", 1);
        let answer: String = test.db.command(&first, |_| Ok("done".to_owned())).await.unwrap();
        let again = first.clone();
        let stored: Option<String> = test.db.read(move |s| answers::find(s, &again)).await.unwrap();
        assert_eq!(stored.as_deref(), Some(answer.as_str()));

        let other_body = keyed(user, "k1", 2);
        let reused = test.db.read(move |s| answers::find::<String>(s, &other_body)).await;
        let Err(Error::Refused(refusal)) = reused else { panic!("{reused:?}") };
        assert_eq!((refusal.kind, refusal.code.as_ref()), (RefusalKind::Invalid, "idempotency_key_reused"));

        let twin = test.db.command(&first, |_| Ok("done twice".to_owned())).await;
        assert!(matches!(twin, Err(Error::Refused(refusal)) if refusal.code == "in_progress"));

        let failed = keyed(user, "k2", 1);
        let refused = test.db.command::<String>(&failed, |_| Err(Refusal::forbidden().into())).await;
        assert!(refused.is_err());
        let free: Option<String> = test.db.read(move |s| answers::find(s, &failed)).await.unwrap();
        assert_eq!(free, None, "an error frees the key");
    }
}

#[tokio::test]
async fn twins_on_one_node_do_the_work_once() {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            for test in TestDb::both() {
                let meta = keyed(test.db.ids().next(), "k", 1);
                let (db, work) = (test.db.clone(), meta.clone());
                let run = move || {
                    let (db, meta) = (db.clone(), work.clone());
                    async move {
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                        db.command(&meta, |_| Ok(1_i64)).await.map_err(Refusal::from)
                    }
                };
                let (one, two) = tokio::join!(test.db.once(&meta, run()), test.db.once(&meta, run()));
                assert_eq!(one.unwrap(), 1);
                assert_eq!(two.unwrap_err().code, "in_progress");
                assert_eq!(test.db.once(&meta, run()).await.unwrap(), 1);
            }
        })
        .await;
}

#[tokio::test]
async fn sealed_values_open_only_where_they_were_written() {
    for test in TestDb::both() {
        let (patient, row) = (test.db.ids().next(), test.db.ids().next());
        let cell = Cell::new("message", "body", row);
        let sealed: Encrypted<String> =
            test.db.write(&meta(), move |tx| tx.seal(patient, cell, &"chest pain".to_owned())).await.unwrap();
        let copy = sealed.clone();
        assert_eq!(test.db.read(move |s| s.open(cell, &copy)).await.unwrap(), "chest pain");
        let elsewhere = Cell::new("message", "body", uuid::Uuid::nil());
        let moved = test.db.read(move |s| s.open(elsewhere, &sealed)).await;
        assert!(matches!(moved, Err(Error::Sealed(_))));
    }
}

/// A data key that was only seen inside a batch whose commit failed must not be sealed with: no row holds it.
#[tokio::test]
async fn a_data_key_is_forgotten_with_the_batch_that_made_it() {
    let test = TestDb::sqlite();
    let (patient, row) = (test.db.ids().next(), test.db.ids().next());
    let cell = Cell::new("message", "body", row);
    let latest: Arc<Mutex<Option<Encrypted<String>>>> = Arc::default();

    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let (holding, held) = tokio::sync::oneshot::channel();
    let holding = Mutex::new(Some(holding));
    let db = test.db.clone();
    // Holds the writer until the three others wait, so that they form one batch.
    let holder = tokio::spawn(async move {
        let meta = meta();
        let hold = db.write(&meta, move |_| {
            if let Some(holding) = holding.lock().unwrap().take() {
                holding.send(()).unwrap();
            }
            let _ = wait.lock().unwrap().recv();
            Ok(())
        });
        hold.await.unwrap();
    });
    held.await.unwrap();
    let (meta, made, opened) = (meta(), latest.clone(), latest.clone());
    let make = test.db.write(&meta, move |tx| {
        *made.lock().unwrap() = Some(tx.seal(patient, cell, &"chest pain".to_owned())?);
        Ok(())
    });
    let open = test.db.write(&meta, move |tx| {
        let sealed = opened.lock().unwrap().clone().unwrap();
        tx.open(cell, &sealed)
    });
    // Fails not when it is written but when the batch is committed.
    let fail = test.db.write(&meta, |tx| {
        tx.connection().batch_execute(
            "PRAGMA defer_foreign_keys = ON; \
             CREATE TABLE IF NOT EXISTS orphan (of BLOB REFERENCES facility (id) DEFERRABLE INITIALLY DEFERRED); \
             INSERT INTO orphan VALUES (x'00');",
        )?;
        Ok(())
    });
    let release = async move {
        tokio::task::yield_now().await;
        go.send(()).unwrap();
    };
    let (made, opened, failed, ()) = tokio::join!(make, open, fail, release);
    made.unwrap();
    assert_eq!(opened.unwrap(), "chest pain");
    assert!(failed.is_err(), "its neighbours were committed one by one");
    holder.await.unwrap();

    let again = Vault::new(Keys::read(&test.folder).unwrap());
    let url = test.url.parse().unwrap();
    let reopened = Db::open(&url, 1, again, test.clock.clone(), Arc::new(RandomIds)).unwrap();
    let sealed = latest.lock().unwrap().clone().unwrap();
    assert_eq!(reopened.read(move |session| session.open(cell, &sealed)).await.unwrap(), "chest pain");
}

#[tokio::test]
async fn no_plain_text_reaches_the_database_file() {
    let test = TestDb::sqlite();
    let subject = test.db.ids().next();
    let secret = "Canary Nightingale has gout";
    test.db
        .write(&keyed(subject, "k", 1), move |tx| {
            tx.emit(fact(subject, &json!({ "reason": secret })))?;
            tx.publish("consultation:1", "message_sent", subject, &json!({ "body": secret }))?;
            Ok(())
        })
        .await
        .unwrap();
    test.db.command(&keyed(subject, "k", 1), move |_| Ok(secret.to_owned())).await.unwrap();
    let mut searched = 0;
    for file in std::fs::read_dir(&test.folder).unwrap().flatten().filter(|file| file.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        searched += bytes.len();
        assert!(!bytes.windows(6).any(|window| window == b"Canary"), "{}", file.path().display());
    }
    assert!(searched > 10_000, "the search must have seen the database");
}

#[tokio::test]
async fn timers_are_set_replaced_withdrawn_and_taken_once() {
    for test in TestDb::both() {
        let entity = EntityRef::new("appointment", test.db.ids().next());
        let due = test.db.clock().now() + std::time::Duration::from_secs(60);
        let request = TimerRequest { kind: "reminder_1h", entity: entity.clone(), revision: 1, due_at: due };
        for revision in [1, 2] {
            let request = TimerRequest { revision, ..request.clone() };
            test.db.write(&meta(), move |tx| tx.set_timer(request.clone())).await.unwrap();
        }
        assert!(test.db.read(|s| timers::due(s, 10)).await.unwrap().is_empty());
        test.clock.advance(jiff::SignedDuration::from_secs(60));
        let found = test.db.read(|s| timers::due(s, 10)).await.unwrap();
        assert_eq!(found.iter().map(|timer| timer.revision).collect::<Vec<_>>(), [2], "one per entity and kind");
        let id = found[0].id;
        test.db.write(&meta(), move |tx| timers::take(tx, id)).await.unwrap();
        let again = test.db.write(&meta(), move |tx| timers::take(tx, id)).await;
        assert!(matches!(again, Err(Error::VersionConflict)));
        test.db.write(&meta(), move |tx| tx.set_timer(request.clone())).await.unwrap();
        test.db.write(&meta(), move |tx| tx.withdraw_timers(entity.id, &["reminder_1h"])).await.unwrap();
        assert!(test.db.read(|s| timers::due(s, 10)).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_event_of_a_transaction_that_commits_late_is_not_skipped() {
    let test = TestDb::postgres();
    let entity = uuid::Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000);
    let (started, wait) =
        (std::sync::Arc::new(std::sync::Barrier::new(2)), std::sync::Arc::new(std::sync::Barrier::new(2)));
    let (db, a, b) = (test.db.clone(), started.clone(), wait.clone());
    let late = tokio::spawn(async move {
        db.write(&meta(), move |tx| {
            tx.emit(fact(entity, &json!("late")))?;
            a.wait();
            b.wait();
            Ok(())
        })
        .await
    });
    tokio::task::spawn_blocking(move || started.wait()).await.unwrap();
    let other = test.db.ids().next();
    test.db.write(&meta(), move |tx| tx.emit(Fact { subject: other, ..fact(entity, &json!("early")) })).await.unwrap();
    let start = Position { tx: -1, id: 0 };
    let shard = outbox::shard_of(entity);
    let seen = test.db.read(move |s| outbox::read_after(s, shard, start, 10)).await.unwrap();
    assert!(seen.is_empty(), "the reader stops below the oldest running transaction: {seen:?}");
    tokio::task::spawn_blocking(move || wait.wait()).await.unwrap();
    late.await.unwrap().unwrap();
    eventually_readable(&test, 2).await;
    let seen = test.db.read(move |s| outbox::read_after(s, shard, start, 10)).await.unwrap();
    assert_eq!(seen.iter().map(|(_, event)| event.data.as_str().unwrap()).collect::<Vec<_>>(), ["late", "early"]);
}

#[tokio::test]
async fn an_event_that_can_be_opened_no_longer_stops_nobody() {
    for test in TestDb::both() {
        let entity = uuid::Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000);
        let subjects = [test.db.ids().next(), test.db.ids().next(), test.db.ids().next()];
        for (subject, what) in subjects.into_iter().zip(["damaged", "erased", "sound"]) {
            let write = move |tx: &mut consilium_db::Tx<'_>| {
                tx.emit(Fact { subject, event_type: what, ..fact(entity, &json!("a word")) })
            };
            test.db.write(&meta(), write).await.unwrap();
        }
        let spoil = |session: &mut consilium_db::Session<'_>| {
            session.connection().batch_execute(
                "UPDATE outbox SET data = (SELECT data FROM outbox WHERE event_type = 'sound') \
                 WHERE event_type = 'damaged'; \
                 DELETE FROM data_key WHERE subject = (SELECT subject FROM outbox WHERE event_type = 'erased')",
            )?;
            Ok(())
        };
        test.db.read(spoil).await.unwrap();
        // As after a restart: no key is remembered.
        let url = test.url.parse().unwrap();
        let vault = Vault::new(Keys::read(&test.folder).unwrap());
        let again = Db::open(&url, 2, vault, test.clock.clone(), Arc::new(RandomIds)).unwrap();
        let (start, shard, mut seen) = (Position { tx: -1, id: 0 }, outbox::shard_of(entity), Vec::new());
        for _ in 0..200 {
            seen = again.read(move |s| outbox::read_after(s, shard, start, 10)).await.unwrap();
            if seen.len() == 3 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        let seen: Vec<_> = seen.into_iter().map(|(_, event)| (event.event_type, event.data)).collect();
        let unreadable = || (outbox::UNREADABLE.to_owned(), serde_json::Value::Null);
        assert_eq!(seen, [unreadable(), unreadable(), ("sound".to_owned(), json!("a word"))]);
    }
}

#[tokio::test]
async fn a_transaction_in_another_database_of_the_server_delays_nothing() {
    let (test, neighbour) = (TestDb::postgres(), TestDb::postgres());
    let entity = uuid::Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000);
    let (started, wait) =
        (std::sync::Arc::new(std::sync::Barrier::new(2)), std::sync::Arc::new(std::sync::Barrier::new(2)));
    let (db, a, b) = (neighbour.db.clone(), started.clone(), wait.clone());
    let long = tokio::spawn(async move {
        db.write(&meta(), move |tx| {
            tx.emit(fact(entity, &json!("elsewhere")))?;
            a.wait();
            b.wait();
            Ok(())
        })
        .await
    });
    tokio::task::spawn_blocking(move || started.wait()).await.unwrap();
    test.db.write(&meta(), move |tx| tx.emit(fact(entity, &json!("here")))).await.unwrap();
    let (start, shard) = (Position { tx: -1, id: 0 }, outbox::shard_of(entity));
    let seen = test.db.read(move |s| outbox::read_after(s, shard, start, 10)).await.unwrap();
    tokio::task::spawn_blocking(move || wait.wait()).await.unwrap();
    long.await.unwrap().unwrap();
    assert_eq!(seen.iter().map(|(_, event)| event.data.as_str().unwrap()).collect::<Vec<_>>(), ["here"]);
}

#[tokio::test]
async fn first_uses_of_one_data_key_do_not_fail_each_other() {
    for test in TestDb::both() {
        let subject = test.db.ids().next();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..16_i64 {
            let db = test.db.clone();
            tasks.spawn(async move {
                let entity = db.ids().next();
                db.write(&meta(), move |tx| tx.emit(Fact { subject, ..fact(entity, &json!({ "n": n })) })).await
            });
        }
        assert!(tasks.join_all().await.into_iter().all(|outcome| outcome.is_ok()), "{}", test.url);
    }
}
