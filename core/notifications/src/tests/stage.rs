//! One doctor, one patient, and a channel that does what a test says.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use consilium_db::{Result, Session, outbox::Fact, subscriptions, testing::TestDb};
use consilium_kernel::*;
use consilium_runtime::{SubscriberWorker, TimerWorker};
use consilium_scheduling::{Appointment, AppointmentEvent, AppointmentKind, Party as By, Status, VisitType};
use serde_json::Value;

use crate::{Delivery, *};

/// Stands in the reason, symptoms and note of every appointment, and in names and addresses; must never be readable.
pub const CANARY: &str = "canarybird";

/// Records that tests write by hand.
#[derive(Default)]
pub struct Book {
    pub contacts: Mutex<HashMap<UserId, Contact>>,
    pub doctors: Mutex<HashMap<DoctorId, Party>>,
    pub patients: Mutex<HashMap<PatientId, Party>>,
    pub appointments: Mutex<HashMap<AppointmentId, AppointmentContent>>,
}

impl Records for Book {
    fn contact(&self, _: &mut Session<'_>, user: UserId) -> Result<Option<Contact>> {
        Ok(self.contacts.lock().unwrap().get(&user).cloned())
    }
    fn doctor(&self, _: &mut Session<'_>, doctor: DoctorId) -> Result<Option<Party>> {
        Ok(self.doctors.lock().unwrap().get(&doctor).cloned())
    }
    fn patient(&self, _: &mut Session<'_>, patient: PatientId) -> Result<Option<Party>> {
        Ok(self.patients.lock().unwrap().get(&patient).cloned())
    }
    fn appointment(&self, _: &mut Session<'_>, _: FacilityId, id: AppointmentId) -> Result<Option<AppointmentContent>> {
        Ok(self.appointments.lock().unwrap().get(&id).cloned())
    }
}

/// An e-mail channel that remembers what it was given and fails as it is told.
#[derive(Default)]
pub struct Post {
    pub taken: Mutex<Vec<(DeliveryId, Kind, String, UserId)>>,
    pub failures: Mutex<VecDeque<SendError>>,
    pub slow: Option<Duration>,
}

#[async_trait::async_trait]
impl Transport for Post {
    fn channel(&self) -> Channel {
        Channel::Email
    }
    fn time_limit(&self) -> Duration {
        Duration::from_secs(1)
    }
    async fn send(&self, outgoing: &Outgoing) -> std::result::Result<(), SendError> {
        if let Some(slow) = self.slow {
            tokio::time::sleep(slow).await;
        }
        if let Some(failure) = self.failures.lock().unwrap().pop_front() {
            return Err(failure);
        }
        let user = outgoing.contact.given_name.parse().unwrap();
        self.taken.lock().unwrap().push((outgoing.id, outgoing.kind, outgoing.message_id.clone(), user));
        Ok(())
    }
}

impl Post {
    pub fn kinds(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|(_, kind, ..)| kind.to_string()).collect()
    }
    pub fn message_ids(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|(_, _, id, _)| id.clone()).collect()
    }
}

/// A database with notifications on it.
pub struct Stage {
    pub test: TestDb,
    pub book: Arc<Book>,
    pub notifications: Notifications,
    pub post: Arc<Post>,
    pub doctor: (DoctorId, UserId),
    pub patient: (PatientId, UserId),
}

fn fresh<T>() -> Id<T> {
    Id::new(RandomIds.next())
}

impl Stage {
    pub fn on(test: TestDb) -> Self {
        let book = Arc::new(Book::default());
        let base = "https://clinic.example.org".parse().unwrap();
        let notifications = Notifications::with_records(test.db.clone(), &base, book.clone());
        let (doctor, patient) = ((fresh(), fresh()), (fresh(), fresh()));
        let party = |user_id, name: &str| Party { user_id: Some(user_id), name: name.to_owned() };
        book.doctors.lock().unwrap().insert(doctor.0, party(doctor.1, "Dr. Rahman"));
        book.patients.lock().unwrap().insert(patient.0, party(patient.1, &format!("Amina {CANARY}")));
        for user in [doctor.1, patient.1] {
            book.contacts.lock().unwrap().insert(user, contact(user));
        }
        Self { test, book, notifications, post: Arc::default(), doctor, patient }
    }

