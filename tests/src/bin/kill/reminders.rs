//! Appointments of which somebody is reminded while the server is being killed, and when that is right.
//!
//! Reminders are due a day and an hour before an appointment, and slots lie on a grid of five minutes. Doctors whose
//! hours begin a minute apart have, among them, an appointment for every minute; the clock of a server that is
//! started again runs so far ahead that such a minute falls shortly before the next kill.

use std::cell::RefCell;

use consilium_kernel::Timestamp;
use consilium_tests::{
    app::daily,
    client::{Client, Person, text},
};
use jiff::{SignedDuration, Unit};
use serde_json::{Value, json};

use crate::{
    ledger::{InFlight, Ledger},
    load::Crowd,
    random,
};

/// How long before the start, and what the mail is called.
const BEFORE: [(SignedDuration, &str); 2] =
    [(SignedDuration::from_hours(24), "reminder_24h"), (SignedDuration::from_hours(1), "reminder_1h")];
/// Minutes of the grid of slots.
const GRID: usize = 5;
/// Doctors for each minute of the grid.
const PER_MINUTE: usize = 2;
/// An acceptance that close to the instant may have come too late for the reminder.
const CLOSE: SignedDuration = SignedDuration::from_secs(5);

/// One reminder of one appointment, to its patient.
#[derive(Debug, Clone)]
pub struct Reminder {
    pub kind: &'static str,
    pub due: Timestamp,
    /// Whether it was certainly set.
    set: bool,
    /// When it was acknowledged that the appointment was cancelled or moved.
    withdrawn: Option<Timestamp>,
}

impl Reminder {
    /// Those of an appointment at `slot` whose acceptance was acknowledged at `now`.
    pub fn of(slot: &str, now: Timestamp) -> Vec<Self> {
        let start: Timestamp = slot.parse().expect("an instant");
        let all = BEFORE.map(|(before, kind)| Self {
            kind,
            due: start - before,
            set: now < start - before - CLOSE,
            withdrawn: None,
        });
        all.into_iter().filter(|reminder| now < reminder.due + CLOSE).collect()
    }

    /// Not right any more from `now` on, if it was until then.
    pub fn withdraw(&mut self, now: Timestamp) {
        self.withdrawn.get_or_insert(now);
    }

    /// Whether it must have been sent, when all that was due at `now` was sent.
    pub fn must_come(&self, now: Timestamp) -> bool {
        self.set && self.withdrawn.is_none() && self.due <= now
    }

    /// Whether it may have been sent until `now`.
    pub fn may_come(&self, now: Timestamp) -> bool {
        self.due <= now && self.withdrawn.is_none_or(|withdrawn| self.due <= withdrawn)
    }
}

/// Appointments on their way to their reminders: id, patient and doctor.
pub struct Reminded {
    /// When the first reminders are due.
    pub first: Timestamp,
    upcoming: RefCell<Vec<String>>,
    /// Where the next appointment is moved to.
    far: RefCell<Timestamp>,
}

impl Reminded {
    /// Books and accepts enough for `minutes` minutes.
    pub async fn prepare(
        client: &Client,
        admin: &Person,
        crowd: (&mut Vec<Person>, &mut Vec<Person>),
        ledger: &Ledger,
        minutes: usize,
    ) -> Self {
        let (doctors, patients) = crowd;
        let minute = ledger.now().round(Unit::Minute).expect("an instant");
        let first = minute + SignedDuration::from_mins(2);
        let mut upcoming = Vec::new();
        for n in 0..GRID * PER_MINUTE {
            let (d, p) = (doctors.len(), patients.len());
            let doctor = client.register("doctor", &format!("doctor-{d}")).await;
            let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
            admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
            let offset = n % GRID;
            let mut hours = daily(&format!("00:0{offset}"), "24:00");
            hours["slot_minutes"] = json!(GRID);
            doctor.set_hours(hours).await;
            let patient = client.register("patient", &format!("patient-{p}")).await;
            let marks = (0..minutes).map(|minute| first + SignedDuration::from_mins(minute as i64));
            for mark in marks.filter(|mark| mark.as_second() / 60 % GRID as i64 == offset as i64) {
                for (before, _) in BEFORE {
                    let slot = (mark + before).to_string();
                    // No slot of these hours: the last one of a day would end after midnight.
                    if (mark + before).as_second() % 86_400 > 86_400 - 60 * GRID as i64 {
                        continue;
                    }
                    let agreed = patient.agree(&doctor, &slot).await;
                    let id = text(&agreed, "id");
                    ledger.booked(id, p, d, &slot);
                    ledger.accepted(id, text(&agreed, "consultation_id"));
                    upcoming.push(id.to_owned());
                }
            }
            doctors.push(doctor);
            patients.push(patient);
        }
        let far = first + SignedDuration::from_hours(24 * 40);
        Self { first, upcoming: RefCell::new(upcoming), far: RefCell::new(far) }
    }

