//! A doctor, patients, a consultation that runs; and a pharmacy that does what it is told.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use consilium_consultations::{
    Consultations, Policy, VideoAccess, VideoFailure, VideoGrant, VideoParticipant, VideoRoom, VideoWish,
};
use consilium_db::{testing::TestDb, timers, topics};
use consilium_identity::{Hashing, Identity, IdentitySettings};
use consilium_kernel::{
    CommandMeta, ConsultationId, DEFAULT_FACILITY, Id, IdempotencyKey, PrescriptionId, Principal, Refusal, Role, Scope,
    User,
};
use consilium_people::{Decision, DoctorPatch, MePatch, PatientPatch, People, Registration, VerifyDoctor};
use consilium_plugin_contract::pharmacy::{Cancel, Dispatch, DispatchStatus, Status, Submit};
use consilium_prescribing::{
    MedicineDraft, Pharmacy, PharmacyDispatcher, PharmacyFailure, Prescribing, PrescribingSettings, Prescription,
    PrescriptionDraft,
};
use consilium_runtime::{Directory, DirectorySettings, EventBus, InProcessBus, SingleNode, TimerWorker};
use consilium_scheduling::{
    AvailabilityDraft, BookAppointment, Scheduling, SchedulingSettings, VisitType, WeeklyDraft,
};
use uuid::Uuid;

/// Words that must be found nowhere in the clear.
pub const DIAGNOSIS: &str = "Quincunxitis canariensis";
pub const MEDICINE: &str = "Zyxomycin 417 mg";
pub const ADVICE: &str = "Sleep under the baobab";

/// What a pharmacy does with the next call.
#[derive(Clone)]
pub enum Deed {
    /// Takes it and says so.
    Take,
    /// Takes it, but nobody hears the answer.
    TakeSilently,
    /// Takes it, and the answer never comes.
    TakeAndHang,
    /// Cannot be reached.
    Fail,
    /// Wants to be left alone for so many seconds.
    Limit(u64),
    /// Does not want it.
    Refuse,
}

/// Remembers what it was given, by key.
#[derive(Default)]
pub struct FakePharmacy {
    pub plan: Mutex<VecDeque<Deed>>,
    /// Every call of submit that arrived.
    pub calls: Mutex<Vec<Submit>>,
    /// What it would dispense: one per key.
    pub taken: Mutex<BTreeMap<String, String>>,
    pub cancelled: Mutex<Vec<String>>,
    pub standing: Mutex<Option<DispatchStatus>>,
    pub closed: Mutex<bool>,
}

impl FakePharmacy {
    pub fn will(&self, deeds: &[Deed]) {
        self.plan.lock().unwrap().extend(deeds.iter().cloned());
    }

    pub fn keys(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|call| call.idempotency_key.clone()).collect()
    }

    fn take(&self, key: &str) -> Dispatch {
        let mut taken = self.taken.lock().unwrap();
        let next = format!("MedicationRequest/{}", taken.len() + 1);
        let reference = taken.entry(key.to_owned()).or_insert(next).clone();
        Dispatch { reference, status: DispatchStatus::Submitted, updated_at: None }
    }
}

#[async_trait::async_trait]
impl Pharmacy for FakePharmacy {
    fn gateway(&self) -> Option<String> {
        (!*self.closed.lock().unwrap()).then(|| "pharmacy-rest".to_owned())
    }

    async fn submit(&self, gateway: &str, request: Submit) -> Result<Dispatch, PharmacyFailure> {
        assert_eq!(gateway, "pharmacy-rest");
        let deed = self.plan.lock().unwrap().pop_front().unwrap_or(Deed::Take);
        let key = request.idempotency_key.clone();
        if !matches!(deed, Deed::Fail | Deed::Limit(_)) {
            self.calls.lock().unwrap().push(request);
        }
        match deed {
            Deed::Take => Ok(self.take(&key)),
            Deed::TakeSilently => {
                self.take(&key);
                Err(passing("plugin_crashed", None))
            }
            Deed::TakeAndHang => {
                self.take(&key);
                std::future::pending().await
            }
            Deed::Fail => Err(passing("pharmacy_unavailable", None)),
            Deed::Limit(seconds) => Err(passing("pharmacy_unavailable", Some(seconds))),
            Deed::Refuse => Err(PharmacyFailure::Refused("pharmacy_refused".to_owned())),
        }
    }

    async fn status(&self, _: &str, request: Status) -> Result<Dispatch, PharmacyFailure> {
        let standing = *self.standing.lock().unwrap();
        let status = standing.ok_or_else(|| passing("pharmacy_unavailable", None))?;
        Ok(Dispatch { reference: request.reference, status, updated_at: None })
    }

