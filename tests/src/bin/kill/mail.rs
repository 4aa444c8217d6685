//! Compares the mails that came with what the ledger says that people were to be told.
//!
//! One message per (appointment, schedule revision, kind, channel, recipient). SMTP cannot promise more than that a
//! copy sent again after a crash carries the same Message-ID: a second copy is right only if the server was killed
//! between the two with that very message in hand, which its own table says after each kill.

use std::collections::{BTreeMap, BTreeSet};

use consilium_kernel::Timestamp;
use consilium_tests::{client::email, smtp::ReceivedMail};

use crate::{ledger::Ledger, load::Crowd};

/// What kind of mail has this subject, to a patient or to a doctor.
fn kind(subject: &str) -> Option<&'static str> {
    let begins = |text| subject.starts_with(text);
    let ends = |text| subject.ends_with(text);
    Some(match subject {
        "Please confirm your e-mail address" => "verify_address",
        "You can now be booked" => "approved",
        "New request for an appointment" => "booked",
        "Appointment confirmed" => "accepted",
        "Appointment cancelled" => "cancelled",
        "Appointment moved" => "moved",
        _ if begins("Your request for an appointment with ") => "booked",
        _ if begins("Reminder: your appointment with ") => "reminder_24h",
        _ if ends(" begins soon") => "reminder_1h",
        _ if ends(" is confirmed") => "accepted",
        _ if ends(" is cancelled") => "cancelled",
        _ if ends(" has a new time") => "moved",
        _ => return None,
    })
}