    /// An accepted appointment in two days, as scheduling knows it.
    pub fn appointment(&self) -> Appointment {
        let starts_at = self.now() + jiff::SignedDuration::from_hours(48);
        Appointment {
            id: fresh(),
            doctor_id: self.doctor.0,
            patient_id: self.patient.0,
            facility_id: DEFAULT_FACILITY,
            kind: AppointmentKind::Booked,
            starts_at,
            ends_at: starts_at + jiff::SignedDuration::from_mins(30),
            time_zone: "Asia/Dhaka".parse().unwrap(),
            status: Status::Accepted,
            revision: 0,
            version: 2,
            visit_type: VisitType::Video,
            is_emergency: false,
            reason: Some(format!("{CANARY} reason")),
            symptoms: Some(format!("{CANARY} symptoms")),
            consultation_id: Some(fresh()),
            started_at: None,
            created_at: self.now(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.test.clock.now()
    }

    /// Commits an event.
    pub async fn happens(&self, entity: EntityRef, event_type: &'static str, data: Value) {
        let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
        let subject = self.patient.0.uuid();
        self.test
            .db
            .write(&meta, move |tx| {
                tx.emit(Fact { entity: entity.clone(), version: 1, event_type, schema: 1, subject, data: &data })
            })
            .await
            .unwrap();
    }

    /// Commits an event about an appointment, and lets it stand as it is there.
    pub async fn scheduled(&self, event_type: &'static str, appointment: &Appointment) {
        self.book.appointments.lock().unwrap().insert(appointment.id, appointment.clone().into());
        let data = AppointmentEvent {
            appointment: appointment.clone(),
            by: By::Patient,
            note: Some(format!("{CANARY} note")),
            previous_starts_at: None,
        };
        self.happens(appointment.entity(), event_type, serde_json::to_value(data).unwrap()).await;
    }

    /// Lets the subscriber hear of everything. On PostgreSQL an event has to wait while an older transaction
    /// runs, be it a neighbour's on the same server.
    pub async fn digest(&self) -> usize {
        let worker = SubscriberWorker::new(self.test.db.clone(), self.notifications.subscriber());
        let mut digested = 0;
        for _ in 0..500 {
            digested += worker.catch_up().await.unwrap();
            if self.test.db.read(|session| subscriptions::behind(session, "notifications")).await.unwrap().is_empty() {
                return digested;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("events are still waiting");
    }

    /// Fires every timer that is due.
    pub async fn fire(&self) {
        TimerWorker::new(self.test.db.clone(), vec![self.notifications.reminders()]).fire_due().await.unwrap();
    }

    pub fn notifier(&self) -> Arc<Notifier> {
        let settings = NotificationSettings { max_attempts: 3, ..Default::default() };
        self.notifications.notifier(self.post.clone(), &settings)
    }

    /// Sends everything that is due.
    pub async fn send(&self) {
        self.notifier().send_due().await.unwrap();
    }

    /// Every delivery, oldest first.
    pub async fn deliveries(&self) -> Vec<Delivery> {
        let page = PageRequest { limit: Some(100), cursor: None };
        let mut found = self.notifications.deliveries(&self.admin(), None, page).await.unwrap().items;
        found.reverse();
        found
    }

    /// `kind/channel/recipient` of every delivery, sorted.
    pub async fn told(&self) -> Vec<String> {
        let mut told: Vec<String> = self
            .deliveries()
            .await
            .into_iter()
            .map(|it| {
                let to = if it.recipient_id == self.doctor.1 {
                    "doctor"
                } else if it.recipient_id == self.patient.1 {
                    "patient"
                } else {
                    "stranger"
                };
                format!("{}/{}/{to}", it.kind, it.channel)
            })
            .collect();
        told.sort();
        told
    }

    pub fn admin(&self) -> CommandMeta {
        self.meta(Role::Admin, fresh())
    }

    pub fn as_patient(&self) -> CommandMeta {
        self.meta(Role::Patient, self.patient.1)
    }

    pub fn as_doctor(&self) -> CommandMeta {
        self.meta(Role::Doctor, self.doctor.1)
    }

    fn meta(&self, role: Role, user_id: UserId) -> CommandMeta {
        CommandMeta {
            principal: Principal::User(User {
                user_id,
                session_id: fresh(),
                role,
                facility_id: DEFAULT_FACILITY,
                doctor_id: None,
                patient_id: None,
                email_verified: true,
            }),
            scope: Scope::of(DEFAULT_FACILITY),
            request_id: "test".into(),
            trace: None,
            idempotency: None,
        }
    }
}

/// The given name is the account's id, so that a channel can tell whom it wrote to.
fn contact(user: UserId) -> Contact {
    Contact {
        email: format!("{CANARY}@example.org").parse().unwrap(),
        given_name: user.to_string(),
        family_name: CANARY.to_owned(),
        time_zone: "Asia/Dhaka".parse().unwrap(),
        language: Language::english(),
    }
}
