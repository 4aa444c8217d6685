//! Notifications from the committed event to the mail server: what arrives, what is tried again, what never is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

use std::{collections::HashMap, sync::Arc};

use consilium_db::{Result, Session, outbox::Fact, subscriptions, testing::TestDb};
use consilium_kernel::*;
use consilium_notifications::{
    AppointmentContent, Contact, Delivery, DeliveryStatus, Mailer, NotificationSettings, Notifications, Notifier,
    PageRequest, Party, Records, SmtpSettings, Templates,
};
use consilium_runtime::SubscriberWorker;
use consilium_tests::smtp::{Action, Encryption, ReceivedMail, SmtpServer, SmtpSettings as ServerSettings, Stage};
use jiff::SignedDuration;
use serde_json::{Value, json};

const DOCTOR: &str = "doctor@example.org";
const PATIENT: &str = "amina@example.org";

/// A doctor and a patient who know of nothing else.
struct Two {
    contacts: HashMap<UserId, Contact>,
    doctor: (DoctorId, UserId),
    patient: (PatientId, UserId),
}

impl Records for Two {
    fn contact(&self, _: &mut Session<'_>, user: UserId) -> Result<Option<Contact>> {
        Ok(self.contacts.get(&user).cloned())
    }
    fn doctor(&self, _: &mut Session<'_>, _: DoctorId) -> Result<Option<Party>> {
        Ok(Some(Party { user_id: Some(self.doctor.1), name: "Dr. Shafiq Rahman".into() }))
    }
    fn patient(&self, _: &mut Session<'_>, _: PatientId) -> Result<Option<Party>> {
        Ok(Some(Party { user_id: Some(self.patient.1), name: "Amina Khatun".into() }))
    }
    fn appointment(&self, _: &mut Session<'_>, _: FacilityId, _: AppointmentId) -> Result<Option<AppointmentContent>> {
        Ok(None)
    }
}

/// A clinic with a mail server.
struct Clinic {
    test: TestDb,
    server: SmtpServer,
    two: Arc<Two>,
    notifications: Notifications,
    appointment: Value,
}

fn new<T>() -> Id<T> {
    Id::new(RandomIds.next())
}

impl Clinic {
    async fn with(test: TestDb) -> Self {
        let (doctor, patient): ((DoctorId, UserId), (PatientId, UserId)) = ((new(), new()), (new(), new()));
        let contact = |email: &str, name: &str, zone: &str, language: &str| Contact {
            email: email.parse().unwrap(),
            given_name: name.into(),
            family_name: "X".into(),
            time_zone: zone.parse().unwrap(),
            language: language.parse().unwrap(),
        };
        let contacts = HashMap::from([
            (doctor.1, contact(DOCTOR, "Shafiq", "Asia/Dhaka", "en")),
            (patient.1, contact(PATIENT, "Amina", "Europe/Berlin", "bn")),
        ]);
        let two = Arc::new(Two { contacts, doctor, patient });
        let base = "https://clinic.example.org".parse().unwrap();
        let notifications = Notifications::with_records(test.db.clone(), &base, two.clone());
        let appointment = json!({
            "id": RandomIds.next(), "doctor_id": doctor.0, "patient_id": patient.0,
            "starts_at": "2026-06-03T09:00:00Z", "ends_at": "2026-06-03T09:30:00Z", "time_zone": "Asia/Dhaka",
            "status": "pending", "revision": 0, "version": 1, "visit_type": "video", "consultation_id": null,
            "reason": "secret reason", "symptoms": "secret symptoms", "note": "secret note",
        });
        Self { test, server: SmtpServer::start().await, two, notifications, appointment }
    }

