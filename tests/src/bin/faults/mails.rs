//! What people are told by mail while faults are played: nothing twice, and every reminder, but none early. Other mails
//! need not all come before the end: people book as fast as they can, and thousands wait.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use consilium_kernel::{Clock, SystemClock, Timestamp};
use consilium_tests::{
    client::text,
    cluster::Clinic,
    smtp::{ReceivedMail, SmtpServer},
};
use jiff::SignedDuration;
use tokio::time::sleep;

/// Appointments that both agreed on before the faults, from a little more than an hour ahead on: a clock that is an
/// hour wrong is enough to remind of them too early. By consultation, when the patient is to be reminded.
pub struct Reminders(BTreeMap<String, Timestamp>);

/// Slots lie on a grid of so many minutes. As many doctors, whose hours begin a minute apart, have among them an
/// appointment for every minute, so that some reminders are due in every run.
const GRID: usize = 5;
/// How many appointments each of them has.
const AGREED: usize = 3;
/// How the subject of a reminder ends.
const SOON: &str = " begins soon";
/// How much earlier than due a reminder may come.
const EARLY: SignedDuration = SignedDuration::from_secs(5);

impl Came {
    /// Whether there were no mails to judge, or no reminder was due.
    pub fn proves_nothing(&self, reminders: &Reminders) -> bool {
        self.mails.is_empty() || reminders.due(self).next().is_none()
    }
}

impl Reminders {
    /// Makes the appointments.
    pub async fn agreed(clinic: &Clinic) -> Self {
        let soon = SystemClock.now() + SignedDuration::from_secs(60 * 60 + 20);
        let mut due = BTreeMap::new();
        for minute in 0..GRID {
            let doctor = clinic.doctor_from(&format!("reminding-{minute}"), &format!("00:0{minute}")).await;
            let patient = clinic.patient(&format!("reminded-{minute}")).await;
            let slots = doctor.slots(&doctor).await.into_iter();
            for slot in slots.filter(|slot| starts(slot) > soon).take(AGREED) {
                let agreed = patient.agree(&doctor, &slot).await;
                let due_at = starts(&slot) - SignedDuration::from_hours(1);
                due.insert(text(&agreed, "consultation_id").to_owned(), due_at);
            }
        }
        Self(due)
    }

    /// The one that a mail is, if it is one.
    fn reminded(&self, mail: &ReceivedMail) -> Option<(&String, Timestamp)> {
        let text = mail.text.as_deref().unwrap_or_default();
        let mut known = self.0.iter().filter(|_| mail.subject.ends_with(SOON));
        known.find(|(consultation, _)| text.contains(*consultation)).map(|(id, due_at)| (id, *due_at))
    }

    /// The consultations of those that were due before the load ended.
    fn due<'a>(&'a self, came: &'a Came) -> impl Iterator<Item = &'a String> {
        self.0.iter().filter(|(_, due_at)| **due_at < came.ended).map(|(id, _)| id)
    }

    /// Those that were due before the load ended and did not come.
    fn missing<'a>(&'a self, came: &'a Came) -> impl Iterator<Item = &'a String> {
        let told: BTreeSet<_> =
            came.mails.iter().filter_map(|(_, mail)| self.reminded(mail)).map(|(id, _)| id).collect();
        self.due(came).filter(move |id| !told.contains(id))
    }
}

fn starts(slot: &str) -> Timestamp {
    slot.parse().expect("an instant")
}

/// What came, each with the moment of its arrival, and when the load ended.
pub struct Came {
    mails: Vec<(Timestamp, ReceivedMail)>,
    ended: Timestamp,
}

