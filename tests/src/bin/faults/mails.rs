//! What people are told by mail while faults are played: nothing twice, and no reminder early. That every reminder comes is
//! for `make prove-kill` to show: here people book as fast as they can, and mails wait behind thousands of others.

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

/// How many appointments.
const AGREED: usize = 15;
/// How much earlier than due a reminder may come.
const EARLY: SignedDuration = SignedDuration::from_secs(5);

impl Reminders {
    /// Makes the appointments.
    pub async fn agreed(clinic: &Clinic) -> Self {
        let (doctor, patient) = (clinic.doctor("reminding").await, clinic.patient("reminded").await);
        let soon = SystemClock.now() + SignedDuration::from_secs(60 * 60 + 20);
        let slots = doctor.slots(&doctor).await.into_iter();
        let mut due = BTreeMap::new();
        for slot in slots.filter(|slot| starts(slot) > soon).take(AGREED) {
            let agreed = patient.agree(&doctor, &slot).await;
            let due_at = starts(&slot) - SignedDuration::from_hours(1);
            due.insert(text(&agreed, "consultation_id").to_owned(), due_at);
        }
        Self(due)
    }
}

fn starts(slot: &str) -> Timestamp {
    slot.parse().expect("an instant")
}

/// Every mail with the moment of its arrival, until the end.
pub async fn collect(mails: &SmtpServer, is_ending: impl Fn() -> bool) -> Vec<(Timestamp, ReceivedMail)> {
    let mut came = Vec::new();
    loop {
        let ending = is_ending();
        let now = SystemClock.now();
        came.extend(mails.mails_after(came.len()).into_iter().map(|mail| (now, mail)));
        if ending {
            return came;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// What came, in a line, and what was wrong with it. A copy under the same Message-ID is what SMTP allows.
pub fn judge(came: &[(Timestamp, ReceivedMail)], reminders: &Reminders) -> (String, Vec<String>) {
    let mut wrong = Vec::new();
    let mut ids: BTreeSet<&str> = BTreeSet::new();
    let mut told: BTreeMap<(&[String], &str, Option<&str>), &str> = BTreeMap::new();
    let mut reminded = 0;
    for (at, mail) in came {
        let id = mail.message_id.as_deref().unwrap_or_default();
        ids.insert(id);
        let says = (mail.recipients.as_slice(), mail.subject.as_str(), mail.text.as_deref());
        let before = told.entry(says).or_insert(id);
        if *before != id {
            wrong.push(format!("{:?} were told twice: {} <{before}> and <{id}>", mail.recipients, mail.subject));
        }
        if !mail.subject.ends_with(" begins soon") {
            continue;
        }
        let about = reminders
            .0
            .iter()
            .find(|(consultation, _)| mail.text.as_deref().unwrap_or_default().contains(*consultation));
        match about {
            Some((_, due_at)) if *at >= *due_at - EARLY => reminded += 1,
            Some((_, due_at)) => wrong.push(format!("{:?} were reminded {} too early", mail.recipients, *due_at - *at)),
            None => wrong.push(format!("{:?} were reminded of nothing that was agreed", mail.recipients)),
        }
    }
    let summary = format!(
        "{} mails, {} sent again under the same Message-ID, {} reminders",
        came.len(),
        came.len() - ids.len(),
        reminded
    );
    (summary, wrong)
}
