//! A facility: Ada and her doctor, another doctor and patient, and staff.

use std::sync::Arc;

use consilium_chat::{ChatPolicy, NewMessage};
use consilium_db::{testing::TestDb, topics};
use consilium_identity::{Hashing, Identity, IdentitySettings, NewStaff};
use consilium_kernel::{
    CommandMeta, DEFAULT_FACILITY, FacilityId, Id, IdempotencyKey, Language, Principal, Refusal, Role, Scope, ThreadId,
    TimeZone, User,
};
use consilium_messaging::{Invited, Messaging, OpenThread, Thread, ThreadKind};
use consilium_people::{Decision, People, Registration, VerifyDoctor};
use consilium_runtime::{Directory, DirectorySettings, InProcessBus, SingleNode};
use consilium_scheduling::{
    AvailabilityDraft, BookAppointment, Scheduling, SchedulingSettings, VisitType, WeeklyDraft,
};

pub struct World {
    pub test: TestDb,
    pub messaging: Messaging,
    /// Is treated by `doctor`.
    pub ada: User,
    pub bob: User,
    pub doctor: User,
    /// Has never met Ada.
    pub other: User,
    pub nurse: User,
    pub pharmacist: User,
    pub support: User,
    pub admin: User,
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

/// The same person as if the account were in another facility.
pub fn elsewhere(user: &User) -> User {
    User { facility_id: FacilityId::new(uuid::Uuid::from_u128(77)), ..user.clone() }
}

/// The code of a refusal, or of its wrong field.
pub fn code<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> String {
    let refusal = outcome.expect_err("a refusal");
    refusal.errors.first().map_or(refusal.code.clone(), |error| error.code.clone()).into_owned()
}

pub fn text(client_id: &str, body: &str) -> NewMessage {
    NewMessage { client_message_id: client_id.to_owned(), body: body.to_owned(), attachments: Vec::new() }
}

/// A thread about care, or among clinicians.
pub fn new(kind: ThreadKind, participants: &[&User]) -> OpenThread {
    let participants = participants.iter().map(|user| Invited::UserId(user.user_id)).collect();
    OpenThread { kind, patient_id: None, subject: "about the cough".to_owned(), participants }
}

impl World {
    pub async fn new(test: TestDb) -> Self {
        let hashing = IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() };
        let identity = Identity::new(test.db.clone(), hashing).unwrap();
        let people = People::new(test.db.clone(), identity.clone());
        let person = async |name: &str, role| register(&people, name, role).await;
        let (ada, bob) = (person("ada", Role::Patient).await, person("bob", Role::Patient).await);
        let (doctor, other) = (person("doctor", Role::Doctor).await, person("other", Role::Doctor).await);
        let staff = async |role| hire(&identity, role).await;
        let (nurse, pharmacist) = (staff(Role::Nurse).await, staff(Role::Pharmacist).await);
        let (support, admin) = (staff(Role::Support).await, staff(Role::Admin).await);
        let schedules = Directory::new(test.db.clone(), SingleNode::shared(), DirectorySettings::default());
        let rules = SchedulingSettings { require_verified_email: false, no_show_minutes: 30, follow_up_hold_hours: 72 };
        let scheduling = Scheduling::new(test.db.clone(), schedules, rules);
        for doctor in [&doctor, &other] {
            let approved = VerifyDoctor { decision: Decision::Approved, reason: None };
            people.verify_doctor(&meta(&admin), doctor.doctor_id.unwrap(), approved).await.unwrap();
        }
        meet(&scheduling, &doctor, &ada).await;
        let messaging = Messaging::new(test.db.clone(), Arc::new(InProcessBus::default()), ChatPolicy::default());
        Self { test, messaging, ada, bob, doctor, other, nurse, pharmacist, support, admin }
    }

    /// A thread of Ada's with her doctor and the nurse.
    pub async fn care(&self) -> Thread {
        let new = new(ThreadKind::Care, &[&self.doctor, &self.nurse]);
        self.messaging.open(meta(&self.ada), new).await.unwrap()
    }

    /// Everything told on a topic, in order.
    pub async fn events(&self, topic: &str) -> Vec<(String, serde_json::Value)> {
        let topic = topic.to_owned();
        let events = self.test.db.read(move |session| topics::read_after(session, &topic, 0, 10_000)).await.unwrap();
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event.seq, index as i64 + 1, "a gap in {}", event.topic);
        }
        events.into_iter().map(|event| (event.event, event.data)).collect()
    }

    pub async fn event_names(&self, id: ThreadId) -> Vec<String> {
        self.events(&consilium_messaging::topic(id)).await.into_iter().map(|(name, _)| name).collect()
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
    let account = people.register(&CommandMeta::system(DEFAULT_FACILITY, "test"), registration).await.unwrap();
    account.user(Id::new(account.id.uuid()))
}

async fn hire(identity: &Identity, role: Role) -> User {
    let staff = NewStaff {
        email: format!("{role}@example.org").parse().unwrap(),
        password: "correct horse battery staple".to_owned().into(),
        role,
        given_name: role.to_string(),
        family_name: "Example".to_owned(),
        time_zone: TimeZone::utc(),
        language: Language::english(),
    };
    let account = identity.create_staff(&CommandMeta::system(DEFAULT_FACILITY, "test"), staff).await.unwrap();
    account.user(Id::new(account.id.uuid()))
}

/// An appointment that the doctor has accepted.
async fn meet(scheduling: &Scheduling, doctor: &User, patient: &User) {
    let id = doctor.doctor_id.unwrap();
    let hours = AvailabilityDraft {
        time_zone: "UTC".to_owned(),
        weekly: vec![WeeklyDraft { day: "monday".to_owned(), start: "09:00".to_owned(), end: "17:00".to_owned() }],
        exceptions: Vec::new(),
        slot_minutes: 30,
        buffer_minutes: 0,
        lead_time_minutes: 0,
        max_per_day: None,
    };
    scheduling.put_availability(meta(doctor), id, hours, 0).await.unwrap();
    let book = BookAppointment {
        doctor_id: id,
        starts_at: "2026-06-01T09:00:00Z".parse().unwrap(),
        reason: "cough".to_owned(),
        symptoms: None,
        visit_type: VisitType::Chat,
        is_emergency: false,
    };
    let booked = scheduling.book(meta(patient), book).await.unwrap();
    scheduling.accept(meta(doctor), booked.id).await.unwrap();
}
