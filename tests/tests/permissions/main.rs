//! Every route, tried by every kind of caller, against what `matrix.txt` promises; and how the databases find what all of
//! them ask for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod matrix;
mod plans;
mod requests;
mod world;

use consilium_api::http::routes::routes;
use consilium_tests::app::{Backend, TestApp};

use crate::{
    matrix::{CALLERS, Matrix, Observed},
    world::World,
};

#[actix_rt::test]
async fn every_route_admits_whom_it_should_and_finds_its_rows_by_an_index_on_sqlite() {
    every_route(Backend::Sqlite).await;
}

#[actix_rt::test]
async fn every_route_admits_whom_it_should_and_finds_its_rows_by_an_index_on_postgres() {
    every_route(Backend::Postgres).await;
}

async fn every_route(backend: Backend) {
    plans::watch();
    let matrix = Matrix::written();
    // Consultations can be joined at any time, so that one clock serves all requests.
    let app = TestApp::start(backend, |config| config.consultations.early_join_minutes = 100_000).await;
    let world = World::new(&app).await;
    let mut observed = Observed::default();
    for route in routes() {
        let route = format!("{} {}", route.method, route.path);
        for caller in CALLERS {
            if matrix.asks(&route, caller) {
                let answer = requests::send(&world, &route, caller).await;
                assert!(answer.status != 500, "{route} as {caller}: {answer:#?}");
                observed.note(&route, caller, answer.status);
            }
        }
    }
    let wrong = matrix.differences(&observed);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    let slow = plans::slow_ones(&app);
    assert!(slow.is_empty(), "{} statements go through a table:\n{}", slow.len(), slow.join("\n"));
    app.server.abort().await;
}
