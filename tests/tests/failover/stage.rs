//! The real program with a doctor and a patient who meet, and a look into its audit log.

use std::time::Duration;

use consilium_tests::{
    app::{Backend, daily},
    client::{Client, Person, text},
    deployment::{Deployment, Server},
};
use serde_json::{Value, json};

/// A deployment and its running server.
pub struct Stage {
    pub deployment: Deployment,
    server: Server,
}

impl Stage {
    /// Starts the program with these plugins and settings.
    pub async fn open(backend: Backend, plugins: &[&str], settings: impl FnOnce(&Deployment) -> String) -> Self {
        let deployment = Deployment::new(backend);
        for plugin in plugins {
            deployment.install(plugin);
        }
        let settings = settings(&deployment);
        deployment.configure(&settings);
        let server = deployment.serve().await;
        Self { deployment, server }
    }

    pub fn client(&self) -> &Client {
        &self.server.client
    }

    /// Where the server listens.
    pub fn address(&self) -> &str {
        self.server.client.address()
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    pub async fn kill(&mut self) {
        self.server.kill().await;
    }

    /// Starts the server again.
    pub async fn serve(&mut self) {
        self.server = self.deployment.serve().await;
    }

    /// A verified doctor who can be booked at any time, and a patient.
    pub async fn people(&self) -> (Person, Person) {
        let admin = self.client().login("admin").await;
        let doctor = self.client().register("doctor", "ayesha").await;
        let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
        admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
        doctor.set_hours(daily("00:00", "24:00")).await;
        (doctor, self.client().register("patient", "rafi").await)
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

    /// What the audit log has of these actions, in order, with what it says besides.
    pub async fn audited(&self, actions: &[&str]) -> Vec<(String, Value)> {
        self.deployment.audited(actions).await
    }

    /// Waits until `consilium audit verify` finds the log whole.
    pub async fn audit_is_whole(&self) {
        eventually("the audit log is whole", async || self.deployment.verify_audit().is_none()).await;
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
