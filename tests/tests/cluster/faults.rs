//! Nodes and NATS that die or stand still: nothing that was acknowledged is lost, and the others go on.

use std::time::Duration;

use consilium_tests::{
    client::Person,
    cluster::{Clinic, History, eventually},
    socket::Socket,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

/// The clinic under load while `fault` is played; afterwards everything that was acknowledged is there, once.
async fn endures(clinic: &mut Clinic, fault: impl AsyncFnOnce(&mut Clinic)) {
    let doctor = clinic.doctor("ayesha").await;
    let (rafi, mina) = (clinic.patient("rafi").await, clinic.patient("mina").await);
    let consultation = clinic.consultation(&doctor, &rafi).await;
    let slots = doctor.slots(&doctor).await;
    let (his, hers, doctors) = (clinic.everywhere(&rafi), clinic.everywhere(&mina), clinic.everywhere(&doctor));
    let history = History::default();
    let working = async {
        tokio::join!(
            history.book(&his, &doctor, 0, &slots),
            history.book(&hers, &doctor, 1, &slots),
            history.book(&hers, &doctor, 2, &slots),
            history.say(&his, &consultation, 0),
            history.say(&doctors, &consultation, 1),
            history.watch(&his, &consultation, 1),
            history.watch(&doctors, &consultation, 2),
        )
    };
    let playing = async {
        sleep(Duration::from_secs(2)).await;
        fault(clinic).await;
        sleep(Duration::from_secs(2)).await;
        history.end();
    };
    tokio::join!(working, playing);
    history.audit(clinic, &[doctor]).await;
    let (booked, said) = history.acknowledged();
    let (retried, longest) = (history.retried.get(), history.longest.get());
    println!("{booked} booked, {said} said, {retried} tried again, nobody waited longer than {longest:?}");
    assert!(booked > 5 && said > 5, "that was no load");
    assert!(longest < Duration::from_secs(20), "the others took over too late");
    assert_eq!(history.violations.into_inner(), Vec::<String>::new());
}

#[actix_rt::test]
async fn killing_a_node_loses_nothing_and_the_others_take_over() {
    let mut clinic = Clinic::open().await;
    endures(&mut clinic, async |clinic| {
        clinic.kill(2).await;
        clinic.settled(2).await;
    })
    .await;
}

#[actix_rt::test]
async fn a_node_that_stood_still_owns_nothing_until_it_has_looked_again() {
    let mut clinic = Clinic::open().await;
    endures(&mut clinic, async |clinic| {
        clinic.server(1).halt();
        sleep(Duration::from_secs(8)).await; // its lease ends, and others own what it owned
        clinic.server(1).go_on();
        clinic.settled(3).await;
    })
    .await;
}

#[actix_rt::test]
async fn without_nats_nodes_say_so_and_everything_catches_up() {
    let mut clinic = Clinic::open().await;
    let (doctor, patient) = (clinic.doctor("ayesha").await, clinic.patient("rafi").await);
    let consultation = clinic.consultation(&doctor, &patient).await;
    let path = format!("/consultations/{consultation}/messages");
    let mut watchers = Vec::new();
    for node in 0..3 {
        watchers.push(Socket::open(&clinic.at(node, &doctor), &format!("consultation:{consultation}")).await);
        assert_eq!(clinic.ready(node).await["status"], "up");
    }
    clinic.nats.kill();
    for node in 0..3 {
        let degraded = async || clinic.ready(node).await["components"]["nats"] == "degraded";
        eventually("it is seen that NATS is gone", degraded).await;
        assert_eq!(clinic.ready(node).await["status"], "degraded");
        assert_eq!(clinic.client(node).get("//health/ready").await.status, 200, "it serves what it can");
    }
    // The owner goes on; the others ask to try again.
    let patients: Vec<Person> = (0..3).map(|node| clinic.at(node, &patient)).collect();
    let say = |n: usize| json!({"client_message_id": format!("m{n}"), "body": format!("m{n}")});
    let answers = join_all(patients.iter().map(|at| at.post(&path, say(0)).attempt())).await;
    let status: Vec<u16> = answers.into_iter().map(|answer| answer.expect("an answer").status).collect();
    assert_eq!((status.iter().filter(|s| **s == 201).count(), status.iter().filter(|s| **s == 503).count()), (1, 2));
    let owner = status.iter().position(|status| *status == 201).expect("one owns it");
    patients[owner].post(&path, say(1)).await.expect(201);
    let heard = async |socket: &mut Socket, body: &str| {
        let wanted = |frame: &Value| frame["event"] == "message_sent" && frame["data"]["body"] == body;
        tokio::time::timeout(Duration::from_secs(2), socket.until(wanted)).await.is_ok()
    };
    assert!(heard(&mut watchers[owner], "m1").await, "on its own node it is heard at once");
    let elsewhere = (owner + 1) % 3;
    let missed = watchers[elsewhere].until(|frame| frame["data"]["body"] == "m1");
    tokio::time::timeout(Duration::from_secs(20), missed).await.expect("they look into the database");

    patients[owner].post(&path, say(2)).await.expect(201);
    clinic.nats.again();
    for node in 0..3 {
        let up = async || clinic.ready(node).await["status"] == "up";
        eventually("it is seen that NATS is back", up).await;
    }
    let missed = watchers[elsewhere].until(|frame| frame["data"]["body"] == "m2");
    tokio::time::timeout(Duration::from_secs(20), missed).await.expect("what was missed comes");
    patients[elsewhere].post(&path, say(3)).await.expect(201);
    assert!(heard(&mut watchers[owner], "m3").await, "quickly again");
}
