//! A doctor, events of consultations, and a plugin that counts them.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use consilium_db::{Db, outbox::Fact, plugin_values, subscriptions, testing::TestDb};
use consilium_feeder::Listener;
use consilium_identity::{Hashing, Identity, IdentitySettings};
use consilium_insights::{Analytics, Insights};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, EntityRef, Id, Principal, Refusal, Role, Scope, User};
use consilium_people::{DoctorPatch, MoneyInput, People, Registration};
use consilium_plugin_host::{
    CallError,
    contract::{
        PluginError,
        analytics::{ConsultationEnded, DoctorDay, DoctorReport, EventsCounted, OnEvents, Report},
        host::KvWrite,
    },
};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

pub const PLUGIN: &str = "analytics";
/// Words that no plugin may see.
pub const REASON: &str = "Quincunxitis";

/// Counts consultations per doctor under the key of the doctor.
pub struct Counter {
    db: Db,
    /// Patients whose events it cannot digest.
    pub poison: Mutex<HashSet<String>>,
    pub down: Mutex<bool>,
    /// Answers only after this is told, once.
    pub held: Mutex<Option<Arc<Notify>>>,
    pub reached: Notify,
    /// What it was shown, in order.
    pub seen: Mutex<Vec<Value>>,
    pub calls: Mutex<usize>,
    pub quota: Mutex<u64>,
}

impl Counter {
    pub fn new(db: Db) -> Arc<Self> {
        Arc::new(Self {
            db,
            poison: Mutex::default(),
            down: Mutex::default(),
            held: Mutex::default(),
            reached: Notify::new(),
            seen: Mutex::default(),
            calls: Mutex::default(),
            quota: Mutex::new(100_000),
        })
    }
}

#[async_trait]
impl Analytics for Counter {
    fn sinks(&self) -> Vec<Listener> {
        let events = ["consultation_ended", "appointment_booked"].map(str::to_owned).to_vec();
        vec![Listener { plugin: PLUGIN.to_owned(), events, quota_bytes: *self.quota.lock().unwrap() }]
    }

    async fn on_events(&self, plugin: &str, batch: OnEvents) -> Result<EventsCounted, CallError> {
        assert_eq!(plugin, PLUGIN);
        *self.calls.lock().unwrap() += 1;
        if *self.down.lock().unwrap() {
            return Err(CallError::Timeout);
        }
        let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for event in batch.events {
            self.seen.lock().unwrap().push(serde_json::to_value(&event).unwrap());
            if event.kind != "consultation_ended" {
                continue;
            }
            let ended: ConsultationEnded = serde_json::from_value(event.data).unwrap();
            if self.poison.lock().unwrap().contains(&ended.patient_id) {
                return Err(PluginError::permanent("event_invalid", "cannot be counted").into());
            }
            if !counts.contains_key(&ended.doctor_id) {
                let key = ended.doctor_id.clone();
                let found = self.db.read(move |read| plugin_values::get(read, PLUGIN, &key)).await.unwrap();
                let known = found.map_or((0, 0), |entry| (entry.version as u64, entry.value.as_u64().unwrap()));
                counts.insert(ended.doctor_id.clone(), known);
            }
            counts.get_mut(&ended.doctor_id).unwrap().1 += 1;
        }
        let held = self.held.lock().unwrap().take();
        if let Some(held) = held {
            self.reached.notify_one();
            held.notified().await;
        }
        let writes = counts.into_iter().map(|(key, (version, count))| KvWrite {
            key,
            value: Some(json!(count)),
            expected: Some(version),
        });
        Ok(EventsCounted { writes: writes.collect() })
    }

    async fn report(&self, _: &str, request: Report) -> Result<DoctorReport, CallError> {
        if *self.down.lock().unwrap() {
            return Err(CallError::BreakerOpen);
        }
        let key = request.doctor_id.clone();
        let found = self.db.read(move |read| plugin_values::get(read, PLUGIN, &key)).await.unwrap();
        let days = found.map(|entry| DoctorDay {
            date: request.from,
            sessions: u32::try_from(entry.value.as_u64().unwrap()).unwrap(),
            average_duration_seconds: 600,
            average_rating: None,
            earnings: Vec::new(),
            patients: 1,
        });
        Ok(DoctorReport { days: days.into_iter().collect() })
    }
}

