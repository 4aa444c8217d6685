//! Booking: on SQLite beside a bare group-commit loop, on PostgreSQL beside pgbench.

use std::sync::Arc;

use consilium_kernel::{Clock, SystemClock, Timestamp};
use consilium_tests::app::Backend;
use jiff::ToSpan;
use serde_json::json;

use crate::{
    drive::{self, Client},
    http::{Line, post},
    limits::{
        group_commit,
        pgbench::{self, Recorder, Scripts},
    },
    plan::Plan,
    report::{Aim, Row},
    rounds::{Compared, alternate},
    town::{Hours, Town},
};

/// Clients that book at once on SQLite.
const SQLITE_CLIENTS: usize = 64;
/// And on PostgreSQL.
const POSTGRES_CLIENTS: usize = 16;
/// Where a booking leaves rows: one in each.
const TABLES: &[&str] = &["appointment", "occupancy", "outbox", "audit_entry", "timer"];

/// A patient who books one slot after the other, each of another doctor.
pub struct Booker {
    line: Line,
    token: String,
    doctors: Arc<Vec<String>>,
    /// Which of the patients this is, and of how many.
    place: (usize, usize),
    /// Of the first slot.
    begin: Timestamp,
    booked: usize,
}

impl Booker {
    /// The first `count` patients of a town whose doctors, at least as many, work around the clock.
    pub async fn all(town: &Town, count: usize) -> Vec<Self> {
        assert!(count <= town.doctors.len(), "two of them would ask for the same slot");
        let doctors = Arc::new(town.doctors.iter().map(|doctor| doctor.doctor_id.clone()).collect::<Vec<_>>());
        let midnight = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).start_of_day().expect("days begin");
        let begin = midnight.saturating_add(2.days()).timestamp();
        let mut bookers = Vec::new();
        for (place, patient) in town.patients.iter().take(count).enumerate() {
            let (line, token) = (Line::open(town.address()).await, patient.token().to_owned());
            let (doctors, place) = (doctors.clone(), (place, count));
            bookers.push(Self { line, token, doctors, place, begin, booked: 0 });
        }
        bookers
    }
}

impl Booker {
    /// Whom it asks next.
    pub fn doctor(&self) -> &str {
        let (place, of) = self.place;
        &self.doctors[(place + self.booked * of) % self.doctors.len()]
    }
}

impl Client for Booker {
    async fn once(&mut self) {
        let doctor = self.doctor();
        let starts_at = self.begin + (self.booked as i64 * 5).minutes();
        let wish =
            json!({"doctor_id": doctor, "starts_at": starts_at, "reason": "A cough for a week", "visit_type": "video"});
        self.line.expect(201, &post("/api/v1/appointments", Some(&self.token), &wish.to_string())).await;
        self.booked += 1;
    }
}

/// On both databases.
pub async fn measure(plan: &Plan) -> Vec<Row> {
    vec![on_postgres(plan).await, on_sqlite(plan).await]
}

async fn on_postgres(plan: &Plan) -> Row {
    let town = Town::build(&plan.program, Backend::Postgres, Hours::All, plan.of(128, 32), POSTGRES_CLIENTS).await;
    let mut bookers = Booker::all(&town, POSTGRES_CLIENTS).await;
    for booker in &mut bookers {
        booker.once().await; // and its patient has a key
    }
    let mut recorder = Recorder::start(&town.deployment.database).await;
    let mut operations = Vec::new();
    for (booker, patient) in bookers.iter_mut().zip(&town.patients) {
        let doctor = booker.doctor().to_owned();
        let recorded = recorder.record(booker.once()).await;
        let statements = pgbench::operation(&recorded, &[&doctor, "login_session"], "INSERT INTO \"appointment\"");
        let kept = [&doctor, &patient.id, &patient.patient_id].map(String::clone);
        operations.push((statements, kept.to_vec()));
    }
    recorder.stop().await;
    let statements = operations[0].0.len();
    let scripts = Scripts::write(&town.deployment, &operations);
    let turn = plan.turn();
    let compared = alternate(
        plan.rounds(),
        async || drive::saturate(&mut bookers, turn).await,
        async || scripts.run(POSTGRES_CLIENTS, turn).await,
    )
    .await;
    row(
        "book_postgres",
        &format!("Booking on PostgreSQL, {POSTGRES_CLIENTS} clients"),
        &format!("pgbench with the same {statements} statements, recorded from the server"),
        compared,
        0.6,
    )
}

async fn on_sqlite(plan: &Plan) -> Row {
    let town = Town::build(&plan.program, Backend::Sqlite, Hours::All, plan.of(256, 64), SQLITE_CLIENTS).await;
    let mut bookers = Booker::all(&town, SQLITE_CLIENTS).await;
    bookers[0].once().await; // and its patient has a key
    let compared = group_commit::beside(plan, &town, TABLES, &mut bookers).await;
    row(
        "book_sqlite",
        &format!("Booking on SQLite, {SQLITE_CLIENTS} clients"),
        "bare group-commit loop that inserts the same five rows",
        compared,
        0.5,
    )
}

fn row(key: &'static str, path: &str, limit: &str, compared: Compared, least: f64) -> Row {
    Row {
        key,
        path: path.to_owned(),
        limit: limit.to_owned(),
        unit: "bookings/s",
        compared,
        aim: Aim::AtLeast(least),
        why: "On two processors the limit has the machine for itself, while a booking shares it with the client, HTTP, \
              the check of the token, the actor, encryption and the subscribers that read the outbox afterwards.",
        latencies: None,
    }
}
