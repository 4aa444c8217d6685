//! Compares what the ledger knows with what the server still has, by its API and by SQL.

use std::collections::{BTreeMap, BTreeSet};

use consilium_tests::client::{Person, text};
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query,
    sql_types::{BigInt, Text},
};
use serde_json::Value;

use crate::{ledger::Ledger, load::Crowd};

/// Everything that is missing, doubled or different: all appointments, and the chats named.
pub async fn all(crowd: &Crowd, ledger: &Ledger, chats: BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut kept: BTreeMap<String, Value> = BTreeMap::new();
    let mut held: BTreeMap<(String, String), String> = BTreeMap::new();
    for patient in &crowd.patients {
        for appointment in list(patient, "/appointments?limit=100", "cursor").await.expect("nobody's list is gone") {
            let id = text(&appointment, "id").to_owned();
            if matches!(text(&appointment, "status"), "pending" | "accepted") {
                let slot = (text(&appointment, "doctor_id").to_owned(), text(&appointment, "starts_at").to_owned());
                wrong.extend(held.insert(slot.clone(), id.clone()).map(|other| format!("{slot:?}: {other} and {id}")));
            }
            kept.insert(id, appointment);
        }
    }
    for (id, booked) in ledger.appointments.borrow().iter() {
        match kept.remove(id) {
            None => wrong.push(format!("appointment {id} is gone: {booked:?}")),
            Some(found) if text(&found, "status") != booked.status || text(&found, "starts_at") != booked.slot => {
                wrong.push(format!("appointment {id} was acknowledged as {booked:?}, but is {found}"));
            }
            Some(_) => {}
        }
    }
    // Whatever was done was asked for once: a booking that nobody was told of was settled under its key.
    wrong.extend(kept.keys().map(|id| format!("appointment {id} is there, but nobody booked it")));
    for id in chats {
        wrong.extend(chat(crowd, ledger, &id).await);
    }
    wrong
}

async fn chat(crowd: &Crowd, ledger: &Ledger, id: &str) -> Vec<String> {
    let known = ledger.chats.borrow()[id].clone();
    let path = format!("/consultations/{id}/messages?limit=100");
    let messages = match list(&crowd.patients[known.patient], &path, "cursor").await {
        Ok(messages) => messages,
        Err(gone) => return vec![gone],
    };
    let mut wrong = Vec::new();
    let mut kept: BTreeMap<&str, i64> = BTreeMap::new();
    for (place, message) in messages.iter().enumerate() {
        let seq = message["seq"].as_i64().unwrap_or_default();
        if seq != place as i64 + 1 {
            wrong.push(format!("chat {id}: message {} of the list has seq {seq}", place + 1));
        }
        if kept.insert(text(message, "body"), seq).is_some() {
            wrong.push(format!("chat {id}: twice: {message}"));
        }
    }
    for said in &known.said {
        if kept.remove(said.line.text.as_str()) != Some(said.seq) {
            wrong.push(format!("chat {id}: {said:?} is gone or has another number"));
        }
    }
    wrong.extend(kept.keys().map(|text| format!("chat {id}: `{text}` is there, but nobody said it")));
    wrong
}

/// All of a list, or that it is there no more.
async fn list(person: &Person, path: &str, parameter: &str) -> Result<Vec<Value>, String> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = person.get(&format!("{path}{cursor}")).await;
        if answer.status == 404 {
            return Err(format!("{path} is gone"));
        }
        let mut page = answer.expect(200);
        items.append(page["items"].as_array_mut().expect("a list"));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&{parameter}={next}"),
            None => return Ok(items),
        }
    }
}

/// What the tables say, past everything the product does.
pub fn tables(database: &str) -> Vec<String> {
    let live = "status IN ('pending', 'accepted')";
    let questions = [
        (
            "slots held twice",
            "SELECT count(*) AS count FROM occupancy a JOIN occupancy b ON a.doctor_id = b.doctor_id AND a.id < b.id \
             AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at"
                .to_owned(),
        ),
        (
            "live appointments that hold nothing",
            format!(
                "SELECT count(*) AS count FROM appointment WHERE {live} AND NOT EXISTS \
                 (SELECT 1 FROM occupancy WHERE occupancy.appointment_id = appointment.id)"
            ),
        ),
        (
            "slots held by appointments that are over",
            format!(
                "SELECT count(*) AS count FROM occupancy JOIN appointment ON appointment.id = occupancy.appointment_id \
                 WHERE NOT {live}"
            ),
        ),
        ("things parked", "SELECT count(*) AS count FROM parked_entity".to_owned()),
        ("mails given up", "SELECT count(*) AS count FROM delivery WHERE status = 'dead'".to_owned()),
        (
            "messages to be told again",
            "SELECT count(*) AS count FROM (SELECT 1 FROM delivery GROUP BY entity_id, \
            revision, kind, channel, recipient_id HAVING count(*) > 1) AS doubled"
                .to_owned(),
        ),
    ];
    let found = questions.into_iter().map(|(what, question)| (what, count(database, &question)));
    found.filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect()
}

/// Message-IDs of the mails that a server has in hand; one that was killed never let go of them.
pub fn in_hand(database: &str) -> BTreeSet<String> {
    let question = "SELECT message_id AS text FROM delivery WHERE channel = 'email' AND status = 'sending'";
    rows::<Told>(database, question).into_iter().map(|told| told.text).collect()
}

/// What still waits to become a mail or to be sent: events not yet heard, and mails in the queue.
pub fn unsent(database: &str) -> i64 {
    count(
        database,
        "SELECT (SELECT count(*) FROM outbox o LEFT JOIN subscriber_cursor c ON c.subscriber = 'notifications' \
         AND c.shard = o.shard WHERE c.id IS NULL OR (o.tx, o.id) > (c.tx, c.id)) + (SELECT count(*) FROM delivery \
         WHERE channel = 'email' AND status IN ('queued', 'failed', 'sending')) AS count",
    )
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    text: String,
}

fn count(database: &str, question: &str) -> i64 {
    rows::<Count>(database, question).first().expect("one row").count
}

fn rows<R>(database: &str, question: &str) -> Vec<R>
where
    R: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static,
{
    let query = sql_query(question);
    match database.strip_prefix("sqlite://") {
        Some(path) => query.load(&mut SqliteConnection::establish(path).expect("the database")),
        None => query.load(&mut PgConnection::establish(database).expect("the database")),
    }
    .unwrap_or_else(|error| panic!("{question}: {error}"))
}
