//! A clinic on three nodes, with a PostgreSQL database, a NATS server and a mail server of its own.

mod history;
mod watcher;
mod wire;

use std::{net::TcpListener, path::PathBuf, rc::Rc, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    app::{Backend, daily},
    client::{Client, Person, text},
    deployment::{Deployment, Server, WallClock},
    nats::Nats,
    smtp::SmtpServer,
};

pub use history::History;
pub use wire::Wire;

/// What nodes are called.
const NAMES: [&str; 3] = ["one", "two", "three"];

/// The clinic; all of it dies with this value.
pub struct Clinic {
    /// Where the nodes keep what must survive.
    pub deployment: Deployment,
    /// What they speak over.
    pub nats: Nats,
    /// What they send mails to.
    pub mails: Rc<SmtpServer>,
    /// Those that run; `None` is a node that was killed.
    pub nodes: [Option<Server>; 3],
    surroundings: [Surroundings; 3],
    addresses: [Client; 3],
}

/// What a node has for itself.
pub struct Surroundings {
    port: u16,
    /// What it takes for the time.
    pub clock: WallClock,
    /// Between it and NATS.
    pub to_nats: Wire,
    /// Between it and the database.
    pub to_database: Wire,
}

impl Clinic {
    /// Three nodes of the program that `scripts/build` left.
    pub async fn open() -> Self {
        Self::of(crate::artifacts::consilium()).await
    }

    /// Three nodes of `program`.
    pub async fn of(program: PathBuf) -> Self {
        let (nats, mails) = (Nats::start(), Rc::new(SmtpServer::start().await));
        let mut deployment = Deployment::of(program, Backend::Postgres);
        let folder = deployment.folder().display().to_string();
        deployment.set("NATS__URL", &nats.url());
        deployment.set("SMTP__URL", &mails.url());
        deployment.set("SMTP__CONCURRENCY", "16");
        deployment.set("FILES__URL", &format!("file://{folder}/files"));
        deployment.set("FILES__UPLOAD_DIRECTORY", &format!("{folder}/uploads"));
        deployment.set("DATABASE__CONNECTIONS", "6");
        deployment.set("LOG__FILTER", "warn,consilium_cluster=info");
        // Kept open until all are known, so that no port is given twice.
        let held = NAMES.map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let database = deployment.database_address();
        let around = |node: usize| Surroundings {
            port: held[node].local_addr().expect("its address").port(),
            clock: WallClock::new(deployment.folder(), NAMES[node]),
            to_nats: Wire::to(nats.address()),
            to_database: Wire::to(database),
        };
        let surroundings = [around(0), around(1), around(2)];
        drop(held);
        let addresses = surroundings.each_ref().map(|around| Client::new(&format!("http://127.0.0.1:{}", around.port)));
        let mut clinic = Self { deployment, nats, mails, nodes: [const { None }; 3], surroundings, addresses };
        for node in 0..NAMES.len() {
            clinic.start(node).await;
        }
        clinic.settled(3).await;
        clinic
    }

    /// Starts a node, where it was before.
    pub async fn start(&mut self, node: usize) {
        let around = &self.surroundings[node];
        let database = self.deployment.database_at(around.to_database.port());
        let own = [
            ("NATS__NODE", NAMES[node].to_owned()),
            ("NATS__URL", format!("nats://127.0.0.1:{}", around.to_nats.port())),
            ("DATABASE__URL", database),
            ("SERVER__PORT", around.port.to_string()),
        ];
        let own = own.into_iter().map(|(key, value)| (format!("CONSILIUM__{key}"), value));
        let own: Vec<(String, String)> = own.chain(around.clock.environment()).collect();
        self.nodes[node] = Some(self.deployment.serve_with(&own).await);
    }

    /// Starts all nodes anew, with another program.
    pub async fn run_by(&mut self, program: PathBuf) {
        self.deployment.server = program;
        for node in 0..NAMES.len() {
            self.kill(node).await;
            self.start(node).await;
        }
        self.well().await;
    }

    /// What a node has for itself.
    pub fn around(&mut self, node: usize) -> &mut Surroundings {
        &mut self.surroundings[node]
    }

    /// SIGKILL.
    pub async fn kill(&mut self, node: usize) {
        if let Some(mut server) = self.nodes[node].take() {
            server.kill().await;
        }
    }

    /// A node that runs.
    pub fn server(&self, node: usize) -> &Server {
        self.nodes[node].as_ref().expect("it runs")
    }

    /// Nobody in particular, at a node, whether it runs or not.
    pub fn client(&self, node: usize) -> &Client {
        &self.addresses[node]
    }

    /// Waits until so many nodes own what there is, and returns how long that took.
    pub async fn settled(&self, owners: usize) -> Duration {
        eventually("nodes own something", async || {
            let (told, _) = self.deployment.run(&["cluster", "status", "--json"]);
            let status: Value = serde_json::from_str(&told).unwrap_or_default();
            let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
            nodes.iter().filter(|node| node["owns"] == true).count() == owners
        })
        .await
    }

    /// Waits until every node says that all is well, and returns how long that took.
    pub async fn well(&self) -> Duration {
        let mut took = Duration::ZERO;
        for node in 0..NAMES.len() {
            took += eventually("all is well", async || self.ready(node).await["status"] == "up").await;
        }
        took + self.settled(NAMES.len()).await
    }

    /// What a node says of itself; nothing when it does not answer.
    pub async fn ready(&self, node: usize) -> Value {
        let asked = self.client(node).get("//health/ready").attempt();
        let answer = tokio::time::timeout(Duration::from_secs(5), asked).await;
        answer.ok().and_then(Result::ok).map(|answer| answer.body).unwrap_or_default()
    }

    /// A verified doctor who can be booked every five minutes of the coming days.
    pub async fn doctor(&self, name: &str) -> Person {
        self.doctor_from(name, "00:00").await
    }

    /// The same with hours that begin at that time of the day.
    pub async fn doctor_from(&self, name: &str, start: &str) -> Person {
        let node = self.client(0);
        let (admin, doctor) = (node.login("admin").await, node.register("doctor", name).await);
        let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
        admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
        let mut hours = daily(start, "24:00");
        hours["slot_minutes"] = json!(5);
        doctor.set_hours(hours).await;
        doctor
    }

    /// A new patient.
    pub async fn patient(&self, name: &str) -> Person {
        self.client(0).register("patient", name).await
    }

    /// The same person at another node.
    pub fn at(&self, node: usize, who: &Person) -> Person {
        who.at(self.client(node))
    }

    /// The same person at each node.
    pub fn everywhere(&self, who: &Person) -> Vec<Person> {
        (0..NAMES.len()).map(|node| self.at(node, who)).collect()
    }

    /// A consultation of these two, far ahead: they can write to each other.
    pub async fn consultation(&self, doctor: &Person, patient: &Person) -> String {
        let slots = patient.slots(doctor).await;
        let agreed = patient.agree(doctor, slots.last().expect("a free slot")).await;
        text(&agreed, "consultation_id").to_owned()
    }
}

/// Waits for what must come, and returns how long that took.
pub async fn eventually(what: &str, condition: impl AsyncFn() -> bool) -> Duration {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: it does not come");
        sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}
