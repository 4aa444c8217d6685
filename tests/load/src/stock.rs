//! Many stored appointments, put into a SQLite database past the server: copies of one that was really booked.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

/// Appointments that are written in one transaction: a server that runs beside waits no longer than it may.
const AT_ONCE: usize = 20_000;
/// Doctors among whom they are shared out when there is nobody in particular.
const DOCTORS: usize = 1_000;
/// Minutes from one to the next of the same doctor.
const STEP: usize = 180;

/// Of whom the appointments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doctors {
    /// Of all who have hours.
    Known,
    /// Of nobody who has an account.
    Strangers,
}

/// Adds so many appointments, from so many days ahead on, each of another patient, with the time they hold and their
/// timers.
pub fn fill(file: &Path, count: usize, doctors: Doctors, days_ahead: usize) {
    let mut connection = Connection::open(file).expect("the server's database");
    let settings = "PRAGMA busy_timeout = 60000; PRAGMA cache_size = -200000; PRAGMA foreign_keys = OFF; \
        CREATE TEMP TABLE of (number INTEGER PRIMARY KEY, doctor BLOB NOT NULL)";
    connection.execute_batch(settings).expect("settings");
    let doctors = if doctors == Doctors::Known {
        "INSERT INTO of SELECT row_number() OVER (ORDER BY doctor_id) - 1, doctor_id FROM availability".to_owned()
    } else {
        format!(
            "INSERT INTO of WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {DOCTORS} - 1) \
             SELECT i, randomblob(16) FROM n"
        )
    };
    let doctors = connection.execute(&doctors, []).expect("doctors");
    let columns: Vec<String> = {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info('appointment')").expect("a query");
        statement.query_map([], |row| row.get(0)).expect("columns").map(|name| name.expect("a name")).collect()
    };
    let values: Vec<String> = columns.iter().map(|column| value(column, doctors, days_ahead)).collect();
    let appointments = format!(
        "INSERT INTO appointment ({}) WITH RECURSIVE n (i) AS (VALUES (?1) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) \
         SELECT {} FROM n JOIN of ON of.number = n.i % {doctors}, (SELECT * FROM appointment ORDER BY rowid LIMIT 1) AS one",
        columns.join(", "),
        values.join(", "),
    );
    let held = "INSERT INTO occupancy (id, facility_id, doctor_id, source, appointment_id, starts_at, ends_at) \
        SELECT randomblob(16), a.facility_id, a.doctor_id, one.source, a.id, a.starts_at, a.ends_at \
        FROM appointment AS a, (SELECT source FROM occupancy ORDER BY rowid LIMIT 1) AS one WHERE a.rowid > ?1";
    let timers = "INSERT INTO timer (id, kind, entity_kind, entity_id, revision, facility_id, due_at, retry_at) \
        SELECT randomblob(16), one.kind, one.entity_kind, a.id, 0, a.facility_id, a.starts_at, a.starts_at \
        FROM appointment AS a, (SELECT kind, entity_kind FROM timer WHERE entity_kind = 'appointment' LIMIT 1) AS one \
        WHERE a.rowid > ?1";
    for begin in (0..count).step_by(AT_ONCE) {
        // A deferred one that turns into a writer fails when the server has written in between.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).expect("a transaction");
        let last: i64 =
            transaction.query_row("SELECT max(rowid) FROM appointment", [], |row| row.get(0)).expect("one is there");
        transaction.execute(&appointments, [begin as i64, (begin + AT_ONCE).min(count) as i64]).expect("appointments");
        let written = transaction.execute(held, [last]).expect("their time");
        assert_eq!(written, transaction.execute(timers, [last]).expect("their timers"));
        transaction.commit().expect("a commit");
    }
}

fn value(column: &str, doctors: usize, days_ahead: usize) -> String {
    let time = |minutes: usize| {
        format!(
            "strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now', 'start of day', '+{days_ahead} days', \
             ((n.i / {doctors}) * {STEP} + {minutes}) || ' minutes')"
        )
    };
    match column {
        "id" | "patient_id" => "randomblob(16)".to_owned(),
        "doctor_id" => "of.doctor".to_owned(),
        "starts_at" => time(0),
        "ends_at" => time(30),
        "consultation_id" => "NULL".to_owned(),
        other => format!("one.{other}"),
    }
}