    async fn happens(&self, event_type: &'static str, data: Value) {
        let entity = data.get("id").map_or_else(
            || EntityRef::new("account", RandomIds.next()),
            |id| EntityRef::new("appointment", id.as_str().unwrap().parse().unwrap()),
        );
        let (meta, subject) = (CommandMeta::system(DEFAULT_FACILITY, "test"), self.two.patient.0.uuid());
        let emitted = self.test.db.write(&meta, move |tx| {
            tx.emit(Fact { entity: entity.clone(), version: 1, event_type, schema: 1, subject, data: &data })
        });
        emitted.await.unwrap();
        let worker = SubscriberWorker::new(self.test.db.clone(), self.notifications.subscriber());
        for _ in 0..500 {
            worker.catch_up().await.unwrap();
            if self.test.db.read(|session| subscriptions::behind(session, "notifications")).await.unwrap().is_empty() {
                return;
            }
            // On PostgreSQL an event waits while an older transaction runs anywhere on the server.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("events are still waiting");
    }

    /// Goes from `status` to the next.
    async fn appointment(&mut self, event_type: &'static str, changes: Value) {
        for (field, value) in changes.as_object().unwrap() {
            self.appointment[field] = value.clone();
        }
        self.appointment["version"] = json!(self.appointment["version"].as_i64().unwrap() + 1);
        self.happens(event_type, self.appointment.clone()).await;
    }

    fn settings(&self) -> SmtpSettings {
        SmtpSettings {
            url: Some(self.server.url().into()),
            from: "Green Clinic <clinic@example.org>".into(),
            timeout_seconds: 2,
            ..SmtpSettings::default()
        }
    }

    fn notifier_with(&self, settings: &SmtpSettings) -> Arc<Notifier> {
        let base = "https://clinic.example.org".parse().unwrap();
        let mailer = Mailer::new(settings, Templates::load(None).unwrap(), &base).unwrap();
        let attempts = NotificationSettings { max_attempts: 4, ..NotificationSettings::default() };
        self.notifications.notifier(Arc::new(mailer), &attempts)
    }

    fn notifier(&self) -> Arc<Notifier> {
        self.notifier_with(&self.settings())
    }

    async fn deliveries(&self) -> Vec<Delivery> {
        let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
        let page = PageRequest { limit: Some(100), cursor: None };
        let mut found = self.notifications.deliveries(&meta, None, page).await.unwrap().items;
        found.retain(|it| it.channel == consilium_notifications::Channel::Email);
        found.reverse();
        found
    }

    fn mails_to(&self, address: &str) -> Vec<ReceivedMail> {
        self.server.mails().into_iter().filter(|mail| mail.is_to(address)).collect()
    }
}

#[actix_rt::test]
async fn from_booking_to_cancellation() {
    for test in TestDb::both() {
        let mut clinic = Clinic::with(test).await;
        let notifier = clinic.notifier();
        clinic.happens("appointment_booked", clinic.appointment.clone()).await;
        notifier.send_due().await.unwrap();
        let room = RandomIds.next();
        clinic.appointment("appointment_accepted", json!({"status": "accepted", "consultation_id": room})).await;
        notifier.send_due().await.unwrap();
        let later = json!({"starts_at": "2026-06-04T10:00:00Z", "ends_at": "2026-06-04T10:30:00Z", "revision": 1,
            "previous_starts_at": "2026-06-03T09:00:00Z"});
        clinic.appointment("appointment_rescheduled", later).await;
        notifier.send_due().await.unwrap();
        clinic.appointment("appointment_cancelled", json!({"status": "cancelled"})).await;
        notifier.send_due().await.unwrap();

        for address in [DOCTOR, PATIENT] {
            let invites: Vec<_> = clinic.mails_to(address).into_iter().map(|mail| mail.calendar.unwrap()).collect();
            let methods: Vec<_> = invites.iter().map(|it| it.method.clone().unwrap()).collect();
            assert_eq!(methods, ["REQUEST", "REQUEST", "REQUEST", "CANCEL"]);
            let all = |name: &str| invites.iter().map(|it| it.property(name).unwrap().to_owned()).collect::<Vec<_>>();
            assert_eq!(all("METHOD"), methods);
            assert_eq!(all("STATUS"), ["TENTATIVE", "CONFIRMED", "CONFIRMED", "CANCELLED"]);
            let mut uids = all("UID");
            uids.dedup();
            assert_eq!(uids, [format!("{}@clinic.example.org", clinic.appointment["id"].as_str().unwrap())]);
            let sequence: Vec<i64> = all("SEQUENCE").iter().map(|it| it.parse().unwrap()).collect();
            assert!(sequence.is_sorted_by(|a, b| a < b), "{sequence:?}");
            assert_eq!(all("DTSTART")[2], "20260604T100000Z");
        }
        let confirmation = &clinic.mails_to(PATIENT)[1];
        assert_eq!(confirmation.sender, "clinic@example.org");
        assert_eq!(confirmation.subject, "Dr. Shafiq Rahman-এর সঙ্গে আপনার সাক্ষাৎ নিশ্চিত হয়েছে");
        let text = confirmation.text.clone().unwrap();
        assert!(
            text.contains("১১:০০ (Europe/Berlin, UTC+02:00)") && text.contains("১৫:০০ (Asia/Dhaka, UTC+06:00)"),
            "{text}"
        );
        assert!(text.contains(&format!("https://clinic.example.org/c/{room}")), "{text}");
        for mail in clinic.server.mails() {
            let raw = String::from_utf8_lossy(&mail.raw).into_owned();
            assert_eq!(mail.recipients.len(), 1);
            for part in [&raw, &mail.text.unwrap(), &mail.html.unwrap(), &mail.calendar.unwrap().body] {
                assert!(!part.contains("secret"), "{part}");
            }
        }
        assert!(clinic.deliveries().await.iter().all(|it| it.status == DeliveryStatus::Sent));
    }
}

#[actix_rt::test]
async fn the_code_is_on_a_line_of_its_own() {
    let clinic = Clinic::with(TestDb::sqlite()).await;
    let data = json!({"user_id": clinic.two.doctor.1, "token": "f00dcafe"});
    clinic.happens("email_verification_requested", data).await;
    clinic.notifier().send_due().await.unwrap();
    let mail = &clinic.mails_to(DOCTOR)[0];
    assert_eq!(mail.subject, "Please confirm your e-mail address");
    assert!(mail.text.as_ref().unwrap().lines().any(|line| line.trim() == "f00dcafe"));
    assert!(mail.calendar.is_none());
}

#[actix_rt::test]
async fn a_server_that_is_down_or_busy_delays_mail_and_loses_none() {
    for test in TestDb::both() {
        let clinic = Clinic::with(test).await;
        let notifier = clinic.notifier();
        clinic.server.go_down().await;
        clinic.happens("appointment_booked", clinic.appointment.clone()).await;
        notifier.send_due().await.unwrap();
        let waiting = clinic.deliveries().await;
        assert!(waiting.iter().all(|it| it.status == DeliveryStatus::Failed), "{waiting:?}");
        assert_eq!(waiting[0].last_error.as_deref(), Some("connection"));
        clinic.server.come_back().await;
        for stage in [Stage::Recipient, Stage::Message] {
            clinic.server.fail_next(stage, Action::Refuse(451));
        }
        for _ in 0..3 {
            clinic.test.clock.advance(SignedDuration::from_mins(2));
            notifier.send_due().await.unwrap();
        }
        assert!(clinic.server.faults_played());
        let sent = clinic.deliveries().await;
        assert!(sent.iter().all(|it| it.status == DeliveryStatus::Sent), "{sent:?}");
        assert_eq!(clinic.server.mails().len(), 2);
        let ids: Vec<_> = sent.iter().map(|it| it.message_id.clone()).collect();
        for mail in clinic.server.mails() {
            assert!(ids.contains(&mail.message_id.unwrap()));
        }
    }
}

#[actix_rt::test]
async fn a_mailbox_that_does_not_exist_is_a_dead_letter_at_once() {
    for test in TestDb::both() {
        let clinic = Clinic::with(test).await;
        let notifier = clinic.notifier();
        let data = json!({"user_id": clinic.two.patient.1, "token": "code"});
        clinic.happens("email_verification_requested", data).await;
        clinic.server.fail_next(Stage::Recipient, Action::Refuse(550));
        notifier.send_due().await.unwrap();
        let dead = clinic.deliveries().await.remove(0);
        assert_eq!(
            (dead.status, dead.attempts, dead.last_error.as_deref()),
            (DeliveryStatus::Dead, 1, Some("smtp_550"))
        );
        let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
        clinic.notifications.retry(&meta, dead.id).await.unwrap();
        notifier.send_due().await.unwrap();
        assert_eq!(clinic.mails_to(PATIENT)[0].message_id, Some(dead.message_id));
    }
}

/// The server has the mail, and its answer never comes: all that can be promised is one Message-ID.
#[actix_rt::test]
async fn an_answer_that_is_lost_brings_a_copy_under_the_same_message_id() {
    for action in [Action::Drop, Action::Hang] {
        let clinic = Clinic::with(TestDb::sqlite()).await;
        let notifier = clinic.notifier();
        let data = json!({"user_id": clinic.two.patient.1, "token": "code"});
        clinic.happens("email_verification_requested", data).await;
        clinic.server.fail_next(Stage::Message, action);
        notifier.send_due().await.unwrap();
        assert_eq!(clinic.deliveries().await[0].status, DeliveryStatus::Failed);
        clinic.test.clock.advance(SignedDuration::from_mins(1));
        notifier.send_due().await.unwrap();
        let delivery = clinic.deliveries().await.remove(0);
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Sent, 2));
        let ids: Vec<_> = clinic.server.mails().into_iter().map(|mail| mail.message_id.unwrap()).collect();
        assert_eq!(ids, [delivery.message_id.clone(), delivery.message_id], "{action:?}");
    }
}

