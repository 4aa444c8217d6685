//! Nodes and NATS that die or stand still: nothing that was acknowledged is lost, and the others go on.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use consilium_tests::{
    client::{Answer, Call, Person, text},
    socket::Socket,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::clinic::{Clinic, eventually};

/// What was acknowledged, and for how long anybody was without an answer.
#[derive(Default)]
struct History {
    booked: RefCell<BTreeMap<String, String>>,
    said: RefCell<BTreeMap<String, i64>>,
    retried: Cell<u32>,
    longest: Cell<Duration>,
    ending: Cell<bool>,
}

impl History {
    /// Asks until there is an answer, at another node when one is silent.
    async fn ask(&self, nodes: &[Person], first: usize, call: impl Fn(&Person) -> Call) -> Answer {
        let begun = Instant::now();
        for attempt in 0.. {
            let asked = tokio::time::timeout(Duration::from_secs(3), call(&nodes[(first + attempt) % nodes.len()]).attempt());
            match asked.await {
                Ok(Ok(answer)) if answer.status != 503 => {
                    self.longest.set(self.longest.get().max(begun.elapsed()));
                    return answer;
                }
                _ => self.retried.set(self.retried.get() + 1),
            }
            assert!(begun.elapsed() < Duration::from_secs(40), "nobody answers");
            sleep(Duration::from_millis(100)).await;
        }
        unreachable!("it goes on for ever")
    }

    async fn book(&self, patient: &[Person], doctor: &Person, n: usize, slots: &[String]) {
        for (round, slot) in slots.iter().enumerate() {
            if self.ending.get() {
                return;
            }
            let key = format!("book-{n}-{round}");
            let answer = self.ask(patient, n, |at| at.book(doctor, slot).key(&key)).await;
            match answer.status {
                201 => {
                    let before = self.booked.borrow_mut().insert(slot.clone(), text(&answer.body, "id").to_owned());
                    assert_eq!(before, None, "{slot} was booked twice");
                }
                409 => assert_eq!(text(&answer.body, "code"), "slot_taken"),
                _ => panic!("{answer:?}"),
            }
        }
    }

    async fn say(&self, who: &[Person], consultation: &str, first: usize) {
        for n in 0.. {
            if self.ending.get() {
                return;
            }
            let (id, path) = (format!("{first}-{n}"), format!("/consultations/{consultation}/messages"));
            let message = json!({"client_message_id": id, "body": id});
            let answer = self.ask(who, first, |at| at.post(&path, message.clone())).await;
            let seq = answer.expect(201)["seq"].as_i64().expect("a number");
            self.said.borrow_mut().insert(id, seq);
        }
    }
}

/// The clinic under load while `fault` is played; afterwards everything that was acknowledged is there, once.
async fn endures(clinic: &mut Clinic, fault: impl AsyncFnOnce(&mut Clinic)) {
    let (doctor, patients) = (clinic.doctor("ayesha").await, [clinic.patient("rafi").await, clinic.patient("mina").await]);
    let consultation = clinic.consultation(&doctor, &patients[0], 0).await;
    let slots = doctor.slots(&doctor).await;
    let everywhere = |who: &Person| (0..3).map(|node| clinic.at(node, who)).collect::<Vec<_>>();
    let (his, hers, doctors) = (everywhere(&patients[0]), everywhere(&patients[1]), everywhere(&doctor));
    let history = History::default();
    let working = async {
        tokio::join!(
            history.book(&his, &doctor, 0, &slots),
            history.book(&hers, &doctor, 1, &slots),
            history.book(&hers, &doctor, 2, &slots),
            history.say(&his, &consultation, 0),
            history.say(&doctors, &consultation, 1),
            history.say(&doctors, &consultation, 2),
        )
    };
    let playing = async {
        sleep(Duration::from_secs(2)).await;
        fault(clinic).await;
        sleep(Duration::from_secs(2)).await;
        history.ending.set(true);
    };
    tokio::join!(working, playing);

    let (booked, said) = (history.booked.into_inner(), history.said.into_inner());
    println!(
        "{} booked, {} said, {} tried again, nobody waited longer than {:?}",
        booked.len(),
        said.len(),
        history.retried.get(),
        history.longest.get()
    );
    assert!(booked.len() > 5 && said.len() > 5, "that was no load");
    assert!(history.longest.get() < Duration::from_secs(20), "the others took over too late");
    let reader = clinic.nodes[0].client.login(&doctor.name).await;
    let path = format!("/consultations/{consultation}/messages?limit=100");
    let mut stored = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = reader.get(&format!("{path}{cursor}")).await.expect(200);
        for message in page["items"].as_array().expect("a list") {
            let before = stored.insert(text(message, "body").to_owned(), message["seq"].as_i64().expect("a number"));
            assert_eq!(before, None, "a message stands there twice");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for (id, seq) in &said {
        assert_eq!(stored.get(id), Some(seq), "message {id} was acknowledged");
    }
    let numbers: BTreeSet<i64> = stored.values().copied().collect();
    assert_eq!(numbers.len(), stored.len(), "each number once");
    for (slot, id) in &booked {
        let found = clinic.nodes[0].client.login("admin").await.get(&format!("/appointments/{id}")).await.expect(200);
        assert_eq!(text(&found, "starts_at"), slot);
    }
    assert_eq!(clinic.deployment.verify_audit(), None);
}

#[actix_rt::test]
async fn killing_a_node_loses_nothing_and_the_others_take_over() {
    let mut clinic = Clinic::open().await;
    endures(&mut clinic, async |clinic| {
        clinic.nodes[2].kill().await;
        clinic.settled(2).await;
    })
    .await;
}

#[actix_rt::test]
async fn a_node_that_stood_still_owns_nothing_until_it_has_looked_again() {
    let mut clinic = Clinic::open().await;
    endures(&mut clinic, async |clinic| {
        clinic.nodes[1].halt();
        sleep(Duration::from_secs(8)).await; // its lease ends, and others own what it owned
        clinic.nodes[1].go_on();
        clinic.settled(3).await;
    })
    .await;
}

#[actix_rt::test]
async fn without_nats_nodes_say_so_and_everything_catches_up() {
    let mut clinic = Clinic::open().await;
    let (doctor, patient) = (clinic.doctor("ayesha").await, clinic.patient("rafi").await);
    let consultation = clinic.consultation(&doctor, &patient, 0).await;
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
        assert_eq!(clinic.nodes[node].client.get("//health/ready").await.status, 200, "it serves what it can");
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
    assert!(!heard(&mut watchers[elsewhere], "m1").await, "there is no quick way to the others");
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
