//! The whole server in the process of a test: over real sockets, with a database and keys of its own.

use std::{sync::Arc, time::Duration};

use consilium_api::{
    config::Config,
    server::{self, Server},
};
use consilium_db::{
    Keys, outbox,
    testing::{PostgresDatabase, tally},
};
use consilium_identity::NewStaff;
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, Language, ManualClock, Role, TimeZone};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::client::{Client, PASSWORD, Person, email, text};

/// When every test begins: a Monday morning.
pub const BEGINNING: &str = "2026-06-01T08:00:00Z";

/// Where the data is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file.
    Sqlite,
    /// A database on the server that `scripts/with-postgres` started.
    Postgres,
}

/// Plays `journey` on each database.
pub async fn on_both(journey: impl AsyncFn(&TestApp)) {
    on_both_with(|_| {}, journey).await;
}

/// Plays `journey` on each database, with settings of its own.
pub async fn on_both_with(settings: fn(&mut Config), journey: impl AsyncFn(&TestApp)) {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        eprintln!("on {backend:?}");
        let app = TestApp::start(backend, settings).await;
        journey(&app).await;
        app.server.abort().await;
    }
}

/// A running server with nothing in it but an administrator.
pub struct TestApp {
    /// Nobody in particular.
    pub client: Client,
    /// The administrator.
    pub admin: Person,
    /// Stands still until it is moved.
    pub clock: Arc<ManualClock>,
    /// The database's URL.
    pub database: String,
    /// The server.
    pub server: Server,
    _folder: tempfile::TempDir,
    _postgres: Option<PostgresDatabase>,
}

impl TestApp {
    /// A server whose defaults, quick for tests, are changed by `settings`.
    pub async fn start(backend: Backend, settings: fn(&mut Config)) -> Self {
        // The server expects of whoever starts it that there is TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let postgres = (backend == Backend::Postgres).then(PostgresDatabase::migrated);
        let mut config = Config::default();
        config.database.url = match &postgres {
            Some(postgres) => postgres.url(),
            None => {
                tally("sqlite");
                format!("sqlite://{}/consilium.db", folder.path().display())
            }
        };
        config.database.connections = 8;
        config.keys.directory = folder.path().join("keys").display().to_string();
        Keys::create_missing(config.keys.directory.as_ref()).expect("keys");
        config.server.port = 0;
        config.metrics.enabled = false;
        config.rate_limits.enabled = false;
        config.identity.require_verified_email = false;
        (config.identity.argon2_memory_kib, config.identity.argon2_passes) = (8, 1);
        settings(&mut config);

        let clock = Arc::new(ManualClock::new(BEGINNING.parse().expect("an instant")));
        let database = config.database.url.clone();
        let server = server::start(config, clock.clone()).await.expect("the server starts");
        let client = Client::new(&format!("http://{}", server.address));
        let admin = staff(&server, &client, Role::Admin).await;
        Self { client, admin, clock, database, server, _folder: folder, _postgres: postgres }
    }

    /// Lets time pass.
    pub fn wait(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    /// A new patient.
    pub async fn patient(&self, name: &str) -> Person {
        self.client.register("patient", name).await
    }

    /// A new doctor, verified, who can be booked every half-hour from 08:00 to 20:00 UTC.
    pub async fn doctor(&self, name: &str) -> Person {
        let doctor = self.client.register("doctor", name).await;
        let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
        self.admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
        doctor.set_hours(daily("08:00", "20:00")).await;
        doctor
    }

    /// A new member of staff, named after the role.
    pub async fn staff(&self, role: Role) -> Person {
        staff(&self.server, &self.client, role).await
    }

    /// The code that the last mail of this kind brings to `person`. Waits for it: readers of PostgreSQL's outbox stop
    /// below the oldest running transaction, which may be one of another test.
    pub async fn mailed_code(&self, event_type: &'static str, person: &Person) -> String {
        self.mailed_code_for(event_type, &person.id).await
    }

    /// The same for an account.
    pub async fn mailed_code_for(&self, event_type: &'static str, user_id: &str) -> String {
        for _ in 0..100 {
            let read = |session: &mut consilium_db::Session<'_>| {
                let from = outbox::Position::default();
                (0..16).map(|shard| outbox::read_after(session, shard, from, 1_000)).collect::<Result<Vec<_>, _>>()
            };
            let events = self.server.state.db.read(read).await.expect("the outbox is readable");
            let mine = |data: &Value| data["user_id"] == user_id;
            let mut found = events.into_iter().flatten().map(|(_, event)| event);
            if let Some(event) = found.rfind(|event| event.event_type == event_type && mine(&event.data)) {
                return text(&event.data, "token").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no {event_type} for {user_id}")
    }
}

/// Hours of every day, in UTC, by the half-hour.
pub fn daily(start: &str, end: &str) -> Value {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let weekly: Vec<Value> = days.iter().map(|day| json!({"day": day, "start": start, "end": end})).collect();
    json!({"time_zone": "UTC", "weekly": weekly, "slot_minutes": 30})
}

async fn staff(server: &Server, client: &Client, role: Role) -> Person {
    let name = role.to_string();
    let new = NewStaff {
        email: email(&name).parse().expect("an address"),
        password: PASSWORD.into(),
        role,
        given_name: name.clone(),
        family_name: "Example".to_owned(),
        time_zone: TimeZone::utc(),
        language: Language::english(),
    };
    let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
    server.state.identity.create_staff(&meta, new).await.expect("an account");
    client.login(&name).await
}