    /// Cancels one and moves another, of those whose reminders are due within the next minutes.
    pub async fn change(&self, crowd: &Crowd, ledger: &Ledger) -> Option<()> {
        if let Some((id, patient, _)) = self.draw(ledger) {
            let cancel = crowd.patients[patient].post(&format!("/appointments/{id}/cancel"), Value::Null);
            crowd.cancel(ledger, &id, cancel).await?;
        }
        let (id, _, doctor) = self.draw(ledger)?;
        let to = self.far_away(doctor);
        let unanswered = InFlight::Move { appointment: id.clone(), to: to.clone() };
        let call = crowd.doctors[doctor].post(&format!("/appointments/{id}/reschedule"), json!({"starts_at": to}));
        crowd.moved(ledger, call, unanswered).await
    }

    /// One that is due within three minutes, each at most once.
    fn draw(&self, ledger: &Ledger) -> Option<(String, usize, usize)> {
        let soon = ledger.now()..ledger.now() + SignedDuration::from_mins(3);
        let appointments = ledger.appointments.borrow();
        let mut upcoming = self.upcoming.borrow_mut();
        let is_soon = |id: &&String| appointments[*id].reminders.iter().any(|reminder| soon.contains(&reminder.due));
        let candidates: Vec<&String> = upcoming.iter().filter(is_soon).collect();
        let chosen = (*candidates.get(random() as usize % candidates.len().max(1))?).clone();
        upcoming.retain(|id| *id != chosen);
        let booked = &appointments[&chosen];
        Some((chosen, booked.patient, booked.doctor))
    }

    /// A slot of this doctor that nobody has, later than every other of this run.
    fn far_away(&self, doctor: usize) -> String {
        let offset = (doctor - crate::load::DOCTORS) % GRID;
        let mut far = self.far.borrow_mut();
        loop {
            *far += SignedDuration::from_mins(1);
            let (minute, in_day) = (far.as_second() / 60, far.as_second() % 86_400);
            if minute % GRID as i64 == offset as i64 && in_day < 86_400 - 60 * GRID as i64 {
                return far.to_string();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reminder_must_come_when_it_was_due_and_may_not_after_it_was_withdrawn() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let accepted = at("2026-06-01T08:00:00Z");
        let reminders = Reminder::of("2026-06-01T09:30:00Z", accepted);
        assert_eq!(reminders.iter().map(|reminder| reminder.kind).collect::<Vec<_>>(), ["reminder_1h"]);
        let mut reminder = reminders[0].clone();
        let (before, after) = (at("2026-06-01T08:29:59Z"), at("2026-06-01T08:30:00Z"));
        assert!(!reminder.must_come(before) && !reminder.may_come(before));
        assert!(reminder.must_come(after) && reminder.may_come(after));
        reminder.withdraw(before);
        assert!(!reminder.must_come(after) && !reminder.may_come(after));

        let too_late = &Reminder::of("2026-06-01T09:00:01Z", accepted)[0];
        assert!(!too_late.must_come(after) && too_late.may_come(after), "nobody can say");
    }
}
