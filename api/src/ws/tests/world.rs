//! A server with a doctor, two patients and an appointment.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix_web::{App, HttpRequest, HttpServer, web};
use async_trait::async_trait;
use consilium_chat::ChatPolicy;
use consilium_consultations::{
    Consultations, Policy, VideoAccess, VideoFailure, VideoGrant, VideoParticipant, VideoRoom, VideoWish,
};
use consilium_db::testing::TestDb;
use consilium_files::{Depot, S3Access};
use consilium_identity::{Hashing, Identity, IdentitySettings, NewStaff};
use consilium_kernel::{
    CommandMeta, ConsultationId, DEFAULT_FACILITY, Id, Language, Principal, Refusal, RefusalKind, Role, Scope,
    SessionId, TimeZone, User,
};
use consilium_messaging::Messaging;
use consilium_people::{Decision, People, Registration, VerifyDoctor};
use consilium_recordings::Recordings;
use consilium_runtime::{Directory, DirectorySettings, EventBus, InProcessBus, LiveEvent, SingleNode};
use consilium_scheduling::{
    AvailabilityDraft, BookAppointment, Scheduling, SchedulingSettings, VisitType, WeeklyDraft,
};
use serde_json::Value;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{self, client::IntoClientRequest},
};

use super::client::Client;
use crate::ws::{Authenticate, WsContext, WsSettings, connect};

pub struct NoVideo;

#[async_trait]
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

/// A token is its owner's name; `name@2` is a second session of the same account.
pub struct Names(pub HashMap<String, User>);

#[async_trait]
impl Authenticate for Names {
    async fn authenticate(&self, token: &str) -> Result<User, Refusal> {
        let (name, session) = token.split_once('@').unwrap_or((token, "1"));
        let known = self.0.get(name).ok_or(Refusal::new(RefusalKind::Unauthenticated, "token_invalid", "No."))?;
        let session = u128::from(session.bytes().next().unwrap_or_default());
        let session_id = SessionId::new(uuid::Uuid::from_u128(known.user_id.uuid().as_u128() ^ session));
        Ok(User { session_id, ..known.clone() })
    }
}

pub struct World {
    pub test: TestDb,
    pub context: Arc<WsContext>,
    pub consultations: Consultations,
    pub users: HashMap<String, User>,
    pub consultation: ConsultationId,
    pub address: std::net::SocketAddr,
    handle: actix_web::dev::ServerHandle,
}