/// Every mail until the end, and then until every reminder has come that was due by then, but for `patience` at most.
pub async fn collect(
    server: &SmtpServer,
    reminders: &Reminders,
    is_ending: impl Fn() -> bool,
    patience: SignedDuration,
) -> Came {
    let (mut mails, mut ended) = (Vec::new(), None);
    loop {
        if ended.is_none() && is_ending() {
            ended = Some(SystemClock.now());
        }
        let now = SystemClock.now();
        mails.extend(server.mails_after(mails.len()).into_iter().map(|mail| (now, mail)));
        if let Some(ended) = ended {
            let came = Came { mails, ended };
            if now >= ended + patience || reminders.missing(&came).next().is_none() {
                return came;
            }
            mails = came.mails;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// What came, in a line, and what was wrong with it. A copy under the same Message-ID is what SMTP allows.
pub fn judge(came: &Came, reminders: &Reminders) -> (String, Vec<String>) {
    let mut wrong = Vec::new();
    let mut ids: BTreeSet<&str> = BTreeSet::new();
    let mut told: BTreeMap<(&[String], &str, Option<&str>), &str> = BTreeMap::new();
    let mut reminded = 0;
    for (at, mail) in &came.mails {
        let id = mail.message_id.as_deref().unwrap_or_default();
        ids.insert(id);
        let says = (mail.recipients.as_slice(), mail.subject.as_str(), mail.text.as_deref());
        let before = told.entry(says).or_insert(id);
        if *before != id {
            wrong.push(format!("{:?} were told twice: {} <{before}> and <{id}>", mail.recipients, mail.subject));
        }
        if !mail.subject.ends_with(SOON) {
            continue;
        }
        match reminders.reminded(mail) {
            Some((_, due_at)) if *at >= due_at - EARLY => reminded += 1,
            Some((_, due_at)) => wrong.push(format!("{:?} were reminded {} too early", mail.recipients, due_at - *at)),
            None => wrong.push(format!("{:?} were reminded of nothing that was agreed", mail.recipients)),
        }
    }
    wrong.extend(reminders.missing(came).map(|id| format!("nobody was reminded of consultation {id}")));
    let summary = format!(
        "{} mails, {} sent again under the same Message-ID, {reminded} reminders of {} that were due",
        came.mails.len(),
        came.mails.len() - ids.len(),
        reminders.due(came).count()
    );
    (summary, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUE: &str = "2026-06-01T08:30:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn reminder(id: &str, consultation: &str) -> ReceivedMail {
        ReceivedMail {
            sender: "clinic@example.org".to_owned(),
            recipients: vec!["reminded@example.org".to_owned()],
            user: None,
            encrypted: false,
            raw: Vec::new(),
            subject: format!("Your consultation{SOON}"),
            message_id: Some(id.to_owned()),
            text: Some(format!("/consultations/{consultation}")),
            html: None,
            calendar: None,
        }
    }

    /// What is wrong when these came, and the load ended a minute after the reminder was due.
    fn wrong(mails: &[(&str, &str, &str)]) -> Vec<String> {
        let reminders = Reminders(BTreeMap::from([("agreed".to_owned(), at(DUE))]));
        let mails = mails.iter().map(|(when, id, consultation)| (at(when), reminder(id, consultation))).collect();
        judge(&Came { mails, ended: at("2026-06-01T08:31:00Z") }, &reminders).1
    }

    #[test]
    fn a_reminder_comes_once_and_when_it_is_due() {
        assert!(wrong(&[("2026-06-01T08:30:01Z", "1", "agreed")]).is_empty());
        let again = [("2026-06-01T08:30:01Z", "1", "agreed"), ("2026-06-01T08:30:09Z", "1", "agreed")];
        assert!(wrong(&again).is_empty(), "a copy under the same Message-ID");
    }

    #[test]
    fn reminders_that_are_early_missing_doubled_or_of_nothing_are_found_out() {
        let found = |mails: &[(&str, &str, &str)], what: &str| {
            let wrong = wrong(mails);
            assert!(wrong.len() == 1 && wrong[0].contains(what), "{wrong:?}");
        };
        found(&[], "nobody was reminded of consultation agreed");
        found(&[("2026-06-01T07:30:01Z", "1", "agreed")], "too early");
        found(&[("2026-06-01T08:30:01Z", "1", "agreed"), ("2026-06-01T08:30:02Z", "2", "agreed")], "told twice");
        found(
            &[("2026-06-01T08:30:01Z", "1", "agreed"), ("2026-06-01T08:30:02Z", "2", "other")],
            "nothing that was agreed",
        );
    }
}