pub struct World {
    pub test: TestDb,
    pub counter: Arc<Counter>,
    pub insights: Insights,
    /// What the next consultations say of fee and zone; events of before said nothing.
    pub terms: Mutex<Option<serde_json::Map<String, Value>>>,
    pub doctor: User,
    pub other: User,
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

fn system() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "test")
}

impl World {
    pub async fn new(test: TestDb) -> Self {
        let settings = IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() };
        let people = People::new(test.db.clone(), Identity::new(test.db.clone(), settings).unwrap());
        let (doctor, other) = (register(&people, "ayesha").await, register(&people, "karim").await);
        let patch = DoctorPatch {
            consultation_fee: Some(Some(MoneyInput { amount_minor: 150_000, currency: "BDT".to_owned() })),
            time_zone: Some("Asia/Dhaka".to_owned()),
            ..DoctorPatch::default()
        };
        people.patch_doctor(&meta(&doctor), doctor.doctor_id.unwrap(), 1, patch).await.unwrap();
        let counter = Counter::new(test.db.clone());
        let insights = Insights::new(test.db.clone(), counter.clone());
        let world = Self { test, counter, insights, terms: Mutex::default(), doctor, other };
        world.settle().await;
        world.counter.seen.lock().unwrap().clear();
        world
    }

    /// Insights as on another node, or after a restart.
    pub fn another(&self, counter: &Arc<Counter>) -> Insights {
        Insights::new(self.test.db.clone(), counter.clone())
    }

    /// A consultation of the doctor that ended, as consultations tells of it. Returns the patient.
    pub async fn ended(&self, status: &str) -> String {
        let id = self.test.db.ids().next();
        self.ended_again(id, status).await
    }

    pub async fn ended_again(&self, consultation: Uuid, status: &str) -> String {
        let patient = self.test.db.ids().next();
        let now = self.test.db.clock().now();
        let began = (status == "completed").then_some(now);
        let mut data = json!({
            "consultation_id": consultation, "appointment_id": patient, "doctor_id": self.doctor.doctor_id,
            "patient_id": patient, "facility_id": DEFAULT_FACILITY, "status": status, "started_at": began,
            "ended_at": now + jiff::SignedDuration::from_mins(10), "duration_seconds": 600, "note": REASON,
        });
        if let (Some(terms), Value::Object(data)) = (&*self.terms.lock().unwrap(), &mut data) {
            data.extend(terms.clone());
        }
        self.emit("consultation_ended", consultation, data).await;
        patient.to_string()
    }

    pub async fn emit(&self, event_type: &'static str, entity: Uuid, data: Value) {
        let write = move |tx: &mut consilium_db::Tx<'_>| {
            tx.emit(Fact {
                entity: EntityRef::new("consultation", entity),
                version: 1,
                event_type,
                schema: 1,
                subject: entity,
                data: &data,
            })
        };
        self.test.db.write(&system(), write).await.unwrap();
    }

    /// Lets everything committed so far be counted. On PostgreSQL an event is read once no older transaction runs on
    /// the server, and other tests run on it too.
    pub async fn settle(&self) {
        eventually("events are still to be counted", async || {
            self.insights.catch_up().await.unwrap();
            let behind = self.test.db.read(|read| subscriptions::behind(read, "insights:analytics")).await.unwrap();
            behind.is_empty()
        })
        .await;
    }

    /// Waits until feeding fails.
    pub async fn stuck(&self) {
        eventually("feeding does not fail", async || self.insights.catch_up().await.is_err()).await;
    }

    /// What was counted for the doctor.
    pub async fn counted(&self) -> u64 {
        let key = self.doctor.doctor_id.unwrap().to_string();
        let found = self.test.db.read(move |read| plugin_values::get(read, PLUGIN, &key)).await.unwrap();
        found.map_or(0, |entry| entry.value.as_u64().unwrap())
    }
}

async fn register(people: &People, name: &str) -> User {
    let registration = Registration {
        email: format!("{name}@example.org"),
        password: "correct horse battery staple".to_owned().into(),
        role: Role::Doctor,
        given_name: name.to_owned(),
        family_name: "Example".to_owned(),
        time_zone: None,
        language: None,
    };
    let account = people.register(&system(), registration).await.unwrap();
    account.user(Id::new(account.id.uuid()))
}

/// Waits for something that is not there at once, without moving the clock.
pub async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}
