//! A doctor, patients and appointments.

use std::{sync::Arc, time::Duration};

use consilium_consultations::{
    AbandonmentTimer, AppointmentFollower, Consultation, Consultations, NewWalkIn, Policy, RoomClosingTimer,
};
use consilium_db::{testing::TestDb, topics};
use consilium_identity::{Hashing, Identity, IdentitySettings, NewStaff};
use consilium_kernel::{
    AppointmentId, CommandMeta, ConsultationId, DEFAULT_FACILITY, DoctorId, Id, IdempotencyKey, Principal, Refusal,
    Role, Scope, TimeZone, Timestamp, User,
};
use consilium_people::{Decision, People, Registration, VerifyDoctor};
use consilium_runtime::{
    Directory, DirectorySettings, EventBus, InProcessBus, LiveEvent, SingleNode, SubscriberWorker, TimerHandler,
    TimerWorker,
};
use consilium_scheduling::{
    AvailabilityDraft, BookAppointment, NoShowTimer, RequestExpiryTimer, Scheduling, SchedulingSettings,
    Status as AppointmentStatus, VisitType, WeeklyDraft,
};
use uuid::Uuid;

use crate::video::FakeVideo;

pub struct World {
    pub test: TestDb,
    pub bus: Arc<InProcessBus>,
    pub video: Arc<FakeVideo>,
    pub consultations: Consultations,
    pub scheduling: Scheduling,
    pub people: People,
    pub identity: Identity,
    pub doctor: User,
    follower: SubscriberWorker,
}

pub fn meta(user: &User) -> CommandMeta {
    CommandMeta {
        principal: Principal::User(user.clone()),
        scope: Scope::of(user.facility_id),
        request_id: "test".to_owned(),
        trace: None,
        idempotency: None,
    }
}

pub fn keyed(user: &User, key: &str) -> CommandMeta {
    CommandMeta { idempotency: Some(IdempotencyKey { key: key.to_owned(), body_hash: [0; 32] }), ..meta(user) }
}

pub fn staff(role: Role) -> User {
    User {
        user_id: Id::new(Uuid::from_u128(0x7000_8000_0000_0000_0099)),
        session_id: Id::new(Uuid::from_u128(1)),
        role,
        facility_id: DEFAULT_FACILITY,
        doctor_id: None,
        patient_id: None,
        email_verified: true,
    }
}

pub fn code<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> String {
    outcome.expect_err("a refusal").code.into_owned()
}

/// Nine o'clock on a Monday; the clock stands at eight.
pub fn nine() -> Timestamp {
    "2026-06-01T09:00:00Z".parse().unwrap()
}

