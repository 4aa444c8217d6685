//! What the server acknowledged, and what it was asked for when it died.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use consilium_kernel::{Clock, SystemClock, Timestamp};
use jiff::SignedDuration;

use crate::reminders::Reminder;

/// An appointment whose booking was acknowledged.
#[derive(Debug, Clone)]
pub struct Booked {
    /// Index of the patient.
    pub patient: usize,
    /// Index of the doctor.
    pub doctor: usize,
    /// The last start that was acknowledged.
    pub slot: String,
    /// The last status that was acknowledged.
    pub status: &'static str,
    /// Everything that both were to be told of by mail, in the words of `crate::mail`.
    pub told: BTreeSet<&'static str>,
    /// Since it was accepted.
    pub consultation: Option<String>,
    /// Set when it was accepted.
    pub reminders: Vec<Reminder>,
}

/// A request whose answer was never read.
#[derive(Debug, Clone)]
pub enum InFlight {
    Book {
        patient: usize,
        doctor: usize,
        slot: String,
        key: String,
    },
    /// Turning an appointment into `status`.
    Turn {
        appointment: String,
        status: &'static str,
    },
    /// Moving an appointment.
    Move {
        appointment: String,
        to: String,
    },
    Say {
        consultation: String,
        line: Line,
    },
}

/// A message, known by its sender's own id of it, which is its text as well.
#[derive(Debug, Clone)]
pub struct Line {
    /// Index of the patient or doctor.
    pub person: usize,
    pub by_doctor: bool,
    pub text: String,
}

/// An acknowledged message.
#[derive(Debug, Clone)]
pub struct Said {
    pub line: Line,
    pub seq: i64,
}

/// A consultation's chat and whose it is.
#[derive(Debug, Clone, Default)]
pub struct Chat {
    pub patient: usize,
    pub said: Vec<Said>,
}

/// Everything since the first start.
#[derive(Debug, Default)]
pub struct Ledger {
    pub appointments: RefCell<BTreeMap<String, Booked>>,
    pub chats: RefCell<BTreeMap<String, Chat>>,
    /// How far the server's clock is ahead.
    pub ahead: Cell<SignedDuration>,
    round: RefCell<Round>,
    odd: RefCell<Vec<String>>,
}

#[derive(Debug, Default)]
struct Round {
    in_flight: Vec<InFlight>,
    counts: BTreeMap<&'static str, usize>,
    chats: BTreeSet<String>,
}

impl Ledger {
    /// A new round.
    pub fn begin(&mut self) {
        self.round = RefCell::default();
    }

    /// What time it is for the server.
    pub fn now(&self) -> Timestamp {
        SystemClock.now() + self.ahead.get()
    }

    /// A booking was acknowledged.
    pub fn booked(&self, id: &str, patient: usize, doctor: usize, slot: &str) {
        let booked = Booked {
            patient,
            doctor,
            slot: slot.to_owned(),
            status: "pending",
            told: BTreeSet::from(["booked"]),
            consultation: None,
            reminders: Vec::new(),
        };
        self.appointments.borrow_mut().insert(id.to_owned(), booked);
        self.count("booked");
    }

    /// An acceptance was acknowledged.
    pub fn accepted(&self, id: &str, consultation: &str) {
        let now = self.now();
        self.change(id, "accepted", |booked| {
            booked.status = "accepted";
            booked.consultation = Some(consultation.to_owned());
            booked.reminders = Reminder::of(&booked.slot, now);
        });
    }

    /// A cancellation was acknowledged.
    pub fn cancelled(&self, id: &str) {
        let now = self.now();
        self.change(id, "cancelled", |booked| {
            booked.status = "cancelled";
            booked.reminders.iter_mut().for_each(|reminder| reminder.withdraw(now));
        });
    }

    /// A move was acknowledged: to a time so far ahead that nobody is reminded of it here.
    pub fn moved(&self, id: &str, to: &str) {
        let now = self.now();
        self.change(id, "moved", |booked| {
            booked.slot = to.to_owned();
            booked.reminders.iter_mut().for_each(|reminder| reminder.withdraw(now));
        });
    }

    fn change(&self, id: &str, what: &'static str, how: impl FnOnce(&mut Booked)) {
        let mut appointments = self.appointments.borrow_mut();
        let booked = appointments.get_mut(id).expect("a booked appointment");
        how(booked);
        booked.told.insert(what);
        self.count(what);
    }

    /// A message was acknowledged.
    pub fn said(&self, consultation: &str, line: &Line, seq: i64) {
        let mut chats = self.chats.borrow_mut();
        chats.get_mut(consultation).expect("a known chat").said.push(Said { line: line.clone(), seq });
        self.count("said");
    }

    /// A consultation in whose chat is about to be written.
    pub fn open_chat(&self, consultation: &str, patient: usize) {
        self.chats.borrow_mut().entry(consultation.to_owned()).or_default().patient = patient;
        self.round.borrow_mut().chats.insert(consultation.to_owned());
    }

    /// The connection broke before the answer.
    pub fn lost_sight(&self, of: InFlight) {
        self.round.borrow_mut().in_flight.push(of);
    }

    /// An answer that the server must not give.
    pub fn odd(&self, what: String) {
        self.odd.borrow_mut().push(what);
    }

    fn count(&self, what: &'static str) {
        *self.round.borrow_mut().counts.entry(what).or_default() += 1;
    }

    pub fn unanswered(&self) -> Vec<InFlight> {
        self.round.borrow().in_flight.clone()
    }

    pub fn in_flight(&self) -> usize {
        self.round.borrow().in_flight.len()
    }

    pub fn acknowledged(&self) -> usize {
        self.round.borrow().counts.values().sum()
    }

    /// `booked 12, accepted 5`
    pub fn summary(&self) -> String {
        let round = self.round.borrow();
        let parts: Vec<String> = round.counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
        parts.join(", ")
    }

    /// The chats of this round.
    pub fn touched(&self) -> BTreeSet<String> {
        self.round.borrow().chats.clone()
    }

    /// The appointment of each consultation.
    pub fn consultations(&self) -> BTreeMap<String, String> {
        let appointments = self.appointments.borrow();
        appointments.iter().filter_map(|(id, booked)| Some((booked.consultation.clone()?, id.clone()))).collect()
    }

    /// All chats.
    pub fn everything(&self) -> BTreeSet<String> {
        self.chats.borrow().keys().cloned().collect()
    }

    pub fn oddities(&self) -> Vec<String> {
        self.odd.borrow().clone()
    }
}