impl Drop for World {
    fn drop(&mut self) {
        let _stopping = self.handle.stop(false);
    }
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

pub fn quick() -> WsSettings {
    WsSettings {
        login_limit: Duration::from_millis(300),
        ping_every: Duration::from_millis(200),
        grace: Duration::from_millis(300),
        ..WsSettings::default()
    }
}

/// Recordings of which nothing is ever kept.
fn recordings(db: &consilium_db::Db) -> Recordings {
    let folder = std::env::temp_dir().join("consilium-no-recordings");
    let url = url::Url::from_file_path(folder).unwrap();
    let depot = Depot::open(url.as_str(), &S3Access::default()).unwrap();
    let settings = crate::recordings::settings(&crate::config::Config::default()).unwrap();
    Recordings::new(db.clone(), Arc::new(depot), None, settings)
}

impl World {
    /// Two doctors, two patients, a nurse, and an accepted appointment of the first; the clock stands ten minutes
    /// before it.
    pub async fn new(test: TestDb, settings: WsSettings) -> Self {
        let bus: Arc<dyn EventBus> = Arc::new(InProcessBus::default());
        let publisher = bus.clone();
        test.db
            .on_commit(move |effects| {
                effects.topics.into_iter().for_each(|event| publisher.publish(LiveEvent::Event(event)));
            })
            .unwrap();
        let hashing = IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() };
        let identity = Identity::new(test.db.clone(), hashing).unwrap();
        let people = People::new(test.db.clone(), identity.clone());
        let mut users = HashMap::new();
        let people_of_the_clinic =
            [("doctor", Role::Doctor), ("colleague", Role::Doctor), ("ada", Role::Patient), ("bob", Role::Patient)];
        for (name, role) in people_of_the_clinic {
            users.insert(name.to_owned(), register(&people, name, role).await);
        }
        users.insert("nurse".to_owned(), nurse(&identity).await);
        let schedules = Directory::new(test.db.clone(), SingleNode::shared(), DirectorySettings::default());
        let rules = SchedulingSettings { require_verified_email: true, no_show_minutes: 30, follow_up_hold_hours: 72 };
        let scheduling = Scheduling::new(test.db.clone(), schedules, rules);
        let consultation = accepted(&people, &scheduling, &users["doctor"], &users["ada"]).await;
        test.clock.set("2026-06-01T08:50:00Z".parse().unwrap());
        let consultations = Consultations::new(
            test.db.clone(),
            SingleNode::shared(),
            bus.clone(),
            Arc::new(NoVideo),
            DirectorySettings::default(),
            Policy::default(),
        );
        let auth = Arc::new(Names(users.clone()));
        let messaging = Messaging::new(test.db.clone(), bus.clone(), ChatPolicy::default());
        let recordings = recordings(&test.db);
        let context = Arc::new(WsContext::new(
            test.db.clone(),
            (bus, SingleNode::shared()),
            auth,
            consultations.clone(),
            messaging,
            recordings,
            settings,
        ));
        let shared = context.clone();
        let server = HttpServer::new(move || {
            let context = shared.clone();
            App::new().route(
                "/ws",
                web::get()
                    .to(move |request: HttpRequest, payload: web::Payload| connect(request, payload, context.clone())),
            )
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let address = server.addrs()[0];
        let running = server.run();
        let handle = running.handle();
        actix_rt::spawn(running);
        Self { test, context, consultations, users, consultation, address, handle }
    }

    pub async fn upgrade(&self, protocols: &str) -> Result<Client, tungstenite::Error> {
        let mut request = format!("ws://{}/ws", self.address).into_client_request().unwrap();
        if !protocols.is_empty() {
            request.headers_mut().insert("Sec-WebSocket-Protocol", protocols.parse().unwrap());
        }
        let (socket, answer) = connect_async(request).await?;
        assert_eq!(answer.headers()["Sec-WebSocket-Protocol"], "consilium.v1", "the token does not come back");
        Ok(Client::new(socket))
    }

    pub async fn client(&self, token: &str) -> Client {
        self.upgrade(&format!("consilium.v1, {token}")).await.unwrap()
    }

    pub fn topic(&self) -> String {
        format!("consultation:{}", self.consultation)
    }

    pub async fn refused(&self, protocols: &str) -> (u16, String) {
        match self.upgrade(protocols).await {
            Err(tungstenite::Error::Http(answer)) => {
                let problem: Value = serde_json::from_slice(answer.body().as_ref().unwrap()).unwrap();
                (answer.status().as_u16(), problem["code"].as_str().unwrap().to_owned())
            }
            other => panic!("{:?}", other.map(|_| ())),
        }
    }
}

pub async fn register(people: &People, name: &str, role: Role) -> User {
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

async fn nurse(identity: &Identity) -> User {
    let staff = NewStaff {
        email: "nurse@example.org".parse().unwrap(),
        password: "correct horse battery staple".to_owned().into(),
        role: Role::Nurse,
        given_name: "nurse".to_owned(),
        family_name: "Example".to_owned(),
        time_zone: TimeZone::utc(),
        language: Language::english(),
    };
    let account = identity.create_staff(&CommandMeta::system(DEFAULT_FACILITY, "test"), staff).await.unwrap();
    account.user(Id::new(account.id.uuid()))
}

pub async fn accepted(people: &People, scheduling: &Scheduling, doctor: &User, patient: &User) -> ConsultationId {
    let id = doctor.doctor_id.unwrap();
    let admin = User { role: Role::Admin, doctor_id: None, ..doctor.clone() };
    let approved = VerifyDoctor { decision: Decision::Approved, reason: None };
    people.verify_doctor(&meta(&admin), id, approved).await.unwrap();
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
    scheduling.accept(meta(doctor), booked.id).await.unwrap().consultation_id.unwrap()
}
