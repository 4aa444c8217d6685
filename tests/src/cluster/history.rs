//! What was acknowledged while faults are played, and whether all of it is there afterwards.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Clinic, watcher};
use crate::client::{Answer, Call, Person, text};

/// How long a client waits for a node before it asks another one.
const PATIENCE: Duration = Duration::from_secs(3);
/// Somebody else has the slot, the patient is elsewhere at that time, or the same was asked twice at once.
const TAKEN: [&str; 3] = ["slot_taken", "patient_busy", "in_progress"];
/// After this long without any answer, the service is down.
const DOWN: Duration = Duration::from_secs(60);

/// Everything that was answered, and what was wrong with it.
#[derive(Default)]
pub struct History {
    /// By slot, the appointment.
    booked: RefCell<BTreeMap<String, String>>,
    /// By consultation and message, the number it was given.
    said: RefCell<BTreeMap<(String, String), i64>>,
    /// By watcher, the consultation and the messages it was shown.
    heard: RefCell<BTreeMap<String, (String, Vec<String>)>>,
    /// What must not be.
    pub violations: RefCell<Vec<String>>,
    /// How much of it is an acknowledged write that is not there.
    pub lost: Cell<usize>,
    /// Calls that were made again: not now, no answer, or a line that was cut.
    pub retried: Cell<u32>,
    /// The longest that anybody waited, with all that was tried again.
    pub longest: Cell<Duration>,
    ending: Cell<bool>,
}

impl History {
    /// Everybody is to come to an end.
    pub fn end(&self) {
        self.ending.set(true);
    }

    /// Whether everybody is to come to an end.
    pub fn is_ending(&self) -> bool {
        self.ending.get()
    }

    /// How much was booked, and said.
    pub fn acknowledged(&self) -> (usize, usize) {
        (self.booked.borrow().len(), self.said.borrow().len())
    }

    pub(super) fn wrong(&self, what: String) {
        println!("  WRONG: {what}");
        self.violations.borrow_mut().push(what);
    }

    fn lost(&self, what: String) {
        self.lost.set(self.lost.get() + 1);
        self.wrong(what);
    }

