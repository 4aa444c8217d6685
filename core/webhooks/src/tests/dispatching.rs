//! The queue on both databases: once per subscription and event, again after failures, never twice at a time.

use std::collections::BTreeSet;

use consilium_db::testing::TestDb;
use consilium_kernel::{FacilityId, Id, Ids, RandomIds};
use consilium_runtime::Tasks;

use super::stage::{Answer::*, *};
use crate::{DeliveryStatus::*, *};

#[tokio::test]
async fn each_subscription_is_told_once_of_what_it_wants_sqlite_postgres() {
    on_both(async |stage| {
        let all = stage.subscribe("https://all.example.org/", &["*"]).await.subscription.id;
        let some = stage.subscribe("https://some.example.org/", &["appointment_cancelled"]).await.subscription.id;
        stage.happens("appointment_booked").await;
        stage.happens("appointment_cancelled").await;
        stage.happens("notes_updated").await;
        stage.send().await;
        stage.send().await;
        let told = |url| -> Vec<String> { stage.endpoints.seen_at(url).into_iter().map(|seen| seen.body).collect() };
        assert_eq!(told("https://some.example.org/").len(), 1);
        // Creating subscriptions is no public event.
        assert_eq!(told("https://all.example.org/").len(), 2);
        assert!(!told("https://all.example.org/").concat().contains("secret"));
        let log = stage.log(all).await;
        assert!(log.iter().all(|entry| entry.status == Delivered && entry.attempts == 1), "{log:?}");
        assert!(log.iter().all(|entry| entry.status_code == Some(200) && entry.next_attempt_at.is_none()));
        assert_eq!(stage.log(some).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_of_another_facility_or_of_before_is_not_told_sqlite_postgres() {
    on_both(async |stage| {
        stage.happens("appointment_booked").await;
        stage.wait(1);
        stage.subscribe(URL, &["*"]).await;
        let elsewhere = FacilityId::new(RandomIds.next());
        stage.test.db.write(&administrator(), move |tx| made(tx, elsewhere)).await.unwrap();
        stage.happens_in(elsewhere, "appointment_booked").await;
        stage.send().await;
        assert_eq!(stage.endpoints.seen_at(URL), []);
    })
    .await;
}

fn made(tx: &mut consilium_db::Tx<'_>, id: FacilityId) -> consilium_db::Result<()> {
    use consilium_db::types::Uuid;
    use diesel::RunQueryDsl;
    let statement = "INSERT INTO facility SELECT $1, 'Another', 'UTC', created_at FROM facility";
    diesel::sql_query(statement).bind::<Uuid, _>(id).execute(tx.connection())?;
    Ok(())
}

#[tokio::test]
async fn a_failure_is_tried_again_under_the_same_id_until_it_is_given_up_sqlite_postgres() {
    on_both(async |stage| {
        let id = stage.subscribe(URL, &["*"]).await.subscription.id;
        stage.endpoints.script(URL, &[Status(500)]);
        stage.happens("appointment_booked").await;
        stage.send().await;
        let [first] = &stage.log(id).await[..] else { panic!("one delivery") };
        assert_eq!((first.status, first.attempts, first.status_code), (Failed, 1, Some(500)));
        assert_eq!(first.last_error.as_deref(), Some("http_500"));
        stage.send().await; // not yet due
        assert_eq!(stage.endpoints.seen_at(URL).len(), 1);
        let began = stage.test.db.clock().now();
        while let Some(due) = stage.log(id).await[0].next_attempt_at {
            stage.test.clock.set(due);
            stage.send().await;
        }
        let log = stage.log(id).await;
        assert_eq!((log[0].status, log[0].attempts), (Dead, 10));
        let took = stage.test.db.clock().now().duration_since(began).as_hours();
        assert!((20..28).contains(&took), "{took} hours");
        let seen = stage.endpoints.seen_at(URL);
        assert_eq!(seen.len(), 10);
        assert!(seen.iter().all(|one| one.id == log[0].event_id && one.body == seen[0].body));
        assert_eq!(seen.iter().map(|seen| seen.at).collect::<BTreeSet<_>>().len(), 10, "each attempt has its time");

        // Somebody puts the endpoint right, and the dead letter back into the queue.
        stage.endpoints.script(URL, &[Status(204)]);
        let dead = log[0].id;
        stage.webhooks.retry(&administrator(), id, dead).await.unwrap();
        stage.send().await;
        let again = &stage.log(id).await[0];
        assert_eq!((again.status, again.attempts, again.status_code), (Delivered, 1, Some(204)));
        let refused = stage.webhooks.retry(&administrator(), id, dead).await.unwrap_err();
        assert_eq!(refused.code, "invalid_transition");
        assert_eq!(stage.get(id).await.failing_since, None);
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_does_nothing_but_fail_for_days_is_disabled_sqlite_postgres() {
    on_both(async |stage| {
        let id = stage.subscribe(URL, &["*"]).await.subscription.id;
        stage.endpoints.script(URL, &[Status(500), Status(500), Status(200), Status(500)]);
        for day in 1..=9 {
            stage.happens("appointment_booked").await;
            stage.send().await;
            let disabled = stage.get(id).await.disabled_because;
            // The third attempt, on the second day, succeeds. From the third day on nothing does.
            assert_eq!(disabled.is_some(), day >= 8, "day {day}: {disabled:?}");
            stage.wait(24 * 60);
        }
        let found = stage.get(id).await;
        assert_eq!(found.disabled_because, Some(DisabledBecause::Failing));
        let dead = stage.log(id).await[0].id;
        let refused = stage.webhooks.retry(&administrator(), id, dead).await.unwrap_err();
        assert_eq!(refused.code, "subscription_disabled");
        let patch = SubscriptionPatch { enabled: Some(true), ..SubscriptionPatch::default() };
        let enabled = stage.webhooks.patch(&administrator(), id, found.version, patch).await.unwrap();
        assert_eq!((enabled.disabled_because, enabled.failing_since), (None, None));
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_and_others_hear_of_it_sqlite_postgres() {
    on_both(async |stage| {
        let watcher = stage.subscribe("https://watcher.example.org/", &["webhook_*"]).await.subscription.id;
        let gone = stage.subscribe(URL, &["appointment_*"]).await.subscription.id;
        stage.endpoints.script(URL, &[Status(410)]);
        stage.happens("appointment_booked").await;
        stage.happens("appointment_booked").await;
        stage.send().await;
        stage.send().await;
        let found = stage.get(gone).await;
        assert_eq!(found.disabled_because, Some(DisabledBecause::Gone));
        let log = stage.log(gone).await;
        let statuses: BTreeSet<String> = log.iter().map(|entry| entry.status.to_string()).collect();
        assert_eq!(statuses, BTreeSet::from(["dead".to_owned(), "queued".to_owned()]), "what waits goes on waiting");
        assert_eq!(stage.endpoints.seen_at(URL).len(), 1, "it is not asked again");
        let told = stage.endpoints.seen_at("https://watcher.example.org/");
        let body: serde_json::Value = serde_json::from_str(&told[0].body).unwrap();
        assert_eq!(body["type"], "webhook_subscription_disabled");
        assert_eq!(body["data"]["subscription_id"], gone.to_string());
        assert_eq!(body["data"]["reason"], "gone");
        assert_eq!(stage.log(watcher).await.len(), 1);
        // What happens meanwhile is not kept for it: that is what replay is for.
        stage.happens("appointment_booked").await;
        stage.send().await;
        assert_eq!(stage.log(gone).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_wants_to_be_left_alone_is_sqlite_postgres() {
    on_both(async |stage| {
        let id = stage.subscribe(URL, &["*"]).await.subscription.id;
        stage.endpoints.script(URL, &[Later(429, 3600), Status(200)]);
        for _ in 0..3 {
            stage.happens("appointment_booked").await;
        }
        stage.send().await;
        stage.wait(59);
        stage.send().await;
        assert_eq!(stage.endpoints.seen_at(URL).len(), 1, "the others wait too");
        stage.wait(2);
        stage.send().await;
        assert!(stage.log(id).await.iter().all(|entry| entry.status == Delivered));
    })
    .await;
}

#[tokio::test]
async fn a_crash_between_answer_and_commit_sends_again_under_the_same_id_sqlite_postgres() {
    on_both(async |stage| {
        let id = stage.subscribe(URL, &["*"]).await.subscription.id;
        stage.endpoints.script(URL, &[Never, Status(200)]);
        stage.happens("appointment_booked").await;
        stage.digest().await;
        {
            let dispatcher = stage.dispatcher();
            let sending = dispatcher.send_due();
            tokio::select! {
                _ = sending => panic!("nothing comes back"),
                () = stage.endpoints.arrived.notified() => {} // the endpoint has it, and we are gone
            }
        }
        stage.send().await;
        assert_eq!(stage.endpoints.seen_at(URL).len(), 1, "the claim of the dead still holds");
        stage.wait(2);
        stage.send().await;
        let seen = stage.endpoints.seen_at(URL);
        assert_eq!(seen.len(), 2);
        assert_eq!((seen[0].id, &seen[0].body), (seen[1].id, &seen[1].body));
        let log = stage.log(id).await;
        assert_eq!((log.len(), log[0].status), (1, Delivered));
    })
    .await;
}

#[tokio::test]
async fn many_dispatchers_send_nothing_twice_sqlite_postgres() {
    on_both(async |stage| {
        for n in 0..5 {
            stage.subscribe(&format!("https://{n}.example.org/"), &["*"]).await;
        }
        for _ in 0..10 {
            stage.happens("appointment_booked").await;
        }
        stage.digest().await;
        let (one, two, three) = (stage.dispatcher(), stage.dispatcher(), stage.dispatcher());
        let sent = tokio::join!(one.send_due(), two.send_due(), three.send_due());
        for sent in [sent.0, sent.1, sent.2] {
            sent.unwrap();
        }
        stage.send().await;
        let seen = stage.endpoints.seen.lock().unwrap().clone();
        let different: BTreeSet<_> = seen.iter().map(|seen| (seen.url.clone(), seen.id.uuid())).collect();
        assert_eq!((seen.len(), different.len()), (50, 50));
    })
    .await;
}

#[tokio::test]
async fn one_that_never_answers_does_not_delay_the_others_sqlite_postgres() {
    on_both(async |stage| {
        stage.subscribe(URL, &["*"]).await;
        stage.endpoints.script(URL, &[Never]);
        let quick = stage.subscribe("https://quick.example.org/", &["*"]).await.subscription.id;
        let tasks = Tasks::default();
        let running = tokio::spawn(stage.dispatcher().run(tasks.shutdown()));
        for round in 1..=3 {
            stage.happens("appointment_booked").await;
            stage.digest().await;
            for _ in 0..2_000 {
                let log = stage.log(quick).await;
                if log.iter().filter(|entry| entry.status == Delivered).count() == round {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
        let log = stage.log(quick).await;
        assert!(log.len() == 3 && log.iter().all(|entry| entry.status == Delivered), "{log:?}");
        assert_eq!(stage.endpoints.seen_at(URL).len(), 1, "one after the other");
        running.abort();
    })
    .await;
}

#[tokio::test]
async fn the_log_is_forgotten_after_its_time_sqlite_postgres() {
    on_both(async |stage| {
        let id = stage.subscribe(URL, &["*"]).await.subscription.id;
        stage.happens("appointment_booked").await;
        stage.send().await;
        let dispatcher = stage.dispatcher();
        stage.wait(29 * 24 * 60);
        assert_eq!(dispatcher.keep_house().await.unwrap(), 0);
        stage.wait(2 * 24 * 60);
        assert_eq!(dispatcher.keep_house().await.unwrap(), 1);
        assert_eq!(stage.log(id).await, []);
    })
    .await;
}

#[tokio::test]
async fn every_query_has_its_index_sqlite() {
    use consilium_db::types::Uuid;
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    let test = TestDb::sqlite();
    let id: SubscriptionId = Id::new(RandomIds.next());
    for (query, index) in [
        ("SELECT * FROM webhook_delivery WHERE subscription_id = $1 ORDER BY id DESC LIMIT 9", "webhook_delivery_log"),
        (
            "SELECT * FROM webhook_delivery WHERE subscription_id = $1 AND status = 'dead' ORDER BY id DESC LIMIT 9",
            "webhook_delivery_status",
        ),
        (
            "SELECT * FROM webhook_delivery WHERE subscription_id = $1 AND (status = 'queued' OR status = 'failed') \
             AND next_attempt_at < 'x' ORDER BY next_attempt_at, id LIMIT 9",
            "webhook_delivery_due",
        ),
        ("SELECT * FROM webhook_delivery WHERE subscription_id = $1 AND event_id = x'00'", "webhook_delivery_once"),
        ("SELECT id FROM webhook_delivery WHERE created_at < $1 ORDER BY created_at LIMIT 9", "webhook_delivery_age"),
        ("SELECT id FROM webhook_subscription WHERE facility_id = $1 ORDER BY id", "webhook_subscription_facility"),
        (
            "SELECT * FROM outbox WHERE facility_id = $1 AND (at, id) > ('', 0) ORDER BY at, id LIMIT 9",
            "outbox_by_time",
        ),
    ] {
        let plan = test.db.read(move |session| {
            let statement = sql_query(format!("EXPLAIN QUERY PLAN {query}"));
            Ok(statement.bind::<Uuid, _>(id).load::<Step>(session.connection())?)
        });
        let plan: Vec<String> = plan.await.unwrap().into_iter().map(|step| step.detail).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{query}: {plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{query}: {plan:?}");
    }
}
