//! A bare group-commit loop on SQLite: one thread takes what waits, inserts the same rows as the server does for each,
//! commits once, answers all. The tables, their indexes and triggers are the server's own.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    thread::JoinHandle,
};

use rusqlite::{Connection, types::Value};
use tokio::sync::{mpsc, oneshot};

use crate::{
    drive::{self, Client},
    plan::Plan,
    rounds::{Compared, alternate},
    town::Town,
};

/// Jobs committed together at most, as in the server.
const BATCH: usize = 256;
/// What every connection of the server sets.
const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;";

/// Measures these clients of a town on SQLite beside a loop with as many, which inserts what one operation of theirs
/// leaves: a row in each of the tables.
pub async fn beside<C: Client>(plan: &Plan, town: &Town, tables: &[&'static str], clients: &mut Vec<C>) -> Compared {
    let file = town.deployment.folder().join("consilium.db");
    let ends = Ends::of(&file, tables);
    clients[0].once().await;
    let recorded = ends.since(&file, tables.len());
    let bare = Loop::start(&file, &town.deployment.folder().join("limit.db"), recorded);
    let mut waiters = bare.waiters(clients.len());
    let turn = plan.turn();
    let compared = alternate(
        plan.rounds(),
        async || drive::saturate(clients, turn).await,
        async || drive::saturate(&mut waiters, turn).await,
    )
    .await;
    drop(waiters);
    bare.stop();
    compared
}

/// The rows that one operation of the server has inserted.
#[derive(Debug, Clone)]
struct Recorded(Vec<(String, Vec<Value>)>);

/// Where each table ends, before the operation.
struct Ends(BTreeMap<&'static str, i64>);

impl Ends {
    /// Of these tables in the database at `file`.
    pub fn of(file: &Path, tables: &[&'static str]) -> Self {
        let connection = Connection::open(file).expect("the server's database");
        let end = |table| {
            let query = format!("SELECT coalesce(max(rowid), 0) FROM {table}");
            (table, connection.query_row(&query, [], |row| row.get(0)).expect("a table"))
        };
        Self(tables.iter().copied().map(end).collect())
    }

    /// What stands in them behind the ends now; `exactly` so many rows.
    pub fn since(&self, file: &Path, exactly: usize) -> Recorded {
        let connection = Connection::open(file).expect("the server's database");
        let mut rows = Vec::new();
        for (table, end) in &self.0 {
            let columns = insertable(&connection, table);
            let query = format!("SELECT {} FROM {table} WHERE rowid > {end}", columns.join(", "));
            let mut statement = connection.prepare(&query).expect("a query");
            let places = vec!["?"; columns.len()].join(", ");
            let insert = format!("INSERT INTO {table} ({}) VALUES ({places})", columns.join(", "));
            let found = statement.query_map([], |row| (0..columns.len()).map(|at| row.get(at)).collect());
            let found = found.expect("rows").map(|values| (insert.clone(), values.expect("a row")));
            rows.extend(found);
        }
        assert_eq!(rows.len(), exactly, "the operation writes other rows than it did: {rows:#?}");
        Recorded(rows)
    }
}

/// The columns of a table, but for one that SQLite numbers itself.
fn insertable(connection: &Connection, table: &str) -> Vec<String> {
    let query = format!("SELECT name FROM pragma_table_info('{table}') WHERE NOT (type = 'INTEGER' AND pk = 1)");
    let mut statement = connection.prepare(&query).expect("a query");
    statement.query_map([], |row| row.get(0)).expect("columns").map(|name| name.expect("a name")).collect()
}

impl Recorded {
    /// The same rows for another operation: every id but the facility's is another one, the same for the same.
    fn anew(&self, facility: &[u8]) -> Vec<Vec<Value>> {
        let mut others: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        let mut other =
            |id: &[u8]| others.entry(id.to_vec()).or_insert_with(|| fastrand::u128(..).to_be_bytes().to_vec()).clone();
        let renewed = |value: &Value, other: &mut dyn FnMut(&[u8]) -> Vec<u8>| match value {
            Value::Blob(id) if id.len() == 16 && id != facility => Value::Blob(other(id)),
            // `consultation:<uuid>`
            Value::Text(topic) if topic.len() > 36 && topic.contains(':') && uuid_at_end(topic).is_some() => {
                let id = uuid_at_end(topic).expect("looked at");
                Value::Text(format!("{}{}", &topic[..topic.len() - 36], hyphenated(&other(&id))))
            }
            other => other.clone(),
        };
        let rows = self.0.iter();
        rows.map(|(_, values)| values.iter().map(|value| renewed(value, &mut other)).collect()).collect()
    }
}

fn uuid_at_end(text: &str) -> Option<Vec<u8>> {
    let digits = text.get(text.len() - 36..)?.replace('-', "");
    u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32).map(|id| id.to_be_bytes().to_vec())
}

fn hyphenated(id: &[u8]) -> String {
    let digits: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}

type Job = oneshot::Sender<()>;

/// The loop; it ends with this value and its clients.
struct Loop {
    jobs: mpsc::Sender<Job>,
    writer: Option<JoinHandle<()>>,
}

/// Somebody who waits for commits.
pub struct Waiter(mpsc::Sender<Job>);

impl Loop {
    /// Works on a copy of the server's database, at `copy`.
    pub fn start(database: &Path, copy: &Path, recorded: Recorded) -> Self {
        let original = Connection::open(database).expect("the server's database");
        original.execute("VACUUM INTO ?1", [copy.to_str().expect("a path")]).expect("a copy");
        let connection = Connection::open(copy).expect("the copy");
        connection.execute_batch(SETTINGS).expect("settings");
        let facility = "00000000000070008000000000000001";
        let facility = u128::from_str_radix(facility, 16).expect("the main facility").to_be_bytes();
        let (jobs, waiting) = mpsc::channel(4_096);
        let writer = std::thread::spawn(move || run(&connection, waiting, &recorded, &facility));
        Self { jobs, writer: Some(writer) }
    }

    /// So many that wait.
    pub fn waiters(&self, count: usize) -> Vec<Waiter> {
        (0..count).map(|_| Waiter(self.jobs.clone())).collect()
    }

    /// Ends it, when its waiters are gone.
    pub fn stop(mut self) {
        let writer = self.writer.take();
        drop(self);
        writer.expect("it runs").join().expect("it ends well");
    }
}

fn run(connection: &Connection, mut waiting: mpsc::Receiver<Job>, recorded: &Recorded, facility: &[u8]) {
    let prepared = recorded.0.iter().map(|(insert, _)| connection.prepare(insert).expect("a statement"));
    let mut statements: Vec<_> = prepared.collect();
    let mut jobs = Vec::with_capacity(BATCH);
    while waiting.blocking_recv_many(&mut jobs, BATCH) > 0 {
        connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
        for _ in &jobs {
            for (statement, values) in statements.iter_mut().zip(recorded.anew(facility)) {
                statement.execute(rusqlite::params_from_iter(values)).expect("a row");
            }
        }
        connection.execute_batch("COMMIT").expect("a commit");
        for job in jobs.drain(..) {
            let _ = job.send(()); // whoever is gone does not wait
        }
    }
}

impl Client for Waiter {
    async fn once(&mut self) {
        let (done, committed) = oneshot::channel();
        self.0.send(done).await.expect("the loop runs");
        committed.await.expect("a commit");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_recorded_and_get_other_ids() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let connection = Connection::open(&file).unwrap();
        let tables = "CREATE TABLE visit (id BLOB PRIMARY KEY, topic TEXT, note TEXT); \
            CREATE TABLE line (id INTEGER PRIMARY KEY, visit BLOB NOT NULL)";
        connection.execute_batch(tables).unwrap();
        let ends = Ends::of(&file, &["visit", "line"]);
        let id = [7_u8; 16].to_vec();
        let topic = format!("consultation:{}", hyphenated(&id));
        connection.execute("INSERT INTO visit VALUES (?1, ?2, 'a note')", (&id, &topic)).unwrap();
        connection.execute("INSERT INTO line (visit) VALUES (?1)", (&id,)).unwrap();
        let recorded = ends.since(&file, 2);
        let rows = recorded.anew(&[1; 16]);
        let (Value::Blob(line), [Value::Blob(visit), Value::Text(other), note]) = (&rows[0][0], &rows[1][..]) else {
            panic!("{rows:?}")
        };
        assert!(line == visit && *visit != id, "one other id for the same one");
        assert_eq!(*other, format!("consultation:{}", hyphenated(visit)));
        assert_eq!(*note, Value::Text("a note".to_owned()));
        assert_eq!(recorded.anew(&id)[0][0], Value::Blob(id), "the facility stays");
    }
}