    /// Asks until there is an answer, at another node when one is silent or is not to be asked.
    async fn ask(&self, nodes: &[Person], first: usize, call: impl Fn(&Person) -> Call) -> Option<Answer> {
        let begun = Instant::now();
        for attempt in first.. {
            let asked = tokio::time::timeout(PATIENCE, call(&nodes[attempt % nodes.len()]).attempt());
            match asked.await {
                // A node whose clock is wrong takes a token for expired (401), and says that it is not ready. One that
                // stood still takes a new connection for one that sends nothing (408).
                Ok(Ok(answer)) if ![401, 408, 503].contains(&answer.status) => {
                    self.longest.set(self.longest.get().max(begun.elapsed()));
                    return Some(answer);
                }
                _ => self.retried.set(self.retried.get() + 1),
            }
            if begun.elapsed() > DOWN {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        self.wrong("nobody answers".to_owned());
        self.end();
        None
    }

    /// Somebody books one slot after the other, if nobody is faster. `patient` and `doctor` at each node.
    pub async fn book(&self, patient: &[Person], doctor: &Person, first: usize, slots: &[String]) {
        for slot in slots {
            let key = format!("{first} {} {} {slot}", patient[0].name, doctor.name);
            if self.ending.get() {
                return;
            }
            let Some(answer) = self.ask(patient, first, |at| at.book(doctor, slot).key(&key)).await else { return };
            match answer.status {
                201 => {
                    let id = text(&answer.body, "id").to_owned();
                    let place = format!("{} {slot}", doctor.doctor_id);
                    if let Some(other) = self.booked.borrow_mut().insert(place, id.clone()) {
                        self.wrong(format!("{slot} was booked twice: {other} and {id}"));
                    }
                }
                409 if TAKEN.contains(&text(&answer.body, "code")) => {}
                status => self.wrong(format!("booking {slot}: {status} {}", answer.body)),
            }
        }
    }

    /// Somebody says one thing after the other. `who` at each node.
    pub async fn say(&self, who: &[Person], consultation: &str, first: usize) {
        let path = format!("/consultations/{consultation}/messages");
        for n in 0.. {
            if self.ending.get() {
                return;
            }
            let id = format!("{}-{first}-{n}", who[0].name);
            let message = json!({"client_message_id": id, "body": id});
            let Some(answer) = self.ask(who, first, |at| at.post(&path, message.clone())).await else { return };
            match (answer.status, answer.body["seq"].as_i64()) {
                (201, Some(seq)) => {
                    self.said.borrow_mut().insert((consultation.to_owned(), id), seq);
                }
                (status, _) => self.wrong(format!("saying {id}: {status} {}", answer.body)),
            }
        }
    }

    /// Somebody watches a consultation, at one node after the other, until everybody has come to an end and nothing
    /// new comes.
    pub async fn watch(&self, who: &[Person], consultation: &str, first: usize) {
        let heard = watcher::watch(self, who, consultation, first).await;
        self.heard
            .borrow_mut()
            .insert(format!("{} {consultation} {first}", who[0].name), (consultation.to_owned(), heard));
    }

    /// Somebody watches and takes nothing.
    pub async fn dawdle(&self, who: &Person, consultation: &str) {
        watcher::dawdle(self, who, consultation).await;
    }

    /// Whether everything that was acknowledged is there, once, and was shown to every watcher, once and in order.
    pub async fn audit(&self, clinic: &Clinic, doctors: &[Person]) {
        let (admin, consultations) = (clinic.client(0).login("admin").await, self.consultations());
        let mut readers = Vec::new();
        for doctor in doctors {
            readers.push(clinic.client(0).login(&doctor.name).await);
        }
        for consultation in consultations {
            let mut stored = Vec::new();
            for reader in &readers {
                let found = messages(reader, &consultation).await;
                stored = if found.is_empty() { stored } else { found };
            }
            self.audit_consultation(&consultation, &stored);
        }
        let booked = self.booked.borrow().clone();
        for (place, id) in booked {
            let found = admin.get(&format!("/appointments/{id}")).await;
            if !place.ends_with(found.body["starts_at"].as_str().unwrap_or("nowhere")) {
                self.lost(format!("{place} was booked as {id}, and is not: {found:?}"));
            }
        }
        if let Some(broken) = clinic.deployment.verify_audit() {
            self.wrong(broken);
        }
    }

    fn consultations(&self) -> BTreeSet<String> {
        self.said.borrow().keys().map(|(consultation, _)| consultation.clone()).collect()
    }

    fn audit_consultation(&self, consultation: &str, stored: &[(i64, String)]) {
        let by_body: BTreeMap<&str, i64> = stored.iter().map(|(seq, body)| (body.as_str(), *seq)).collect();
        let numbers: BTreeSet<i64> = stored.iter().map(|(seq, _)| *seq).collect();
        if (by_body.len(), numbers.len()) != (stored.len(), stored.len()) {
            self.wrong(format!("{consultation}: a message or a number stands there twice"));
        }
        for ((_, id), seq) in self.said.borrow().iter().filter(|((of, _), _)| of == consultation) {
            if by_body.get(id.as_str()) != Some(seq) {
                self.lost(format!("{id} was acknowledged as {seq}, and is {:?}", by_body.get(id.as_str())));
            }
        }
        let order: Vec<&String> = stored.iter().map(|(_, body)| body).collect();
        for (watcher, (_, heard)) in self.heard.borrow().iter().filter(|(_, (of, _))| of == consultation) {
            if !heard.iter().eq(order.iter().copied()) {
                let (many, all) = (heard.len(), order.len());
                self.wrong(format!("{watcher} was shown {many} messages of {all}, or in another order"));
            }
        }
    }
}

/// All messages of a consultation in order; none for whoever may not read them.
async fn messages(reader: &Person, consultation: &str) -> Vec<(i64, String)> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = reader.get(&format!("/consultations/{consultation}/messages?limit=100{cursor}")).await;
        for message in page.body["items"].as_array().into_iter().flatten() {
            all.push((message["seq"].as_i64().expect("a number"), text(message, "body").to_owned()));
        }
        match page.body.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}
