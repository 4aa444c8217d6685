//! With real accounts, people and appointments: from registering to the last reminder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use consilium_db::{Tx, subscriptions, testing::TestDb};
use consilium_identity::{Hashing, Identity, IdentitySettings};
use consilium_kernel::*;
use consilium_notifications::{
    Channel, NotificationSettings, Notifications, Outgoing, PageRequest, SendError, Transport,
};
use consilium_people::{Decision, People, Registration, VerifyDoctor};
use consilium_runtime::{Directory, DirectorySettings, SingleNode, Subscriber, SubscriberWorker, TimerWorker};
use consilium_scheduling::{
    AvailabilityDraft, BookAppointment, NoShowTimer, Scheduling, SchedulingSettings, VisitType, WeeklyDraft,
};
use diesel::{RunQueryDsl, sql_query};
use jiff::SignedDuration;

/// Remembers what it was given: kind, address, time.
struct Post {
    test: Arc<dyn Clock>,
    taken: Mutex<Vec<(String, String, Timestamp)>>,
}

#[async_trait::async_trait]
impl Transport for Post {
    fn channel(&self) -> Channel {
        Channel::Email
    }
    fn time_limit(&self) -> Duration {
        Duration::from_secs(1)
    }
    async fn send(&self, outgoing: &Outgoing) -> Result<(), SendError> {
        let mail = (outgoing.kind.to_string(), outgoing.contact.email.to_string(), self.test.now());
        self.taken.lock().unwrap().push(mail);
        Ok(())
    }
}

fn meta(user: &User) -> CommandMeta {
    CommandMeta {
        principal: Principal::User(user.clone()),
        scope: Scope::of(DEFAULT_FACILITY),
        request_id: "test".to_owned(),
        trace: None,
        idempotency: None,
    }
}

fn user(user_id: UserId, role: Role, doctor_id: Option<DoctorId>, patient_id: Option<PatientId>) -> User {
    let session_id = Id::new(RandomIds.next());
    User { user_id, session_id, role, facility_id: DEFAULT_FACILITY, doctor_id, patient_id, email_verified: true }
}

async fn register(people: &People, name: &str, role: Role) -> User {
    let registration = Registration {
        email: format!("{name}@example.org"),
        password: "correct horse battery staple".to_owned().into(),
        role,
        given_name: name.to_owned(),
        family_name: "Example".to_owned(),
        time_zone: Some("Asia/Dhaka".to_owned()),
        language: Some("bn".to_owned()),
    };
    let anonymous = CommandMeta { principal: Principal::Anonymous, ..CommandMeta::system(DEFAULT_FACILITY, "test") };
    let account = people.register(&anonymous, registration).await.unwrap();
    user(account.id, role, account.doctor_id, account.patient_id)
}

struct Clinic {
    test: TestDb,
    notifications: Notifications,
    post: Arc<Post>,
    timers: TimerWorker,
}

