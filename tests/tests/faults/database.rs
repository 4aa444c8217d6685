//! PostgreSQL loses its connections and goes away for a while: what was acknowledged is there, what was not is told
//! so, and the server recovers by itself. SQLite is left tidy.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use consilium_tests::{
    app::Backend,
    client::{Person, text},
    deployment::Deployment,
};
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{PATIENCE, doctor, until};

/// The database as its superuser sees it, from another one.
struct Keeper {
    connection: PgConnection,
    database: String,
}

impl Keeper {
    fn of(url: &str) -> Self {
        let (server, database) = url.rsplit_once('/').expect("the URL names a database");
        let connection = PgConnection::establish(&format!("{server}/postgres")).expect("PostgreSQL answers");
        Self { connection, database: database.to_owned() }
    }

    /// Ends every session, as a restart does.
    fn cut(&mut self) {
        let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", self.database);
        self.connection.batch_execute(&cut).expect("a superuser may");
    }

    /// Lets nobody in, or everybody again.
    fn open(&mut self, open: bool) {
        let name = &self.database;
        self.connection.batch_execute(&format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS {open}")).expect("it may");
    }
}

/// What was acknowledged, and what nobody knows of.
#[derive(Default)]
struct Books {
    booked: RefCell<BTreeMap<String, String>>,
    unknown: RefCell<Vec<(usize, String, String)>>,
    refused: RefCell<usize>,
}

/// Books one slot after the other until `until`.
async fn book(books: &Books, number: usize, patient: &Person, doctor: &Person, slots: &[String], until: Instant) {
    for slot in slots {
        if Instant::now() > until {
            return;
        }
        let key = format!("{number}-{slot}");
        let answer = patient.book(doctor, slot).key(&key).await;
        match answer.status {
            201 => {
                books.booked.borrow_mut().insert(text(&answer.body, "id").to_owned(), slot.clone());
            }
            503 => {
                assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
                books.unknown.borrow_mut().push((number, slot.clone(), key));
                *books.refused.borrow_mut() += 1;
                sleep(Duration::from_millis(50)).await;
            }
            _ => panic!("neither done nor put off: {answer:?}"),
        }
    }
}

#[actix_rt::test]
async fn cut_connections_and_an_outage_lose_nothing_on_postgresql() {
    const PATIENTS: usize = 6;
    let deployment = Deployment::new(Backend::Postgres);
    let server = deployment.serve().await;
    let (doctor, slots) = doctor(&server.client, "ayesha").await;
    let mut patients = Vec::new();
    for number in 0..PATIENTS {
        patients.push(server.client.register("patient", &format!("patient-{number}")).await);
    }
    let books = Books::default();
    let keeper = RefCell::new(Keeper::of(&deployment.database));

    let end = Instant::now() + Duration::from_secs(12);
    let share = slots.len() / PATIENTS;
    let bookers = patients.iter().enumerate().map(|(number, patient)| {
        book(&books, number, patient, &doctor, &slots[number * share..(number + 1) * share], end)
    });
    let trouble = async {
        for _ in 0..20 {
            sleep(Duration::from_millis(150)).await;
            keeper.borrow_mut().cut();
        }
        let before = books.booked.borrow().len();
        assert!(before > 0, "nobody got anything done between the cuts");
        keeper.borrow_mut().open(false);
        let down = until("not ready", async || {
            // Again and again: whoever was being let in when the door was closed is seen only afterwards.
            keeper.borrow_mut().cut();
            let ready = server.client.get("//health/ready").await;
            (ready.status == 503).then_some(ready.body)
        });
        assert_eq!(down.await["components"]["database"], "down");
        assert_eq!(server.client.get("//health/live").await.status, 200, "it lives");
        sleep(Duration::from_secs(2)).await;
        keeper.borrow_mut().open(true);
        until("ready again", async || (server.client.get("//health/ready").await.status == 200).then_some(Value::Null))
            .await;
    };
    tokio::join!(join_all(bookers), trouble);
    let refused = *books.refused.borrow();
    let acknowledged = books.booked.borrow().len();
    eprintln!("{acknowledged} bookings acknowledged, {refused} put off");
    assert!(refused > 0, "nobody noticed the outage");

    // Whoever asks again is answered as it was done, or has it done now; nothing is done twice.
    for (number, slot, key) in books.unknown.take() {
        let again = until("an answer", async || {
            let again = patients[number].book(&doctor, &slot).key(&key).await;
            (again.status != 503).then_some(again.expect(201))
        });
        let again = again.await;
        books.booked.borrow_mut().insert(text(&again, "id").to_owned(), slot);
    }
    let mut kept = BTreeMap::new();
    for patient in &patients {
        let mut cursor = String::new();
        loop {
            let page = patient.get(&format!("/appointments?limit=100{cursor}")).await.expect(200);
            for appointment in page["items"].as_array().expect("a list") {
                kept.insert(text(appointment, "id").to_owned(), text(appointment, "starts_at").to_owned());
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
    }
    assert_eq!(kept, books.booked.take());

    // Background work has recovered too: somebody hears of a booking that is made now.
    let told = doctor.get("/me/notifications").await.expect(200);
    assert!(told["items"].as_array().is_some_and(|items| !items.is_empty()));
    until("every booking told", async || {
        let waiting = events_unheard(&deployment.database);
        (waiting == 0).then_some(Value::Null)
    })
    .await;
    tokio::time::timeout(PATIENCE, server.stop()).await.expect("it ends in order");
    assert_eq!(deployment.verify_audit(), None);
}

/// Events that notifications have not heard yet.
fn events_unheard(database: &str) -> i64 {
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let question = "SELECT count(*) AS count FROM outbox o LEFT JOIN subscriber_cursor c \
        ON c.subscriber = 'notifications' AND c.shard = o.shard WHERE c.id IS NULL OR (o.tx, o.id) > (c.tx, c.id)";
    let mut connection = PgConnection::establish(database).expect("PostgreSQL answers");
    sql_query(question).get_result::<Count>(&mut connection).expect("the tables are there").count
}

/// Whatever is in the log is read at the next start, before anything else can be done.
#[actix_rt::test]
async fn a_server_that_is_stopped_leaves_sqlites_log_empty() {
    let deployment = Deployment::new(Backend::Sqlite);
    let server = deployment.serve().await;
    doctor(&server.client, "ayesha").await;
    let log = deployment.folder().join("consilium.db-wal");
    let length = || std::fs::metadata(&log).map_or(0, |file| file.len());
    assert!(length() > 0, "it is written to while the server runs");
    server.stop().await;
    assert_eq!(length(), 0);
}
