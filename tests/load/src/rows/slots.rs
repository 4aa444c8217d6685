//! Who of many doctors is free on a day, for each day of a month, beside one scan of the same rows by their indexes.

use std::{path::Path, time::Instant};

use consilium_kernel::{Clock, SystemClock, Timestamp};
use consilium_tests::app::Backend;
use jiff::{ToSpan, Zoned, tz::TimeZone};
use rusqlite::Connection;

use crate::{
    http::{Line, get},
    plan::Plan,
    report::{Aim, Row},
    rounds::alternate,
    stock::{self, Doctors},
    town::{Hours, Town},
};

const DAYS: i64 = 30;
/// Appointments of each doctor in that time and some days more.
const EACH: usize = 280;

/// One row.
pub async fn measure(plan: &Plan) -> Vec<Row> {
    let doctors: usize = plan.of(1_000, 100);
    let town = Town::build(&plan.program, Backend::Sqlite, Hours::Office, doctors, 1).await;
    town.book_some(1).await;
    let file = town.deployment.folder().join("consilium.db");
    let filled = file.clone();
    tokio::task::spawn_blocking(move || stock::fill(&filled, doctors * EACH, Doctors::Known, 2))
        .await
        .expect("it is filled");
    let today = SystemClock.now().to_zoned(TimeZone::UTC).start_of_day().expect("days begin");
    let days: Vec<Zoned> = (1..=DAYS).map(|day| today.saturating_add(day.days())).collect();
    let mut line = Line::open(town.address()).await;
    let scan = Scan::new(&file);
    let compared = alternate(
        plan.rounds(),
        async || {
            let begun = Instant::now();
            for day in &days {
                let path = format!("/api/v1/doctors?available_on={}", day.date());
                line.expect(200, &get(&path, None)).await;
            }
            begun.elapsed().as_secs_f64() * 1e3 / DAYS as f64
        },
        async || {
            let begun = Instant::now();
            for day in &days {
                let rows = scan.of(day);
                assert!(rows >= doctors, "the scan sees {rows} rows");
            }
            begun.elapsed().as_secs_f64() * 1e3 / DAYS as f64
        },
    )
    .await;
    vec![Row {
        key: "available_on",
        path: format!("Who of {doctors} doctors is free on a day, over {DAYS} days"),
        limit: "scans of the same hours and held times by their indexes".to_owned(),
        unit: "ms",
        compared,
        aim: Aim::AtMost(10.0),
        why: "The scan counts rows; the search parses each doctor's hours, works out in the doctor's zone which slots \
              follow from them, takes those away that are held, and lists the doctors who are left.",
        latencies: None,
    }]
}

/// What the search reads, read by nothing but SQLite.
struct Scan(Connection);

impl Scan {
    fn new(file: &Path) -> Self {
        let connection = Connection::open(file).expect("the server's database");
        connection.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA cache_size = -16000").expect("settings");
        Self(connection)
    }

    /// Rows that hold something two days around `day`.
    fn of(&self, day: &Zoned) -> usize {
        let edge = |days: i64| format!("{:.6}", Timestamp::from(day.saturating_add(days.days())));
        let hours = self.rows(
            "SELECT doctor_id, time_zone, rules, version FROM availability WHERE doctor_id > ?1",
            [&[0_u8; 1][..]],
        );
        let held = "SELECT doctor_id, appointment_id, starts_at, ends_at FROM occupancy INDEXED BY occupancy_by_facility \
            WHERE facility_id = (SELECT id FROM facility) AND ends_at > ?1 AND starts_at < ?2";
        hours + self.rows(held, [edge(-3), edge(4)])
    }

    fn rows(&self, query: &str, parameters: impl rusqlite::Params) -> usize {
        let mut statement = self.0.prepare(query).expect("a query");
        let mut rows = statement.query(parameters).expect("rows");
        let (mut count, mut bytes) = (0, 0);
        while let Some(row) = rows.next().expect("a row") {
            let values = (0..4).map(|at| row.get_ref(at).expect("a column"));
            bytes += values.filter_map(|value| value.as_bytes().ok().map(<[u8]>::len)).sum::<usize>();
            count += 1;
        }
        assert!(bytes >= count, "{query}");
        count
    }
}