impl Clinic {
    /// All that a server does at one moment.
    async fn tick(&self) {
        self.timers.fire_due().await.unwrap();
        let worker = SubscriberWorker::new(self.test.db.clone(), self.notifications.subscriber());
        for attempt in 0.. {
            worker.catch_up().await.unwrap();
            if self.test.db.read(|session| subscriptions::behind(session, "notifications")).await.unwrap().is_empty() {
                break;
            }
            assert!(attempt < 500, "events are still waiting");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let settings = NotificationSettings::default();
        self.notifications.notifier(self.post.clone(), &settings).send_due().await.unwrap();
    }

    /// Kinds of the mails to `name` since the last call.
    fn mails(&self, name: &str) -> Vec<String> {
        let mut taken = self.post.taken.lock().unwrap();
        let address = format!("{name}@example.org");
        let mine = taken.iter().filter(|(_, to, _)| *to == address).map(|(kind, ..)| kind.clone()).collect();
        taken.retain(|(_, to, _)| *to != address);
        mine
    }
}

#[actix_rt::test]
async fn the_whole_way() {
    for test in TestDb::both() {
        let db = test.db.clone();
        let settings = IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() };
        let people = People::new(db.clone(), Identity::new(db.clone(), settings).unwrap());
        let schedules = Directory::new(db.clone(), SingleNode::shared(), DirectorySettings::default());
        let scheduling = Scheduling::new(
            db.clone(),
            schedules,
            SchedulingSettings { require_verified_email: false, no_show_minutes: 15, follow_up_hold_hours: 72 },
        );
        let notifications = Notifications::new(db.clone(), &"https://clinic.example.org".parse().unwrap());
        let post = Arc::new(Post { test: test.clock.clone(), taken: Mutex::default() });
        let no_show = Arc::new(NoShowTimer::new(db.clone()));
        let timers = TimerWorker::new(db.clone(), vec![notifications.reminders(), no_show]);
        let clinic = Clinic { test, notifications, post, timers };

        let doctor = register(&people, "shafiq", Role::Doctor).await;
        let patient = register(&people, "amina", Role::Patient).await;
        clinic.tick().await;
        assert_eq!(clinic.mails("shafiq"), ["email_verification"]);
        assert_eq!(clinic.mails("amina"), ["email_verification"]);

        let admin = user(Id::new(RandomIds.next()), Role::Admin, None, None);
        let doctor_id = doctor.doctor_id.unwrap();
        let approved = VerifyDoctor { decision: Decision::Approved, reason: None };
        people.verify_doctor(&meta(&admin), doctor_id, approved).await.unwrap();
        clinic.tick().await;
        assert_eq!(clinic.mails("shafiq"), ["doctor_approved"]);
        let every_day = |day: &str| WeeklyDraft { day: day.into(), start: "00:00".into(), end: "24:00".into() };
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let hours = AvailabilityDraft {
            time_zone: "UTC".to_owned(),
            weekly: days.map(every_day).to_vec(),
            exceptions: Vec::new(),
            slot_minutes: 30,
            buffer_minutes: 0,
            lead_time_minutes: 0,
            max_per_day: None,
        };
        scheduling.put_availability(meta(&doctor), doctor_id, hours, 0).await.unwrap();

        // The clock stands at 2026-06-01T08:00:00Z.
        let first: Timestamp = "2026-06-03T09:00:00Z".parse().unwrap();
        let book = BookAppointment {
            doctor_id,
            starts_at: first,
            reason: "cough".to_owned(),
            symptoms: None,
            visit_type: VisitType::Video,
            is_emergency: false,
        };
        let booked = scheduling.book(meta(&patient), book).await.unwrap();
        clinic.tick().await;
        assert_eq!(clinic.mails("amina"), ["appointment_booked"]);
        assert_eq!(clinic.mails("shafiq"), ["appointment_booked"]);
        scheduling.accept(meta(&doctor), booked.id).await.unwrap();
        clinic.tick().await;
        assert_eq!(clinic.mails("amina"), ["appointment_accepted"]);
        assert_eq!(clinic.mails("shafiq"), ["appointment_accepted"]);

        // Moved by the doctor to the day after, half a day before the first reminder; then time passes.
        clinic.test.clock.advance(SignedDuration::from_hours(12));
        let second = first + SignedDuration::from_hours(24);
        scheduling.reschedule(meta(&doctor), booked.id, second, None).await.unwrap();
        clinic.tick().await;
        assert_eq!(clinic.mails("amina"), ["appointment_rescheduled"]);
        clinic.mails("shafiq");
        let end = second + SignedDuration::from_hours(2);
        let mut reminders = Vec::new();
        while clinic.test.clock.now() < end {
            clinic.test.clock.advance(SignedDuration::from_mins(15));
            clinic.tick().await;
            let now = clinic.test.clock.now();
            let before = second.duration_since(now).as_mins();
            reminders.extend(clinic.mails("amina").into_iter().map(|kind| (kind, before)));
        }
        assert_eq!(reminders[0], ("reminder_24h".to_owned(), 24 * 60));
        assert_eq!(reminders[1], ("reminder_1h".to_owned(), 60));
        assert_eq!(reminders[2].0, "appointment_no_show");
        assert_eq!(reminders.len(), 3, "{reminders:?}");
        assert!(clinic.mails("shafiq").is_empty(), "doctors are reminded inside the product");

        let inbox = clinic.notifications.inbox(&meta(&doctor), false, PageRequest::default()).await.unwrap();
        let mut kinds: Vec<String> = inbox.items.iter().map(|entry| entry.kind.to_string()).collect();
        kinds.reverse();
        assert_eq!(
            kinds,
            [
                "doctor_approved",
                "appointment_booked",
                "appointment_accepted",
                "appointment_rescheduled",
                "reminder_24h",
                "reminder_1h",
                "appointment_no_show",
            ]
        );
        assert_eq!(inbox.items[0].text.params["patient_name"], "amina Example");
    }
}

/// Hears of everything and remembers nothing.
struct Deaf;

impl Subscriber for Deaf {
    fn name(&self) -> &'static str {
        "deaf"
    }
    fn digest(&self, _: &mut Tx<'_>, _: &EventEnvelope) -> consilium_db::Result<()> {
        Ok(())
    }
}

#[actix_rt::test]
async fn a_subscriber_that_has_read_everything_writes_nothing() {
    for test in TestDb::both() {
        let worker = SubscriberWorker::new(test.db.clone(), Arc::new(Deaf));
        worker.catch_up().await.unwrap();
        let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
        let delete = "DELETE FROM subscriber_cursor WHERE subscriber = 'deaf'";
        let deleted = test.db.write(&meta, move |tx| Ok(sql_query(delete).execute(tx.connection())?));
        assert!(deleted.await.unwrap() > 0, "it has cursors");
        worker.catch_up().await.unwrap();
        let deleted = test.db.write(&meta, move |tx| Ok(sql_query(delete).execute(tx.connection())?));
        assert_eq!(deleted.await.unwrap(), 0, "it made sure of its cursors once more");
    }
}