/// What a mail says: kind, what it is about (an appointment, or nothing in particular), and to whom. Each appointment
/// is moved at most once, so that this is told at most once as well.
pub type About = (&'static str, String, String);

/// A mail as it came.
pub struct Seen {
    pub message_id: String,
    pub about: About,
}

/// A kill, as far as mail is concerned.
pub struct Kill {
    /// How many mails had come.
    pub arrived: usize,
    /// Message-IDs of those that the server was sending.
    pub in_hand: BTreeSet<String>,
}

/// Everything that came, read as far as it came.
#[derive(Default)]
pub struct Mailbag {
    pub seen: Vec<Seen>,
    pub unreadable: Vec<String>,
}

impl Mailbag {
    /// Reads what came since; `consultations` have their appointments.
    pub fn read(&mut self, came: Vec<ReceivedMail>, consultations: &BTreeMap<String, String>) {
        for mail in came {
            match look(&mail, consultations) {
                Some(seen) => self.seen.push(seen),
                None => self.unreadable.push(format!("{} to {:?}: {:?}", mail.subject, mail.recipients, mail.text)),
            }
        }
    }

    /// Copies beyond the first.
    pub fn repeats(&self) -> usize {
        self.seen.len() - self.seen.iter().map(|seen| &seen.message_id).collect::<BTreeSet<_>>().len()
    }

    /// Mails about this, copies not counted.
    pub fn count(&self, kind: &str) -> usize {
        self.seen.iter().map(|seen| &seen.about).filter(|about| about.0 == kind).collect::<BTreeSet<_>>().len()
    }
}

fn look(mail: &ReceivedMail, consultations: &BTreeMap<String, String>) -> Option<Seen> {
    let kind = kind(&mail.subject)?;
    let [to] = mail.recipients.as_slice() else { return None };
    let of = match (&mail.calendar, kind) {
        (Some(invite), _) => invite.property("UID")?.split('@').next()?.to_owned(),
        (None, "verify_address" | "approved") => String::new(),
        // Reminders have no invite, but the link to the consultation.
        (None, _) => {
            let text = mail.text.as_deref()?;
            let (_, link) = text.split_once("/c/")?;
            let consultation: String = link.chars().take_while(|c| c.is_ascii_hexdigit() || *c == '-').collect();
            consultations.get(&consultation)?.clone()
        }
    };
    Some(Seen { message_id: mail.message_id.clone()?, about: (kind, of, to.to_lowercase()) })
}

/// What must have come and what may have come, when everything due at `settled` was sent and mail was looked at `now`.
pub struct Due {
    pub must: BTreeSet<About>,
    pub may: BTreeSet<About>,
}

impl Due {
    /// Out of what was acknowledged.
    pub fn of(ledger: &Ledger, crowd: &Crowd, settled: Timestamp, now: Timestamp) -> Self {
        let mut due = Self { must: BTreeSet::new(), may: BTreeSet::new() };
        for doctor in &crowd.doctors {
            due.must.insert(("approved", String::new(), email(&doctor.name)));
        }
        for person in crowd.doctors.iter().chain(&crowd.patients) {
            due.must.insert(("verify_address", String::new(), email(&person.name)));
        }
        for (id, booked) in ledger.appointments.borrow().iter() {
            let (patient, doctor) = (&crowd.patients[booked.patient].name, &crowd.doctors[booked.doctor].name);
            for kind in &booked.told {
                due.must.extend([patient, doctor].map(|name| (*kind, id.clone(), email(name))));
            }
            for reminder in &booked.reminders {
                let about = (reminder.kind, id.clone(), email(patient));
                if reminder.must_come(settled) {
                    due.must.insert(about);
                } else if reminder.may_come(now) {
                    due.may.insert(about);
                }
            }
        }
        due
    }

    /// What has not come yet.
    pub fn missing(&self, mailbag: &Mailbag) -> Vec<&About> {
        let came: BTreeSet<&About> = mailbag.seen.iter().map(|seen| &seen.about).collect();
        self.must.iter().filter(|about| !came.contains(about)).collect()
    }
}

/// Everything that is missing, doubled, or that nobody had reason to send.
pub fn judge(mailbag: &Mailbag, due: &Due, kills: &[Kill]) -> Vec<String> {
    let mut wrong: Vec<String> = mailbag.unreadable.iter().map(|mail| format!("nobody expected {mail}")).collect();
    wrong.extend(due.missing(mailbag).into_iter().map(|about| format!("never sent: {about:?}")));
    let mut first: BTreeMap<&About, &str> = BTreeMap::new();
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, Seen { message_id, about }) in mailbag.seen.iter().enumerate() {
        if !due.must.contains(about) && !due.may.contains(about) {
            wrong.push(format!("sent without reason: {about:?} <{message_id}>"));
        }
        let before = first.entry(about).or_insert(message_id);
        if before != message_id {
            wrong.push(format!("told twice: {about:?} <{before}> and <{message_id}>"));
        }
        if let Some(copy) = last.insert(message_id, place) {
            let in_between = |kill: &&Kill| copy < kill.arrived && kill.arrived <= place;
            if !kills.iter().filter(in_between).any(|kill| kill.in_hand.contains(message_id)) {
                wrong.push(format!("sent again although no kill was in between: {about:?} <{message_id}>"));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(kind: &'static str) -> About {
        (kind, "appointment".to_owned(), "patient@example.org".to_owned())
    }

    fn judged(came: &[(&str, &'static str)], must: &[&'static str], kills: &[(usize, &[&str])]) -> Vec<String> {
        let seen = came.iter().map(|(id, kind)| Seen { message_id: (*id).to_owned(), about: about(kind) });
        let mailbag = Mailbag { seen: seen.collect(), unreadable: Vec::new() };
        let due =
            Due { must: must.iter().map(|kind| about(kind)).collect(), may: BTreeSet::from([about("reminder_1h")]) };
        let kills = kills
            .iter()
            .map(|(arrived, ids)| Kill { arrived: *arrived, in_hand: ids.iter().map(|id| (*id).to_owned()).collect() });
        judge(&mailbag, &due, &kills.collect::<Vec<_>>())
    }

    #[test]
    fn what_is_right_passes() {
        assert!(judged(&[("1", "booked"), ("2", "accepted")], &["booked", "accepted"], &[]).is_empty());
        assert!(judged(&[("1", "reminder_1h")], &[], &[]).is_empty(), "may come, and need not");
        assert!(judged(&[], &[], &[]).is_empty());
        let again = [("1", "booked"), ("2", "accepted"), ("1", "booked")];
        assert!(judged(&again, &["booked", "accepted"], &[(2, &["1"])]).is_empty(), "it was in hand at a kill");
    }

    #[test]
    fn what_is_wrong_is_found() {
        for (came, must, kills, expected) in [
            (&[][..], &["booked"][..], &[][..], "never sent"),
            (&[("1", "cancelled")], &[], &[], "without reason"),
            (&[("1", "booked"), ("2", "booked")], &["booked"], &[(1, &["1"][..])][..], "told twice"),
            (&[("1", "booked"), ("1", "booked")], &["booked"], &[], "no kill was in between"),
            (&[("1", "booked"), ("1", "booked")], &["booked"], &[(1, &["2"])], "no kill was in between"),
            (&[("1", "booked"), ("1", "booked")], &["booked"], &[(2, &["1"])], "no kill was in between"),
            (&[("1", "booked"), ("1", "booked")], &["booked"], &[(0, &["1"])], "no kill was in between"),
        ] {
            let wrong = judged(came, must, kills);
            assert!(wrong.len() == 1 && wrong[0].contains(expected), "{came:?}: {wrong:?}");
        }
    }
}
