//! A doctor and a patient who meet, over two video providers.

use std::sync::Arc;

use async_trait::async_trait;
use consilium_consultations::{
    Capability, Consultations, Policy, VideoAccess, VideoFailure, VideoGrant, VideoParticipant, VideoRoom, VideoWish,
};
use consilium_db::{testing::TestDb, topics};
use consilium_identity::{Hashing, Identity, IdentitySettings};
use consilium_kernel::{
    CommandMeta, ConsultationId, DEFAULT_FACILITY, Id, IdempotencyKey, Ids, Principal, RandomIds, Refusal, Role, Scope,
    User,
};
use consilium_people::{Decision, People, Registration, VerifyDoctor};
use consilium_runtime::{Directory, DirectorySettings, InProcessBus, SingleNode};
use consilium_scheduling::{
    AvailabilityDraft, BookAppointment, Scheduling, SchedulingSettings, VisitType, WeeklyDraft,
};
use consilium_support::{Category, IssueDraft, Severity, Support};
use serde_json::{Value, json};

pub struct FakeVideo(pub Vec<&'static str>);

#[async_trait]
impl VideoAccess for FakeVideo {
    async fn providers(&self, _: &VideoWish) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    async fn trouble(&self, _: &str) -> Option<String> {
        None
    }

    async fn create_room(&self, provider: &str, room: &VideoRoom) -> Result<String, VideoFailure> {
        Ok(format!("{provider}-{}", room.consultation_id))
    }

    async fn access(
        &self,
        provider: &str,
        name: &str,
        _: &VideoRoom,
        _: &VideoParticipant,
    ) -> Result<VideoGrant, VideoFailure> {
        Ok(VideoGrant {
            provider: provider.to_owned(),
            version: 0,
            room: name.to_owned(),
            join_url: None,
            token: None,
            ice_servers: None,
            expires_at: None,
            ways: [Capability::Redirect].into(),
        })
    }

    async fn end_room(&self, _: &str, _: &str) -> Result<(), VideoFailure> {
        Ok(())
    }
}

pub struct World {
    pub test: TestDb,
    pub consultations: Consultations,
    pub support: Support,
    pub doctor: User,
    pub patient: User,
    pub stranger: User,
    pub id: ConsultationId,
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
        user_id: Id::new(RandomIds.next()),
        session_id: Id::new(RandomIds.next()),
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

pub fn draft(severity: Severity) -> IssueDraft {
    IssueDraft {
        category: Category::Video,
        severity,
        description: " canary: the picture is black ".to_owned(),
        diagnostics: Some(json!({"browser": "Firefox 150"})),
    }
}

impl World {
    /// Doctor and patient have agreed to meet.
    pub async fn new(test: TestDb, providers: &[&'static str]) -> Self {
        let settings = IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() };
        let people = People::new(test.db.clone(), Identity::new(test.db.clone(), settings).unwrap());
        let schedules = Directory::new(test.db.clone(), SingleNode::shared(), DirectorySettings::default());
        let rules = SchedulingSettings { require_verified_email: false, no_show_minutes: 30, follow_up_hold_hours: 72 };
        let scheduling = Scheduling::new(test.db.clone(), schedules, rules);
        let policy = Policy { emergency_contacts: vec!["Front desk: 100".to_owned()], ..Policy::default() };
        let consultations = Consultations::new(
            test.db.clone(),
            SingleNode::shared(),
            Arc::new(InProcessBus::default()),
            Arc::new(FakeVideo(providers.to_vec())),
            DirectorySettings::default(),
            policy,
        );
        let support = Support::new(test.db.clone(), consultations.clone());
        let doctor = register(&people, "doctor", Role::Doctor).await;
        let doctor_id = doctor.doctor_id.unwrap();
        let approved = VerifyDoctor { decision: Decision::Approved, reason: None };
        people.verify_doctor(&meta(&staff(Role::Admin)), doctor_id, approved).await.unwrap();
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
        scheduling.put_availability(meta(&doctor), doctor_id, hours, 0).await.unwrap();
        let patient = register(&people, "patient", Role::Patient).await;
        let stranger = register(&people, "stranger", Role::Patient).await;
        let wish = BookAppointment {
            doctor_id,
            starts_at: "2026-06-01T08:10:00Z".parse().unwrap(),
            reason: "cough".to_owned(),
            symptoms: None,
            visit_type: VisitType::Video,
            is_emergency: false,
        };
        let booked = scheduling.book(meta(&patient), wish).await.unwrap();
        let id = scheduling.accept(meta(&doctor), booked.id).await.unwrap().consultation_id.unwrap();
        Self { test, consultations, support, doctor, patient, stranger, id }
    }

    /// Both are in the room.
    pub async fn meet(&self) {
        self.consultations.start(meta(&self.doctor), self.id).await.unwrap();
        self.consultations.join(meta(&self.doctor), self.id).await.unwrap();
        self.consultations.join(meta(&self.patient), self.id).await.unwrap();
    }

    pub async fn events(&self, name: &str) -> Vec<Value> {
        let topic = consilium_consultations::topic(self.id);
        let events = self.test.db.read(move |session| topics::read_after(session, &topic, 0, 1_000)).await.unwrap();
        events.into_iter().filter(|event| event.event == name).map(|event| event.data).collect()
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