    async fn cancel(&self, _: &str, request: Cancel) -> Result<Dispatch, PharmacyFailure> {
        self.cancelled.lock().unwrap().push(request.reference.clone());
        Ok(Dispatch { reference: request.reference, status: DispatchStatus::Cancelled, updated_at: None })
    }
}

fn passing(problem: &str, seconds: Option<u64>) -> PharmacyFailure {
    PharmacyFailure::Passing { problem: problem.to_owned(), retry_after: seconds.map(Duration::from_secs) }
}

struct NoVideo;

#[async_trait::async_trait]
impl VideoAccess for NoVideo {
    async fn providers(&self, _: &VideoWish) -> Vec<String> {
        Vec::new()
    }
    async fn trouble(&self, _: &str) -> Option<String> {
        None
    }
    async fn create_room(&self, _: &str, _: &VideoRoom) -> Result<String, VideoFailure> {
        Err(VideoFailure("none".to_owned()))
    }
    async fn access(&self, _: &str, _: &str, _: &VideoRoom, _: &VideoParticipant) -> Result<VideoGrant, VideoFailure> {
        Err(VideoFailure("none".to_owned()))
    }
    async fn end_room(&self, _: &str, _: &str) -> Result<(), VideoFailure> {
        Ok(())
    }
}

pub struct World {
    pub test: TestDb,
    pub pharmacy: Arc<FakePharmacy>,
    pub prescribing: Prescribing,
    pub dispatcher: PharmacyDispatcher,
    pub consultations: Consultations,
    pub people: People,
    pub doctor: User,
    pub other_doctor: User,
    pub patient: User,
    pub stranger: User,
    /// Scheduled and not begun.
    pub consultation: ConsultationId,
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

pub fn draft() -> PrescriptionDraft {
    let medicine = |name: &str| MedicineDraft {
        name: name.to_owned(),
        dose: "1 capsule".to_owned(),
        route: "oral".to_owned(),
        frequency: "three times a day".to_owned(),
        duration_days: 7,
        quantity: Some(21),
        instructions: Some("after meals".to_owned()),
    };
    PrescriptionDraft {
        diagnosis: DIAGNOSIS.to_owned(),
        medicines: vec![medicine(MEDICINE), medicine("Paracetamol 500 mg")],
        advice: Some(ADVICE.to_owned()),
        follow_up_on: Some("2026-06-15".to_owned()),
    }
}

impl World {
    pub async fn new(test: TestDb) -> Self {
        let bus: Arc<dyn EventBus> = Arc::new(InProcessBus::default());
        let settings = IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() };
        let people = People::new(test.db.clone(), Identity::new(test.db.clone(), settings).unwrap());
        let schedules = Directory::new(test.db.clone(), SingleNode::shared(), DirectorySettings::default());
        let rules = SchedulingSettings { require_verified_email: true, no_show_minutes: 30, follow_up_hold_hours: 72 };
        let scheduling = Scheduling::new(test.db.clone(), schedules, rules);
        let consultations = Consultations::new(
            test.db.clone(),
            SingleNode::shared(),
            bus,
            Arc::new(NoVideo),
            DirectorySettings::default(),
            Policy::default(),
        );
        let doctor = new_doctor(&people, "Ayesha").await;
        let other_doctor = new_doctor(&people, "Karim").await;
        let patient = register(&people, "Rabeya", Role::Patient).await;
        let stranger = register(&people, "Stranger", Role::Patient).await;
        let profile = PatientPatch {
            birth_date: Some(Some("1978-11-22".to_owned())),
            allergies: Some(vec!["Penicillin".to_owned()]),
            ..PatientPatch::default()
        };
        people.patch_me(&meta(&patient), MePatch { profile: Some(profile), ..MePatch::default() }).await.unwrap();
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
        scheduling.put_availability(meta(&doctor), doctor.doctor_id.unwrap(), hours, 0).await.unwrap();
        let book = BookAppointment {
            doctor_id: doctor.doctor_id.unwrap(),
            starts_at: "2026-06-01T09:00:00Z".parse().unwrap(),
            reason: "cough".to_owned(),
            symptoms: None,
            visit_type: VisitType::InPerson,
            is_emergency: false,
        };
        let booked = scheduling.book(meta(&patient), book).await.unwrap();
        let accepted = scheduling.accept(meta(&doctor), booked.id).await.unwrap();
        let pharmacy = Arc::new(FakePharmacy::default());
        let (prescribing, dispatcher) = open(&test, &pharmacy);
        let consultation = accepted.consultation_id.unwrap();
        Self {
            test,
            pharmacy,
            prescribing,
            dispatcher,
            consultations,
            people,
            doctor,
            other_doctor,
            patient,
            stranger,
            consultation,
        }
    }

