//! The real program with two video plugins, each with a server of its own.

use std::{
    path::PathBuf,
    process::{Command as Blocking, Stdio},
    sync::Arc,
    time::Duration,
};

use consilium_db::{Db, Keys, Vault};
use consilium_kernel::{RandomIds, SystemClock};
use consilium_tests::{
    artifacts,
    client::{Client, PASSWORD, Person, email, text},
    postgres::{PostgresDatabase, tally},
};
use diesel::{prelude::*, sql_query, sql_types as sql};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::provider::Provider;

/// What webhooks are signed with.
pub const SECRET: &str = "shared with the provider";

/// The program, its database and its providers.
pub struct Deployment {
    pub one: Provider,
    pub two: Provider,
    pub client: Client,
    database: String,
    folder: tempfile::TempDir,
    child: Option<Child>,
    _postgres: Option<PostgresDatabase>,
}

/// Plays `journey` on each database.
pub async fn on_both(journey: impl AsyncFn(&mut Deployment)) {
    for postgres in [false, true] {
        let mut deployment = Deployment::new(postgres.then(PostgresDatabase::create)).await;
        eprintln!("on {}", deployment.database);
        journey(&mut deployment).await;
        deployment.kill().await;
    }
}

impl Deployment {
    async fn new(postgres: Option<PostgresDatabase>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = match &postgres {
            Some(postgres) => postgres.url(),
            None => {
                tally("sqlite");
                format!("sqlite://{}/consilium.db", folder.path().display())
            }
        };
        Keys::create_missing(&folder.path().join("keys")).expect("keys");
        let (one, two) = (Provider::open().await, Provider::open().await);
        let client = Client::new("http://127.0.0.1:1");
        let mut deployment = Self { one, two, client, database, folder, child: None, _postgres: postgres };
        deployment.write_configuration();
        let password = deployment.folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a file");
        let mut create = deployment.command(&["admin", "create", "--email", &email("admin"), "--password-file"]);
        let created = create.arg(password).output().expect("the server can be run");
        assert!(created.status.success(), "{}", deployment.log());
        deployment.serve().await;
        deployment
    }

    fn write_configuration(&self) {
        let library = artifacts::plugin("video-rest");
        let secret = self.folder.path().join("secret");
        std::fs::write(&secret, SECRET).expect("a file");
        let plugin = |id: &str, provider: &Provider| {
            format!(
                "[plugins.use.{id}]\nlibrary = {:?}\nallow_private_addresses = true\n\
                 config = {{ base_url = {:?} }}\nsecret_files = {{ webhook_secret = {secret:?} }}\n",
                library.file_name().expect("a file"),
                provider.url(),
            )
        };
        let configuration = format!(
            "[server]\nport = 0\n[database]\nurl = {:?}\n[keys]\ndirectory = {:?}\n[metrics]\nenabled = false\n\
             [log]\nfilter = \"warn\"\n[rate_limits]\nenabled = false\n\
             [identity]\nrequire_verified_email = false\nargon2_memory_kib = 8\nargon2_passes = 1\n\
             [video]\nproviders = [\"rest-one\", \"rest-two\"]\n\
             [plugins]\ndirectory = {:?}\ncache_directory = {:?}\n{}{}",
            self.database,
            self.folder.path().join("keys"),
            library.parent().expect("a folder"),
            self.folder.path().join("cache"),
            plugin("rest-one", &self.one),
            plugin("rest-two", &self.two),
        );
        std::fs::write(self.configuration(), configuration).expect("a file");
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("consilium.toml")
    }

    /// Dies with this test, whatever becomes of it.
    fn command(&self, arguments: &[&str]) -> Blocking {
        let log = self.folder.path().join("server.log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let mut command = Blocking::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(artifacts::consilium()).arg("--config").arg(self.configuration());
        command.args(arguments).current_dir(self.folder.path()).stderr(log);
        command
    }

    /// Starts the server and waits until it has said where.
    pub async fn serve(&mut self) {
        let command = self.command(&["serve", "--print-address"]);
        let mut child =
            Command::from(command).stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the server can be run");
        let mut output = BufReader::new(child.stdout.take().expect("its output")).lines();
        let said = tokio::time::timeout(Duration::from_secs(120), output.next_line()).await;
        let said = said.expect("it starts in time").expect("it writes text");
        let address = said.unwrap_or_else(|| panic!("the server did not start:\n{}", self.log()));
        (self.client, self.child) = (Client::new(&address), Some(child));
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.expect("it runs");
        }
    }

    /// Where the server listens.
    pub fn address(&self) -> &str {
        self.client.address()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// A verified doctor who can be booked at any time, and a patient.
    pub async fn people(&self) -> (Person, Person) {
        let admin = self.client.login("admin").await;
        let doctor = self.client.register("doctor", "ayesha").await;
        let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
        admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
        doctor.set_hours(consilium_tests::app::daily("00:00", "24:00")).await;
        (doctor, self.client.register("patient", "rafi").await)
    }

    /// An accepted appointment by video: its id and its consultation's.
    pub async fn agree(&self, doctor: &Person, patient: &Person) -> (String, String) {
        let slot = patient.slots(doctor).await.into_iter().next().expect("a free slot");
        let wish = json!({
            "doctor_id": doctor.doctor_id, "starts_at": slot, "reason": "A cough", "visit_type": "video",
        });
        let booked = patient.post("/appointments", wish).await.expect(201);
        let agreed = doctor.accept(text(&booked, "id")).await.expect(200);
        (text(&agreed, "id").to_owned(), text(&agreed, "consultation_id").to_owned())
    }

    /// How many lines the audit log has for this action.
    pub async fn audited(&self, action: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = sql::BigInt)]
            lines: i64,
        }
        let vault = Vault::new(Keys::read(&self.folder.path().join("keys")).expect("keys"));
        let url = self.database.parse().expect("a URL");
        let db = Db::open(&url, 2, vault, Arc::new(SystemClock), Arc::new(RandomIds)).expect("the database");
        let action = action.to_owned();
        let count = db.read(move |session| {
            let query = sql_query("SELECT count(*) AS lines FROM audit_entry WHERE action = $1");
            Ok(query.bind::<sql::Text, _>(&action).get_result::<Count>(session.connection())?.lines)
        });
        count.await.expect("the audit log can be read")
    }

    /// Whether `consilium audit verify` finds the log whole.
    pub fn audit_is_whole(&self) -> bool {
        self.command(&["audit", "verify"]).output().expect("the server can be run").status.success()
    }
}

/// Waits for something, generously.
pub async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{what}");
}
