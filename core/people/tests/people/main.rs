//! The service over real databases.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod directory;
mod doctors;
mod events;
mod patients;
mod register;

use std::sync::{Arc, Mutex};

use consilium_db::testing::TestDb;
use consilium_identity::{Account, Hashing, Identity, IdentitySettings};
use consilium_kernel::{
    CommandMeta, EventEnvelope, Id, IdempotencyKey, Principal, Refusal, Role, Scope, User, ids::DEFAULT_FACILITY,
};

use consilium_people::{Decision, Doctor, DoctorPatch, People, Registration, VerifyDoctor};

/// People over a fresh database, with every event kept.
pub struct Bench {
    pub test: TestDb,
    pub people: People,
    events: Arc<Mutex<Vec<EventEnvelope>>>,
}

fn bench(test: TestDb) -> Bench {
    let events: Arc<Mutex<Vec<EventEnvelope>>> = Arc::default();
    let kept = events.clone();
    test.db.on_commit(move |effects| kept.lock().unwrap().extend(effects.events)).unwrap();
    let settings = IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() };
    let identity = Identity::new(test.db.clone(), settings).unwrap();
    let people = People::new(test.db.clone(), identity);
    Bench { test, people, events }
}

/// One bench per database.
pub fn both() -> [Bench; 2] {
    TestDb::both().map(bench)
}

pub fn sqlite() -> Bench {
    bench(TestDb::sqlite())
}

pub fn anonymous() -> CommandMeta {
    CommandMeta {
        principal: Principal::Anonymous,
        scope: Scope::of(DEFAULT_FACILITY),
        request_id: "test".to_owned(),
        trace: None,
        idempotency: None,
    }
}

pub fn system() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "test")
}

pub fn as_user(account: &Account) -> CommandMeta {
    CommandMeta { principal: Principal::User(account.user(Id::new(uuid::Uuid::from_u128(7)))), ..anonymous() }
}

/// Somebody of this role without a profile.
pub fn staff(role: Role) -> CommandMeta {
    let user = User {
        user_id: Id::new(uuid::Uuid::from_u128(1)),
        session_id: Id::new(uuid::Uuid::from_u128(2)),
        role,
        facility_id: DEFAULT_FACILITY,
        doctor_id: None,
        patient_id: None,
        email_verified: true,
    };
    CommandMeta { principal: Principal::User(user), ..anonymous() }
}

pub fn keyed(meta: CommandMeta, key: &str) -> CommandMeta {
    CommandMeta { idempotency: Some(IdempotencyKey { key: key.to_owned(), body_hash: [7; 32] }), ..meta }
}

pub fn code<T>(outcome: Result<T, Refusal>) -> String {
    outcome.err().map_or("ok".to_owned(), |refusal| refusal.code.into_owned())
}

/// What is wrong, as pointer and code.
pub fn errors<T>(outcome: Result<T, Refusal>) -> Vec<(String, String)> {
    let errors = outcome.err().map_or(Vec::new(), |refusal| refusal.errors);
    errors.into_iter().map(|error| (error.pointer, error.code.into_owned())).collect()
}

pub fn registration(email: &str, role: Role, family_name: &str) -> Registration {
    Registration {
        email: email.to_owned(),
        password: "correct horse battery".to_owned().into(),
        role,
        given_name: "Ayeshabanu".to_owned(),
        family_name: family_name.to_owned(),
        time_zone: Some("Asia/Dhaka".to_owned()),
        language: Some("bn".to_owned()),
    }
}

impl Bench {
    pub async fn patient(&self, email: &str) -> Account {
        self.people.register(&anonymous(), registration(email, Role::Patient, "Rahmanova")).await.unwrap()
    }

    /// A doctor who is not verified.
    pub async fn doctor(&self, email: &str, family_name: &str) -> (Account, Doctor) {
        let registration = registration(email, Role::Doctor, family_name);
        let account = self.people.register(&anonymous(), registration).await.unwrap();
        let doctor = self.people.doctor(&as_user(&account), account.doctor_id.unwrap()).await.unwrap();
        (account, doctor)
    }

    /// A verified doctor with this profile.
    pub async fn listed(&self, email: &str, patch: DoctorPatch) -> Doctor {
        let (_, doctor) = self.doctor(email, "Khatun").await;
        let doctor = self.people.patch_doctor(&system(), doctor.id, doctor.version, patch).await.unwrap();
        self.decide(&doctor, Decision::Approved).await.unwrap()
    }

    pub async fn decide(&self, doctor: &Doctor, decision: Decision) -> Result<Doctor, Refusal> {
        let command = VerifyDoctor { decision, reason: Some("The register says so.".to_owned()) };
        self.people.verify_doctor(&staff(Role::Admin), doctor.id, command).await
    }

    /// Every event, oldest first.
    pub fn all_events(&self) -> Vec<EventEnvelope> {
        self.events.lock().unwrap().clone()
    }

    /// Events of one type, oldest first.
    pub fn events(&self, event_type: &str) -> Vec<serde_json::Value> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|event| event.event_type == event_type).map(|event| event.data.clone()).collect()
    }
}