    /// A world in which doctor and patient meet.
    pub async fn begun(test: TestDb) -> Self {
        let world = Self::new(test).await;
        world.consultations.start(meta(&world.doctor), world.consultation).await.unwrap();
        world
    }

    pub async fn issue(&self) -> Prescription {
        self.prescribing.issue(&meta(&self.doctor), self.consultation, draft()).await.unwrap()
    }

    /// An issued prescription on its way.
    pub async fn sent(&self) -> PrescriptionId {
        let id = self.issue().await.document.id;
        self.prescribing.send(&meta(&self.patient), id, None).await.unwrap();
        id
    }

    /// Prescribing as after a restart: nothing in memory but the pharmacy, which is another world.
    pub fn restarted(&self) -> PharmacyDispatcher {
        open(&self.test, &self.pharmacy).1
    }

    /// Fires every due timer of prescribing, and waits for what it started.
    pub async fn work(&self, dispatcher: &PharmacyDispatcher) {
        TimerWorker::new(self.test.db.clone(), vec![Arc::new(dispatcher.clone())]).fire_due().await.unwrap();
        dispatcher.idle().await;
    }

    pub async fn status(&self, id: PrescriptionId) -> String {
        self.prescribing.prescription(&meta(&self.patient), id).await.unwrap().status().to_string()
    }

    pub fn pass(&self, seconds: i64) {
        self.test.clock.advance(jiff::SignedDuration::from_secs(seconds));
    }

    /// Kinds of the timers of prescribing that are set, due or not.
    pub async fn timers(&self) -> Vec<String> {
        let now = self.test.db.clock().now();
        self.test.clock.set(now + jiff::SignedDuration::from_hours(24 * 365));
        let due = self.test.db.read(|session| timers::due(session, 1_000)).await.unwrap();
        self.test.clock.set(now);
        let mut kinds: Vec<String> =
            due.into_iter().map(|timer| timer.kind).filter(|kind| kind.starts_with("pharmacy")).collect();
        kinds.sort();
        kinds
    }

    /// The statuses that were told on the consultation's topic, by event.
    pub async fn told(&self) -> Vec<String> {
        let topic = format!("consultation:{}", self.consultation);
        let events = self.test.db.read(move |session| topics::read_after(session, &topic, 0, 1_000)).await.unwrap();
        let ours = events.into_iter().filter(|event| event.event.starts_with("prescription_"));
        ours.map(|event| format!("{} {}", event.event, event.data["status"].as_str().unwrap())).collect()
    }

    /// Runs SQL that changes what is stored behind everybody's back.
    pub async fn tamper(&self, statement: &'static str) {
        use diesel::{RunQueryDsl, sql_query};
        let system = CommandMeta::system(DEFAULT_FACILITY, "test");
        let run = move |tx: &mut consilium_db::Tx<'_>| Ok(sql_query(statement).execute(tx.connection())?);
        assert_eq!(self.test.db.write(&system, run).await.unwrap(), 1, "{statement}");
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

fn open(test: &TestDb, pharmacy: &Arc<FakePharmacy>) -> (Prescribing, PharmacyDispatcher) {
    let settings = PrescribingSettings {
        base_url: "https://consilium.example.org".to_owned(),
        pharmacy_timeout: std::time::Duration::from_millis(300),
        ..PrescribingSettings::default()
    };
    let prescribing = Prescribing::new(test.db.clone(), pharmacy.clone(), settings);
    let dispatcher = PharmacyDispatcher::new(&prescribing);
    (prescribing, dispatcher)
}

async fn new_doctor(people: &People, name: &str) -> User {
    let doctor = register(people, name, Role::Doctor).await;
    let id = doctor.doctor_id.unwrap();
    let admin = meta(&staff(Role::Admin));
    let patch = DoctorPatch {
        display_name: Some(format!("Dr. {name} Rahman")),
        licence_number: Some(Some("BMDC A-48213".to_owned())),
        ..DoctorPatch::default()
    };
    people.patch_doctor(&admin, id, 1, patch).await.unwrap();
    let approved = VerifyDoctor { decision: Decision::Approved, reason: None };
    people.verify_doctor(&admin, id, approved).await.unwrap();
    doctor
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
