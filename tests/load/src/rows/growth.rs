//! Growth: the time of each operation when ten times as much is stored.

use consilium_tests::app::Backend;

use crate::{
    drive::{self, Client},
    http::get,
    plan::Plan,
    report::{Aim, Row},
    rounds::{Compared, alternate},
    rows::{booking::Booker, chat::Writer, reads::Reader},
    stock::{self, Doctors},
    town::{Hours, Town},
};

/// Clients of each operation.
const CLIENTS: usize = 16;

/// A row for each operation.
pub async fn measure(plan: &Plan) -> Vec<Row> {
    let size: usize = plan.of(100, 20);
    let (small, large) = (town(plan, size).await, town(plan, 10 * size).await);
    let search = |_: &Town| vec![get("/api/v1/doctors?specialty=cardiology", None)];
    let slots = |town: &Town| {
        let path = |id: &str| get(&format!("/api/v1/doctors/{id}/slots"), None);
        town.doctors.iter().take(size).map(|doctor| path(&doctor.doctor_id)).collect()
    };
    let own = |town: &Town| {
        let asks = town.patients.iter().take(size);
        asks.map(|patient| get("/api/v1/appointments", Some(patient.token()))).collect()
    };
    let mut rows = vec![
        row("growth_search", "Doctor search", read(plan, &small, &large, search).await),
        row("growth_slots", "Free slots of a week", read(plan, &small, &large, slots).await),
        row("growth_own", "Own appointments", read(plan, &small, &large, own).await),
    ];
    let (mut few, mut many) = (Booker::all(&small, CLIENTS).await, Booker::all(&large, CLIENTS).await);
    rows.push(row("growth_book", "Booking", compare(plan, &mut few, &mut many).await));
    let (mut few, mut many) = (writers(&small).await, writers(&large).await);
    rows.push(row("growth_chat", "Chat", compare(plan, &mut few, &mut many).await));
    rows
}

/// As many doctors as patients, each of whom has a consultation; a hundred appointments of others for each doctor.
async fn town(plan: &Plan, size: usize) -> Town {
    let town = Town::build(&plan.program, Backend::Sqlite, Hours::All, size, size).await;
    town.book_some(3).await;
    let file = town.deployment.folder().join("consilium.db");
    tokio::task::spawn_blocking(move || stock::fill(&file, size * 100, Doctors::Known, 365))
        .await
        .expect("it is filled");
    town
}

async fn writers(town: &Town) -> Vec<Writer> {
    Writer::all(town.address(), &town.meet().await, CLIENTS).await
}

async fn read(plan: &Plan, small: &Town, large: &Town, requests: impl Fn(&Town) -> Vec<Vec<u8>>) -> Compared {
    let mut few = Reader::all(small.address(), CLIENTS, &requests(small)).await;
    let mut many = Reader::all(large.address(), CLIENTS, &requests(large)).await;
    compare(plan, &mut few, &mut many).await
}

/// Microseconds of one operation with much stored, and with little.
async fn compare<C: Client>(plan: &Plan, few: &mut Vec<C>, many: &mut Vec<C>) -> Compared {
    let turn = plan.turn();
    alternate(
        plan.rounds(),
        async || 1e6 / drive::saturate(many, turn).await,
        async || 1e6 / drive::saturate(few, turn).await,
    )
    .await
}

fn row(key: &'static str, path: &str, compared: Compared) -> Row {
    Row {
        key,
        path: format!("{path} with ten times as much stored"),
        limit: "the same with a tenth".to_owned(),
        unit: "µs",
        compared,
        aim: Aim::AtMost(1.3),
        why: "Indexes grow deeper and caches hold a smaller part.",
        latencies: None,
    }
}
