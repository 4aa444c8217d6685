//! Start: from running the program until it is ready, with many stored appointments and with none.

use std::time::Instant;

use consilium_tests::app::Backend;

use crate::{
    drive::Client,
    http::{Line, get},
    plan::Plan,
    report::{Aim, Row},
    rounds::alternate,
    rows::booking::Booker,
    stock::{self, Doctors},
    town::{Hours, Town},
};

/// One row.
pub async fn measure(plan: &Plan) -> Vec<Row> {
    let stored = plan.of(1_000_000, 50_000);
    let [full, empty] = [one_appointment(plan).await, one_appointment(plan).await];
    let file = full.deployment.folder().join("consilium.db");
    tokio::task::spawn_blocking(move || stock::fill(&file, stored, Doctors::Strangers, 1)).await.expect("it is filled");
    let (full, empty) = (stopped(full).await, stopped(empty).await);
    let compared = alternate(plan.of(9, 5), async || ready(&full).await, async || ready(&empty).await).await;
    vec![Row {
        key: "start",
        path: format!("Start to ready with {} appointments stored", crate::report::page::figure(stored as f64)),
        limit: "the same with one".to_owned(),
        unit: "ms",
        compared,
        aim: Aim::AtMost(1.5),
        why: "Something at start reads more the more is stored.",
        latencies: None,
    }]
}

async fn one_appointment(plan: &Plan) -> Town {
    let town = Town::build(&plan.program, Backend::Sqlite, Hours::All, 1, 1).await;
    Booker::all(&town, 1).await[0].once().await;
    town
}

async fn stopped(town: Town) -> consilium_tests::deployment::Deployment {
    town.server.stop().await;
    town.deployment
}

/// Milliseconds until it says that it is ready; then it is stopped.
async fn ready(deployment: &consilium_tests::deployment::Deployment) -> f64 {
    let begun = Instant::now();
    let server = deployment.serve().await;
    let mut line = Line::open(server.client.address()).await;
    line.expect(200, &get("/health/ready", None)).await;
    let taken = begun.elapsed();
    drop(line);
    server.stop().await;
    taken.as_secs_f64() * 1e3
}