impl World {
    pub async fn new(test: TestDb) -> Self {
        let bus = Arc::new(InProcessBus::default());
        let publisher = bus.clone();
        test.db
            .on_commit(move |effects| {
                effects.topics.into_iter().for_each(|event| publisher.publish(LiveEvent::Event(event)));
            })
            .unwrap();
        let settings = IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() };
        let identity = Identity::new(test.db.clone(), settings).unwrap();
        let people = People::new(test.db.clone(), identity.clone());
        let schedules = Directory::new(test.db.clone(), SingleNode::shared(), DirectorySettings::default());
        let scheduling = Scheduling::new(
            test.db.clone(),
            schedules,
            SchedulingSettings { require_verified_email: true, no_show_minutes: 30, follow_up_hold_hours: 72 },
        );
        let video = Arc::new(FakeVideo::default());
        let consultations = open(&test, bus.clone(), video.clone(), Policy::default());
        let follower = SubscriberWorker::new(test.db.clone(), Arc::new(AppointmentFollower::new(Policy::default())));
        let doctor = register(&people, "doctor", Role::Doctor).await;
        let id = doctor.doctor_id.unwrap();
        let approved = VerifyDoctor { decision: Decision::Approved, reason: None };
        people.verify_doctor(&meta(&staff(Role::Admin)), id, approved).await.unwrap();
        let monday = WeeklyDraft { day: "monday".to_owned(), start: "00:00".to_owned(), end: "24:00".to_owned() };
        let hours = AvailabilityDraft {
            time_zone: "UTC".to_owned(),
            weekly: vec![monday],
            exceptions: Vec::new(),
            slot_minutes: 10,
            buffer_minutes: 0,
            lead_time_minutes: 0,
            max_per_day: None,
        };
        scheduling.put_availability(meta(&doctor), id, hours, 0).await.unwrap();
        let world = Self { test, bus, video, consultations, scheduling, people, identity, doctor, follower };
        world.follow().await;
        world
    }

    /// Consultations as after a restart: nothing in memory.
    pub fn reopened(&self) -> Consultations {
        open(&self.test, self.bus.clone(), self.video.clone(), Policy::default())
    }

    /// Consultations by other rules.
    pub fn ruled_by(&self, policy: Policy) -> Consultations {
        open(&self.test, self.bus.clone(), self.video.clone(), policy)
    }

    /// All timers of consultations and appointments, as on a server.
    pub fn timers(&self) -> TimerWorker {
        let db = || self.test.db.clone();
        let handlers: Vec<Arc<dyn TimerHandler>> = vec![
            Arc::new(AbandonmentTimer::new(self.consultations.clone())),
            Arc::new(RoomClosingTimer::new(self.consultations.clone())),
            Arc::new(NoShowTimer::new(db())),
            Arc::new(RequestExpiryTimer::new(db())),
        ];
        TimerWorker::new(db(), handlers)
    }

    /// A nurse, or somebody else who works here, with an account.
    pub async fn colleague(&self, name: &str, role: Role) -> User {
        let staff = NewStaff {
            email: format!("{name}@example.org").parse().unwrap(),
            password: "correct horse battery staple".to_owned().into(),
            role,
            given_name: name.to_owned(),
            family_name: "Example".to_owned(),
            time_zone: TimeZone::utc(),
            language: "en".parse().unwrap(),
        };
        let system = CommandMeta::system(DEFAULT_FACILITY, "test");
        let account = self.identity.create_staff(&system, staff).await.unwrap();
        account.user(Id::new(account.id.uuid()))
    }

    /// Where the appointment stands.
    pub async fn appointment_status(&self, id: AppointmentId) -> AppointmentStatus {
        self.scheduling.appointment(&meta(&self.doctor), id).await.unwrap().status
    }

    pub fn doctor_id(&self) -> DoctorId {
        self.doctor.doctor_id.unwrap()
    }

    pub async fn patient(&self, name: &str) -> User {
        register(&self.people, name, Role::Patient).await
    }

    /// What somebody asks for who comes without an appointment.
    pub fn walk_in(&self) -> NewWalkIn {
        NewWalkIn {
            doctor_id: self.doctor_id(),
            patient_id: None,
            reason: "fever".to_owned(),
            visit_type: VisitType::Video,
            is_emergency: false,
            triage_level: None,
        }
    }

    /// The consultation of a patient who comes without an appointment.
    pub async fn walked_in(&self, patient: &User) -> ConsultationId {
        self.consultations.walk_in(meta(patient), self.walk_in()).await.unwrap().consultation.id
    }

    /// The same, registered by somebody who works here.
    pub async fn registered(&self, staff: &User, patient: &User, triage_level: Option<i32>) -> ConsultationId {
        let new = NewWalkIn { patient_id: patient.patient_id, triage_level, ..self.walk_in() };
        self.consultations.walk_in(meta(staff), new).await.unwrap().consultation.id
    }

    /// An accepted appointment and its consultation.
    pub async fn accepted(
        &self,
        patient: &User,
        starts_at: Timestamp,
        emergency: bool,
    ) -> (AppointmentId, ConsultationId) {
        let book = BookAppointment {
            doctor_id: self.doctor_id(),
            starts_at,
            reason: "cough".to_owned(),
            symptoms: None,
            visit_type: VisitType::Video,
            is_emergency: emergency,
        };
        let booked = self.scheduling.book(meta(patient), book).await.unwrap();
        let accepted = self.scheduling.accept(meta(&self.doctor), booked.id).await.unwrap();
        (booked.id, accepted.consultation_id.unwrap())
    }

    pub fn at(&self, time: &str) {
        self.test.clock.set(format!("2026-06-01T{time}Z").parse().unwrap());
    }

    /// Lets the subscriber hear of everything committed so far. PostgreSQL's outbox is read below the oldest running
    /// transaction of the whole server, which may be one of another test: that one is waited for.
    pub async fn follow(&self) {
        eventually("the outbox can be read", async || self.unreadable().await == 0).await;
        self.follower.catch_up().await.unwrap();
    }

    /// Names of all events of a topic, in order; checks that their numbers have no gaps.
    pub async fn events(&self, topic: &str) -> Vec<(String, serde_json::Value)> {
        let topic = topic.to_owned();
        let events = self.test.db.read(move |session| topics::read_after(session, &topic, 0, 10_000)).await.unwrap();
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event.seq, index as i64 + 1, "a gap in {}", event.topic);
        }
        events.into_iter().map(|event| (event.event, event.data)).collect()
    }

    pub async fn event_names(&self, id: ConsultationId) -> Vec<String> {
        self.events(&format!("consultation:{id}")).await.into_iter().map(|(name, _)| name).collect()
    }

    /// What the line looked like when it was last told, once it has settled.
    pub async fn told_line(&self, expected: &[ConsultationId]) {
        let topic = format!("waiting_room:{}", self.doctor_id());
        let wanted: Vec<String> = expected.iter().map(ToString::to_string).collect();
        let mut seen = Vec::new();
        for _ in 0..200 {
            let events = self.events(&topic).await;
            seen = match events.iter().rfind(|(name, _)| name == "waiting_line_changed") {
                Some((_, data)) => data["waiting"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|entry| entry["consultation_id"].as_str().unwrap().to_owned())
                    .collect(),
                None => Vec::new(),
            };
            if seen == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the line is {seen:?}, not {wanted:?}");
    }

    pub async fn state(&self, id: ConsultationId) -> Consultation {
        self.consultations.consultation(&meta(&self.doctor), id).await.unwrap()
    }

    /// Committed events that cannot be read yet.
    async fn unreadable(&self) -> i64 {
        use diesel::{prelude::*, sql_query, sql_types as sql};
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = sql::BigInt)]
            events: i64,
        }
        let count = self.test.db.read(|session| {
            let postgres = "SELECT count(*) AS events FROM outbox \
                            WHERE tx >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
            let query = session.connection().dialect(postgres, "SELECT 0 AS events").to_owned();
            Ok(sql_query(query).get_result::<Count>(session.connection())?.events)
        });
        count.await.unwrap()
    }

    /// How many lines the audit log has for this action.
    pub async fn audited(&self, action: &'static str) -> i64 {
        use diesel::{prelude::*, sql_query, sql_types as sql};
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = sql::BigInt)]
            lines: i64,
        }
        let count = self.test.db.read(move |session| {
            let query = sql_query("SELECT count(*) AS lines FROM audit_entry WHERE action = $1");
            Ok(query.bind::<sql::Text, _>(action).get_result::<Count>(session.connection())?.lines)
        });
        count.await.unwrap()
    }
}

fn open(test: &TestDb, bus: Arc<InProcessBus>, video: Arc<FakeVideo>, policy: Policy) -> Consultations {
    Consultations::new(test.db.clone(), SingleNode::shared(), bus, video, DirectorySettings::default(), policy)
}

async fn register(people: &People, name: &str, role: Role) -> User {
    let registration = Registration {
        email: format!("{name}@example.org"),
        password: "correct horse battery staple".to_owned().into(),
        role,
        given_name: name.to_owned(),
        family_name: "Example".to_owned(),
        time_zone: None,
        language: None,
    };
    let system = CommandMeta::system(DEFAULT_FACILITY, "test");
    let account = people.register(&system, registration).await.unwrap();
    account.user(Id::new(account.id.uuid()))
}

/// Waits for something that is done beside the request, without moving the clock.
pub async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}