#[actix_rt::test]
async fn two_nodes_send_nothing_twice() {
    let clinic = Clinic::with(TestDb::postgres()).await;
    for _ in 0..15 {
        let mut appointment = clinic.appointment.clone();
        appointment["id"] = json!(RandomIds.next());
        clinic.happens("appointment_booked", appointment).await;
    }
    let (one, other) = (clinic.notifier(), clinic.notifier());
    let (first, second) = tokio::join!(one.send_due(), other.send_due());
    first.unwrap();
    second.unwrap();
    clinic.notifier().send_due().await.unwrap();
    let mut ids: Vec<_> = clinic.server.mails().into_iter().map(|mail| mail.message_id.unwrap()).collect();
    ids.sort();
    let count = ids.len();
    ids.dedup();
    assert_eq!((count, ids.len()), (30, 30));
}

#[actix_rt::test]
async fn passwords_and_mails_travel_encrypted() {
    for encryption in [Encryption::StartTls, Encryption::Implicit] {
        let mut clinic = Clinic::with(TestDb::sqlite()).await;
        let credentials = Some(("clinic".to_owned(), "s3cret".to_owned()));
        clinic.server = SmtpServer::start_with(ServerSettings { encryption, credentials }).await;
        let data = json!({"user_id": clinic.two.patient.1, "token": "code"});
        clinic.happens("email_verification_requested", data).await;

        // A certificate that nobody vouches for, and then one that the operator does.
        clinic.notifier().send_due().await.unwrap();
        let waiting = clinic.deliveries().await.remove(0);
        assert_eq!(waiting.status, DeliveryStatus::Failed, "{waiting:?}");
        let pem = clinic.test.folder.join("ca.pem");
        std::fs::write(&pem, clinic.server.certificate_pem()).unwrap();
        clinic.test.clock.advance(SignedDuration::from_mins(1));
        let trusting = SmtpSettings { ca_file: Some(pem), ..clinic.settings() };
        clinic.notifier_with(&trusting).send_due().await.unwrap();
        let mail = clinic.mails_to(PATIENT).remove(0);
        assert!(mail.encrypted);
        assert_eq!(mail.user.as_deref(), Some("clinic"));
    }
}

