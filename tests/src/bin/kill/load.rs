//! Patients who want the same slots, doctors who answer, and everybody chatting, until the server is gone.

use std::cell::Cell;

use consilium_tests::{
    app::daily,
    client::{Answer, Call, Client, Person, text},
};
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    ledger::{Booked, InFlight, Ledger, Line},
    random,
    reminders::Reminded,
};

/// Doctors whose slots are raced for; those that people are reminded of come after them.
pub const DOCTORS: usize = 4;
/// Per doctor; they want the same slots.
const PATIENTS: usize = 3;

/// Everybody, logged in.
pub struct Crowd {
    pub doctors: Vec<Person>,
    pub patients: Vec<Person>,
    /// Free slots of each doctor, as they were at first.
    slots: Vec<Vec<String>>,
    /// How many of them are decided.
    decided: Vec<Cell<usize>>,
    /// How many, from the last one, something was moved to.
    moved_to: Vec<Cell<usize>>,
    /// The consultation of each doctor with the first patient: its chat lives through all rounds.
    standing: Vec<String>,
    pub reminded: Reminded,
    count: Cell<usize>,
}

impl Crowd {
    /// Registers everybody, with reminders for so many minutes.
    pub async fn gather(client: &Client, ledger: &Ledger, minutes: usize) -> Self {
        let admin = client.login("admin").await;
        let (mut doctors, mut patients, mut slots, mut standing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut hours = daily("00:00", "24:00");
        hours["slot_minutes"] = json!(5);
        // So far ahead that no slot passes meanwhile and nobody is reminded of it.
        let from = ledger.now() + SignedDuration::from_hours(48);
        let to = from + SignedDuration::from_hours(24 * 60);
        for d in 0..DOCTORS {
            let doctor = client.register("doctor", &format!("doctor-{d}")).await;
            let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
            admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
            doctor.set_hours(hours.clone()).await;
            let path = format!("/doctors/{}/slots?from={from}&to={to}", doctor.doctor_id);
            let free = client.get(&path).await.expect(200);
            let free = free["items"].as_array().expect("a list").iter();
            slots.push(free.map(|slot| text(slot, "starts_at").to_owned()).collect::<Vec<_>>());
            for _ in 0..PATIENTS {
                patients.push(client.register("patient", &format!("patient-{}", patients.len())).await);
            }
            let (p, slot) = (d * PATIENTS, &slots[d][0]);
            let agreed = patients[p].agree(&doctor, slot).await;
            ledger.booked(text(&agreed, "id"), p, d, slot);
            let consultation = text(&agreed, "consultation_id");
            ledger.accepted(text(&agreed, "id"), consultation);
            standing.push(consultation.to_owned());
            doctors.push(doctor);
        }
        let reminded = Reminded::prepare(client, &admin, (&mut doctors, &mut patients), ledger, minutes).await;
        let decided = (0..DOCTORS).map(|_| Cell::new(1)).collect();
        let moved_to = (0..DOCTORS).map(|_| Cell::new(0)).collect();
        Self { doctors, patients, slots, decided, moved_to, standing, reminded, count: Cell::new(0) }
    }

    /// The same people at a server that was started again.
    pub async fn again(self, client: &Client) -> Self {
        let mut crowd = self;
        for person in crowd.doctors.iter_mut().chain(&mut crowd.patients) {
            *person = client.login(&person.name).await;
        }
        crowd
    }

    /// Keeps the server busy until it is gone.
    pub async fn work(&self, ledger: &Ledger) {
        let bookers = (0..DOCTORS * PATIENTS).map(|p| async move { while self.book(ledger, p).await.is_some() {} });
        let chatters = (0..2 * DOCTORS).map(|n| async move {
            let (d, by_doctor) = (n / 2, n % 2 == 0);
            ledger.open_chat(&self.standing[d], d * PATIENTS);
            while self.say(ledger, &self.standing[d], d, d * PATIENTS, by_doctor).await.is_some() {}
        });
        tokio::join!(join_all(bookers), join_all(chatters), self.reminded.change(self, ledger));
    }

    /// Asks again for what was never answered: under its key it is answered as it was done, or done now.
    pub async fn settle(&self, ledger: &Ledger) -> Vec<String> {
        let mut lost = Vec::new();
        for unanswered in ledger.unanswered() {
            match unanswered {
                InFlight::Book { patient, doctor, slot, key } => {
                    let again = self.patients[patient].book(&self.doctors[doctor], &slot).key(&key).await;
                    match again.status {
                        201 => ledger.booked(text(&again.body, "id"), patient, doctor, &slot),
                        409 if text(&again.body, "code") == "slot_taken" => {}
                        _ => ledger.odd(format!("asked again for {slot}: {again:?}")),
                    }
                }
                InFlight::Turn { appointment, status } => {
                    let (before, found) = self.look(ledger, &appointment).await;
                    match found.body["status"].as_str() {
                        Some(found) if found == before.status => {}
                        Some("accepted") if status == "accepted" => {
                            ledger.accepted(&appointment, text(&found.body, "consultation_id"));
                        }
                        Some("cancelled") if status == "cancelled" => ledger.cancelled(&appointment),
                        _ => lost.push(format!("{appointment} was {}, was to be {status}: {found:?}", before.status)),
                    }
                }
                InFlight::Move { appointment, to } => {
                    let (before, found) = self.look(ledger, &appointment).await;
                    match found.body["starts_at"].as_str() {
                        Some(found) if found == before.slot => {}
                        Some(found) if found == to => ledger.moved(&appointment, &to),
                        _ => lost.push(format!("{appointment} was at {}, was to be at {to}: {found:?}", before.slot)),
                    }
                }
                InFlight::Say { consultation, line } => match self.message(&consultation, &line).await {
                    Answer { status: 201, body, .. } => ledger.said(&consultation, &line, seq(&body)),
                    answer => ledger.odd(format!("said again: {answer:?}")),
                },
            }
        }
        lost
    }

    async fn look(&self, ledger: &Ledger, appointment: &str) -> (Booked, Answer) {
        let before = ledger.appointments.borrow()[appointment].clone();
        let found = self.patients[before.patient].get(&format!("/appointments/{appointment}")).await;
        (before, found)
    }

    /// Books the next slot, if nobody is faster, and has something become of it. `None` when the server is gone.
    async fn book(&self, ledger: &Ledger, p: usize) -> Option<()> {
        let d = p / PATIENTS;
        let place = self.decided[d].get();
        let (patient, doctor, slot) = (&self.patients[p], &self.doctors[d], &self.slots[d][place]);
        let key = format!("booking-{p}-{place}-{}", self.fresh());
        let unanswered = InFlight::Book { patient: p, doctor: d, slot: slot.clone(), key: key.clone() };
        let answer = self.ask(ledger, patient.book(doctor, slot).key(&key), unanswered).await?;
        self.decided[d].set(self.decided[d].get().max(place + 1));
        match answer.status {
            201 => {}
            409 if text(&answer.body, "code") == "slot_taken" => return Some(()),
            _ => return self.unexpected(ledger, &answer).await,
        }
        let id = text(&answer.body, "id");
        ledger.booked(id, p, d, slot);
        match random() % 5 {
            0 => Some(()), // stays pending
            1 => {
                let cancel = patient.post(&format!("/appointments/{id}/cancel"), Value::Null);
                self.cancel(ledger, id, cancel).await
            }
            next => {
                let turning = InFlight::Turn { appointment: id.to_owned(), status: "accepted" };
                let accepted = self.ask(ledger, doctor.accept(id), turning).await?;
                if accepted.status != 200 {
                    return self.unexpected(ledger, &accepted).await;
                }
                let consultation = text(&accepted.body, "consultation_id");
                ledger.accepted(id, consultation);
                if next == 2 {
                    let place = self.moved_to[d].replace(self.moved_to[d].get() + 1);
                    let to = self.slots[d].iter().rev().nth(place).expect("a slot for every move");
                    let call = doctor.post(&format!("/appointments/{id}/reschedule"), json!({"starts_at": to}));
                    let moving = InFlight::Move { appointment: id.to_owned(), to: to.clone() };
                    return self.moved(ledger, call, moving).await;
                }
                ledger.open_chat(consultation, p);
                let both = tokio::join!(
                    self.say(ledger, consultation, d, p, true),
                    self.say(ledger, consultation, d, p, false)
                );
                both.0.and(both.1)
            }
        }
    }

    /// Calls an appointment off.
    pub async fn cancel(&self, ledger: &Ledger, id: &str, call: Call) -> Option<()> {
        let unanswered = InFlight::Turn { appointment: id.to_owned(), status: "cancelled" };
        let answer = self.ask(ledger, call, unanswered).await?;
        if answer.status != 200 {
            return self.unexpected(ledger, &answer).await;
        }
        ledger.cancelled(id);
        Some(())
    }

    /// Moves an appointment, as `unanswered` says.
    pub async fn moved(&self, ledger: &Ledger, call: Call, unanswered: InFlight) -> Option<()> {
        let InFlight::Move { appointment, to } = &unanswered else { return None };
        let answer = self.ask(ledger, call, unanswered.clone()).await?;
        if answer.status != 200 {
            return self.unexpected(ledger, &answer).await;
        }
        ledger.moved(appointment, to);
        Some(())
    }

    async fn say(&self, ledger: &Ledger, consultation: &str, d: usize, p: usize, by_doctor: bool) -> Option<()> {
        let line = Line { person: if by_doctor { d } else { p }, by_doctor, text: format!("line {}", self.fresh()) };
        let unanswered = InFlight::Say { consultation: consultation.to_owned(), line: line.clone() };
        let answer = self.ask(ledger, self.message(consultation, &line), unanswered).await?;
        if answer.status != 201 {
            return self.unexpected(ledger, &answer).await;
        }
        ledger.said(consultation, &line, seq(&answer.body));
        Some(())
    }

    fn message(&self, consultation: &str, line: &Line) -> Call {
        let sender = if line.by_doctor { &self.doctors[line.person] } else { &self.patients[line.person] };
        let body = json!({"client_message_id": line.text, "body": line.text});
        sender.post(&format!("/consultations/{consultation}/messages"), body)
    }

    async fn ask(&self, ledger: &Ledger, call: Call, unanswered: InFlight) -> Option<Answer> {
        match call.attempt().await {
            // The server says itself that it does not know.
            Ok(answer) if answer.status == 503 => {
                ledger.lost_sight(unanswered);
                Some(answer)
            }
            Ok(answer) => Some(answer),
            Err(_) => {
                ledger.lost_sight(unanswered);
                None
            }
        }
    }

    async fn unexpected(&self, ledger: &Ledger, answer: &Answer) -> Option<()> {
        if answer.status != 503 {
            ledger.odd(format!("{answer:?}"));
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        Some(())
    }

    fn fresh(&self) -> usize {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }
}

fn seq(message: &Value) -> i64 {
    message["seq"].as_i64().expect("a number")
}
