//! Every route, tried by every kind of caller, against what `matrix.txt` promises.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod matrix;
mod requests;
mod world;

use consilium_api::http::routes::routes;
use consilium_tests::app::on_both_with;

use crate::{
    matrix::{CALLERS, Matrix, Observed},
    world::World,
};

#[actix_rt::test]
async fn every_route_admits_whom_it_should() {
    let matrix = Matrix::written();
    // Consultations can be joined at any time, so that one clock serves all requests.
    on_both_with(
        |config| config.consultations.early_join_minutes = 100_000,
        async |app| {
            let world = World::new(app).await;
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
        },
    )
    .await;
}