/// An operator's wrong password must cost nobody a mail.
#[actix_rt::test]
async fn a_wrong_password_of_ours_kills_no_mail() {
    let mut clinic = Clinic::with(TestDb::sqlite()).await;
    let credentials = Some(("clinic".to_owned(), "s3cret".to_owned()));
    clinic.server = SmtpServer::start_with(ServerSettings { credentials, ..ServerSettings::default() }).await;
    let data = json!({"user_id": clinic.two.patient.1, "token": "code"});
    clinic.happens("email_verification_requested", data).await;
    let wrong = clinic.server.url().replace("s3cret", "guess");
    clinic.notifier_with(&SmtpSettings { url: Some(wrong.into()), ..clinic.settings() }).send_due().await.unwrap();
    let waiting = clinic.deliveries().await.remove(0);
    assert_eq!(waiting.status, DeliveryStatus::Failed, "{waiting:?}");
    clinic.test.clock.advance(SignedDuration::from_mins(1));
    clinic.notifier().send_due().await.unwrap();
    assert_eq!(clinic.mails_to(PATIENT).len(), 1);
}

#[actix_rt::test]
async fn without_encryption_nothing_leaves_where_it_is_required() {
    let clinic = Clinic::with(TestDb::sqlite()).await;
    let data = json!({"user_id": clinic.two.patient.1, "token": "code"});
    clinic.happens("email_verification_requested", data).await;
    let strict =
        SmtpSettings { url: Some(format!("{}?tls=required", clinic.server.url()).into()), ..clinic.settings() };
    clinic.notifier_with(&strict).send_due().await.unwrap();
    assert_eq!(clinic.deliveries().await[0].status, DeliveryStatus::Failed);
    assert!(clinic.server.mails().is_empty());
}

/// The mail after one that hung must get its own answer, not that of the one before.
#[actix_rt::test]
async fn a_server_that_hangs_spoils_only_one_attempt() {
    let clinic = Clinic::with(TestDb::sqlite()).await;
    let notifier = clinic.notifier();
    for stage in [Stage::Connect, Stage::Sender, Stage::Recipient, Stage::Data] {
        let data = json!({"user_id": clinic.two.patient.1, "token": "code"});
        clinic.happens("email_verification_requested", data).await;
        clinic.server.fail_next(stage, Action::Hang);
        notifier.send_due().await.unwrap();
        let waiting = clinic.deliveries().await.pop().unwrap();
        assert_eq!(
            (waiting.status, waiting.last_error.as_deref()),
            (DeliveryStatus::Failed, Some("timeout")),
            "{stage:?}"
        );
        let before = clinic.server.mails().len();
        clinic.test.clock.advance(SignedDuration::from_mins(1));
        notifier.send_due().await.unwrap();
        assert_eq!(clinic.server.mails().len(), before + 1, "{stage:?}");
    }
}
