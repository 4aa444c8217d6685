//! A clinic on three nodes.

use std::{future::Future, time::Duration};

use consilium_tests::{
    app::{Backend, daily},
    client::{Person, text},
    deployment::{Deployment, Server},
    nats::Nats,
};
use serde_json::{Value, json};
use tokio::time::Instant;

pub struct Clinic {
    pub deployment: Deployment,
    pub nats: Nats,
    pub nodes: Vec<Server>,
}

impl Clinic {
    pub async fn open() -> Self {
        let nats = Nats::start();
        let mut deployment = Deployment::new(Backend::Postgres);
        let folder = deployment.folder().display().to_string();
        deployment.set("NATS__URL", &nats.url());
        deployment.set("FILES__URL", &format!("file://{folder}/files"));
        deployment.set("FILES__UPLOAD_DIRECTORY", &format!("{folder}/uploads"));
        deployment.set("DATABASE__CONNECTIONS", "6");
        deployment.set("LOG__FILTER", "warn,consilium_cluster=info");
        let mut nodes = Vec::new();
        for name in ["one", "two", "three"] {
            deployment.set("NATS__NODE", name);
            nodes.push(deployment.serve().await);
        }
        let clinic = Self { deployment, nats, nodes };
        clinic.settled(3).await;
        clinic
    }

    /// Waits until so many nodes own what there is.
    pub async fn settled(&self, owners: usize) {
        let owning = async || {
            let (told, _) = self.deployment.run(&["cluster", "status", "--json"]);
            let status: Value = serde_json::from_str(&told).unwrap_or_default();
            let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
            nodes.iter().filter(|node| node["owns"] == true).count() == owners
        };
        eventually("all nodes own something", owning).await;
    }

    /// A verified doctor who can be booked every five minutes of the coming days.
    pub async fn doctor(&self, name: &str) -> Person {
        let node = &self.nodes[0].client;
        let (admin, doctor) = (node.login("admin").await, node.register("doctor", name).await);
        let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
        admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
        let mut hours = daily("00:00", "24:00");
        hours["slot_minutes"] = json!(5);
        doctor.set_hours(hours).await;
        doctor
    }

    pub async fn patient(&self, name: &str) -> Person {
        self.nodes[0].client.register("patient", name).await
    }

    /// The same person at another node.
    pub fn at(&self, node: usize, who: &Person) -> Person {
        who.at(&self.nodes[node].client)
    }

    /// A consultation of these two, far ahead: they can write to each other.
    pub async fn consultation(&self, doctor: &Person, patient: &Person, nth: usize) -> String {
        let slots = patient.slots(doctor).await;
        let agreed = patient.agree(doctor, &slots[slots.len() - 1 - nth]).await;
        text(&agreed, "consultation_id").to_owned()
    }

    pub async fn ready(&self, node: usize) -> Value {
        self.nodes[node].client.get("//health/ready").await.body
    }
}

/// Waits for what must come.
pub async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) -> Duration {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < Duration::from_secs(40), "{what}: it does not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}
