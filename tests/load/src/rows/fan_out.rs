//! Fan-out: from one participant who types to the other one who sees it, beside an echo at the same rate.

use consilium_tests::app::Backend;
use serde_json::json;

use crate::{
    crowd::{Crowd, Pair, Seat},
    drive::{self, p99},
    limits,
    plan::Plan,
    report::{Aim, Row},
    rounds::compare,
    town::{Hours, Meeting, Town},
};

/// Processes that hold the connections.
const PROCESSES: usize = 2;
/// What an echo sends back: as long as the frame that tells of typing.
const ECHO: &str = "typing";

/// Two connections for each consultation.
pub async fn measure(plan: &Plan) -> Vec<Row> {
    let (meetings, rate) = plan.of((4_000, 1_000.0), (100, 100.0));
    let town = Town::build(&plan.program, Backend::Sqlite, Hours::Office, meetings / 50, meetings).await;
    let meetings = town.meet().await;
    let pairs: Vec<Pair> = meetings.iter().map(typing).collect();
    let echo = limits::echo::start().await;
    // As many connections to the echo, of which each speaks and hears.
    let seat = || Seat { path: "/".to_owned(), token: None, topic: None };
    let bare = |pair: &Pair| Pair {
        sender: seat(),
        hearer: None,
        frame: format!("{ECHO} {}", "-".repeat(pair.frame.len() - ECHO.len() - 1)),
        heard: ECHO.to_owned(),
    };
    let bare: Vec<Pair> = pairs.iter().chain(&pairs).map(bare).collect();
    let mut ours = Crowd::gather(town.address(), &pairs, PROCESSES).await;
    let mut limit = Crowd::gather(&echo.address, &bare, PROCESSES).await;
    let (mut all, mut all_bare, mut compared) = (drive::histogram(), drive::histogram(), Vec::new());
    let length = plan.turn() * 2;
    for _ in 0..plan.rounds() {
        let (one, other) = (ours.talk(rate, length).await, limit.talk(rate, length).await);
        compared.push((p99(&one), p99(&other)));
        all.add(one).expect("of the same kind");
        all_bare.add(other).expect("of the same kind");
    }
    vec![Row {
        key: "fan_out_p99",
        path: format!(
            "WebSocket, typing: p99 over {} connections in {} consultations, {rate} signals/s",
            bare.len(),
            pairs.len()
        ),
        limit: "bare actix-web-actors echo, as many connections, same rate".to_owned(),
        unit: "ms",
        compared: compare(&compared),
        aim: Aim::AtMost(3.0),
        why: "A signal is parsed and passes from the sender's worker over the event bus to the other one's thread; an \
              echo turns around in one.",
        latencies: Some((all, all_bare)),
    }]
}

/// The doctor types, the patient sees it.
fn typing(meeting: &Meeting) -> Pair {
    let seat = |token: &str| Seat {
        path: "/api/v1/ws".to_owned(),
        token: Some(token.to_owned()),
        topic: Some(meeting.topic()),
    };
    let frame = json!({"type": "command", "id": "1", "topic": meeting.topic(), "command": "typing", "data": {}});
    Pair {
        sender: seat(&meeting.doctor),
        hearer: Some(seat(&meeting.patient)),
        frame: frame.to_string(),
        heard: "\"signal\":\"typing\"".to_owned(),
    }
}
